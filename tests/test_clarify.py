# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that may be there already: what people are shown, and what they decide."""

from contextlib import closing
from datetime import timedelta

from lxml import html

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..engine import standing, store, waiting
from ..engine.task import Attempt
from .common import DeliveryCase, SyncCase, backend_values, stream_values
from .doubt_case import put_in_doubt

SENTENCE = (
    "CRM was to create this record, and has not said whether it did. It may be there "
    "already. Nothing more is sent of it before somebody has looked there."
)
MANAGER = "base.group_user,queue_job.group_queue_job_manager"


class ClarifyCase(SyncCase):
    """Three contacts whose creation was not answered."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stream.batch_size = 1
        cls.user, cls.editor, cls.manager, cls.admin = (
            new_test_user(cls.env, f"sync_{name}", groups=groups)
            for name, groups in (
                ("reader", "base.group_user"),
                ("editor", "base.group_user,base.group_partner_manager"),
                ("manager", MANAGER),
                ("admin", "base.group_system"),
            )
        )
        cls.before_commit(cls)
        # they are contacts too
        cls.outbox(cls).unlink()
        cls.jobs(cls).unlink()
        cls.names = ["Ada", "Grace", "Blaise"]
        cls.partners = cls.env["res.partner"].create([{"name": n} for n in cls.names])
        cls.before_commit(cls)
        cls.bindings = cls.env["sync.binding"]
        for partner in cls.partners:
            (row,) = cls.outbox(cls, partner)
            cls.bindings |= put_in_doubt(cls.stream, partner.id, uuid=row.job_uuid)
        cls.binding, cls.partner = cls.bindings[0], cls.partners[0]

    def wizard(self, bindings=None, user=None):
        """Open the dialog from the list of records, as a user."""
        bindings = self.bindings if bindings is None else bindings
        action = bindings.with_user(user or self.manager).action_clarify()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        return wizard.with_user(user or self.manager)

    def decide(self, *decisions, **options):
        """Fill the dialog in: an ID, ``None`` to create, or nothing to leave."""
        wizard = self.wizard(**options)
        for line, decision in zip(wizard.line_ids, decisions, strict=False):
            line.write(
                {"decision": "there", "external_id": decision}
                if decision is not None
                else {"decision": "absent"}
            )
        return wizard

    def put(self, binding, **values):
        """Write columns of a binding as a worker does."""
        return put_in_doubt(binding.stream_id, binding.res_id, **values)

    def settle(self, partner):
        """Drop what is undelivered of contacts, as a confirmation does."""
        rows = self.outbox(partner)
        self.jobs().filtered(lambda job: job.uuid in rows.mapped("job_uuid")).unlink()
        rows.unlink()

    def note(self, partner, creates=True, late=0):
        """Note a request of a contact that was not answered."""
        self.env["sync.attempt"].create(
            {
                "stream_id": self.stream.id,
                "res_id": partner.id,
                "operation": "upsert",
                "idempotency_key": "key",
                "digest": "digest",
                "content": "{}",
                "creates": creates,
                "late_until": late and fields.Datetime.now() + timedelta(minutes=late),
            }
        )

    def notes(self, partner):
        mine = [("stream_id", "=", self.stream.id), ("res_id", "=", partner.id)]
        return self.env["sync.attempt"].search(mine)

    def found(self, state):
        """Return which of this test's contacts a filter finds."""
        mine = [("id", "in", self.partners.ids), ("sync_state", "=", state)]
        return self.env["res.partner"].search(mine, order="id")

    def states(self):
        self.env.invalidate_all()
        return self.partners.mapped("sync_state")

    def text(self, user, partner=None):
        """Return what a user reads in the dialog of a contact."""
        dialog = self.dialog(user, partner)
        content = html.fromstring(f"<div>{dialog.content}</div>")
        return " ".join(content.text_content().split())

    def dialog(self, user, partner=None):
        record = (partner or self.partner).with_user(user)
        action = record.action_sync_status()
        return record.env[action["res_model"]].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestFoundDoubts(ClarifyCase):
    """What was found, and may be the record or not, is shown with its IDs."""

    def setUp(self):
        super().setUp()
        self.put(self.binding, doubt="found", found_ids="C-1, C-2")

    def test_dialog_lists_the_ids(self):
        wizard = self.wizard()
        self.assertEqual((wizard.found_count, wizard.maybe_count), (1, 2))
        [line] = wizard.line_ids.filtered("found_ids")
        self.assertEqual((line.found_ids, line.doubt), ("C-1, C-2", "found"))
        text = self.text(self.editor)
        self.assertIn("has what may be this record: C-1, C-2", text)

    def test_one_of_them_is_it(self):
        self.put(self.binding, content_hash="old", version_token="1", doubt="found")
        self.decide("C-2", bindings=self.binding).action_apply()
        binding = self.binding
        self.assertEqual(binding.external_id, "C-2")
        self.assertFalse(binding.doubt or binding.found_ids or binding.content_hash)
        self.assertFalse(binding.version_token or binding.looked)

    def test_none_of_them_is_it(self):
        """It is created without being looked for, until it is confirmed."""
        self.decide(None, bindings=self.binding).action_apply()
        self.assertTrue(self.binding.looked)
        self.assertFalse(self.binding.found_ids or self.binding.doubt)

    def test_adopted_records_are_found(self):
        self.put(self.binding, doubt=None, adopted=fields.Datetime.now())
        self.put(self.binding, doubt=None, found_ids=None)
        found = self.bindings.search([("adopted", "!=", False)])
        self.assertEqual(found & self.bindings, self.binding)


@tagged("post_install", "-at_install")
class TestDoubtStates(ClarifyCase):
    def assertState(self, *states):
        """Screens and filters agree about the state of each contact."""
        self.assertEqual(self.states(), list(states))
        self.bindings.invalidate_recordset(["state"])
        self.assertEqual(self.bindings.mapped("state"), list(states))
        for state, _label in [*standing.SYNC_STATES, (False, "")]:
            expected = self.partners.browse(
                partner.id
                for partner, its in zip(self.partners, states, strict=True)
                if its == state
            )
            with self.subTest(state):
                self.assertEqual(self.found(state), expected)

    def test_job_that_sleeps_for_a_person_does_not_wait(self):
        self.assertState("doubt", "doubt", "doubt")

    def test_of_one_that_was_put_in_doubt_more_edits_do_not_wait_either(self):
        self.partner.name = "Ada Lovelace"
        self.assertEqual(self.partner.sync_state, "doubt")
        self.before_commit()
        self.assertState("doubt", "doubt", "doubt")

    def test_failed_job_of_a_record_in_doubt_is_nobodys_failure(self):
        self.jobs().write({"state": "failed"})
        self.assertState("doubt", "doubt", "doubt")

    def test_closed_job_leaves_the_doubt(self):
        self.jobs().with_user(self.manager).button_done()
        self.assertTrue(self.binding.skipped)
        self.assertState("doubt", "doubt", "doubt")

    def test_there_under_an_unknown_id(self):
        now = fields.Datetime.now()
        self.settle(self.partners)
        confirmed = {"last_success": now, "absent": None}
        self.put(self.bindings[0], doubt="unknown_id", **confirmed)
        self.put(self.bindings[1], doubt=None, **confirmed)
        self.put(self.bindings[2], doubt=None, skipped=True, **confirmed)
        self.assertState("doubt", "synced", "skipped")

    def test_accepted(self):
        now = fields.Datetime.now()
        confirmed = {"last_success": now, "absent": None, "content_hash": "abc"}
        accepted = {**confirmed, "accepted": True}
        self.settle(self.partners)
        self.put(self.bindings[0], doubt=None, **accepted)
        self.put(self.bindings[1], doubt="unknown_id", **accepted)
        self.put(self.bindings[2], doubt=None, skipped=True, **accepted)
        self.assertState("accepted", "accepted", "skipped")

    def test_next_edit_of_an_accepted_record_without_an_id(self):
        self.settle(self.partner)
        self.put(self.binding, doubt="unknown_id", accepted=True)
        self.partner.name = "Ada Lovelace"
        self.before_commit()
        self.assertState("waiting", "doubt", "doubt")
        (row,) = self.outbox(self.partner)
        values = {"accepted": True, "uuid": row.job_uuid}
        self.put(self.binding, doubt="unknown_id", **values)
        self.assertState("doubt", "doubt", "doubt")
        self.assertEqual(len(standing.in_doubt(self.env)[self.stream.id]), 3)

    def test_of_two_systems_a_failure_is_told_and_a_wait_is_not(self):
        backend = self.env["sync.backend"].create(backend_values(name="Shop"))
        shop = self.env["sync.stream"].create(stream_values(backend, batch_size=1))
        self.partners[:2].action_sync_now()
        self.before_commit()
        self.jobs(shop)[0].state = "failed"
        self.assertEqual(self.states(), ["failed", "doubt", "doubt"])
        self.assertEqual(self.found("failed"), self.partners[0])
        self.assertEqual(self.found("doubt"), self.partners[1:])
        self.assertFalse(self.found("waiting"))

    def test_since_when(self):
        (row,) = self.outbox(self.partner)
        self.env.cr.execute(
            "UPDATE sync_outbox SET create_date = create_date - interval '2 hours'"
            " WHERE id = %s",
            (row.id,),
        )
        self.env.invalidate_all()
        self.assertEqual(self.partner.sync_date, row.create_date)

    def test_plain_user_sees_it(self):
        partner = self.partner.with_user(self.user)
        self.assertEqual(partner.sync_state, "doubt")
        domain = [("id", "in", self.partners.ids), ("sync_state", "=", "doubt")]
        self.assertEqual(partner.search(domain), self.partners)

    # -- counted apart --------------------------------------------------------

    def figures(self):
        self.env.flush_all()
        return self.backend._queue_figures()[self.backend.id]

    def test_dashboard(self):
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["failed"]), (0, 0))
        self.assertEqual((figures["doubt"], figures["oldest"]), (3, None))
        self.env["res.partner"].create({"name": "Charles"})
        self.before_commit()
        figures = self.figures()
        self.assertEqual((figures["waiting"], figures["doubt"]), (1, 3))
        self.assertEqual(figures["oldest"], self.jobs()[-1].date_created)
        for record in (self.backend, self.stream):
            record.invalidate_recordset()
            mine = record.with_user(self.manager)
            self.assertEqual(mine.doubt_count, 3)
            action = mine.action_open_doubts()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, self.bindings[::-1])
            self.assertEqual(len(action["domain"]), 3)
        waiting_jobs = self.backend.action_open_waiting()["domain"]
        self.assertEqual(self.env["queue.job"].search(waiting_jobs), self.jobs()[-1])

    def test_nothing_is_in_doubt(self):
        self.wizard().action_create_all()
        self.env.invalidate_all()
        self.assertEqual((self.backend.doubt_count, self.stream.doubt_count), (0, 0))
        action = self.backend.action_open_doubts()
        self.assertFalse(self.env["sync.binding"].search(action["domain"]))

    def test_monitoring(self):
        self.assertEqual(
            standing.in_doubt(self.env)[self.stream.id], {*self.partners.ids}
        )
        self.assertNotIn(self.stream.id, standing.waiting_changes(self.env))
        self.assertNotIn(self.stream.id, standing.failed_jobs(self.env))
        self.env["res.partner"].create({"name": "Charles"})
        self.before_commit()
        self.assertEqual(standing.waiting_changes(self.env)[self.stream.id][0], 1)

    def test_backfill_does_not_wait_for_people(self):
        backfill = self.env["sync.backfill"].create(
            {"stream_id": self.stream.id, "queued": 3, "total": 3, "state": "running"}
        )
        self.outbox().backfill_id = backfill
        self.env.flush_all()
        counts = ("doubtful", "waiting", "failed", "done", "progress")
        self.assertEqual([backfill[name] for name in counts], [3, 0, 0, 0, 100])
        self.assertIsNone(backfill._obstacle())
        self.wizard().action_create_all()
        self.env.invalidate_all()
        self.assertEqual([backfill[name] for name in counts], [0, 3, 0, 0, 0])
        self.assertTrue(backfill._obstacle())


@tagged("post_install", "-at_install")
class TestDoubtTold(ClarifyCase):
    """What the dialog of a contact says."""

    def test_in_plain_words(self):
        text = self.text(self.user)
        for part in ("To Be Clarified", "CRM: No answer within 30 s", SENTENCE):
            self.assertIn(part, text)
        self.assertIn("Those who look after the jobs can say so here.", text)
        self.assertNotIn("will be sent", text)
        self.assertIn(
            f"{SENTENCE} Look there, then press Clarify.", self.text(self.manager)
        )

    def test_unknown_id(self):
        self.settle(self.partner)
        self.put(self.binding, doubt="unknown_id")
        self.assertIn("has not said under which ID", self.text(self.user))

    def test_accepted(self):
        self.settle(self.partner)
        now = fields.Datetime.now()
        confirmed = {"last_success": now, "absent": None}
        self.put(self.binding, doubt=None, accepted=True, **confirmed)
        text = self.text(self.manager)
        self.assertIn("Accepted, Not Confirmed", text)
        self.assertIn("CRM has accepted it, and has not said that it is", text)
        self.assertFalse(self.dialog(self.manager).can_clarify)

    def test_button_is_for_those_who_may_decide(self):
        for user, may in (
            (self.user, False),
            (self.editor, False),
            (self.manager, True),
            (self.admin, True),
        ):
            with self.subTest(user.login):
                self.assertEqual(self.dialog(user).can_clarify, may)
        for user in (self.user, self.editor):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.dialog(user).action_clarify()

    def test_button_asks_about_this_record(self):
        for user in (self.manager, self.admin):
            action = self.dialog(user).action_clarify()
            wizard = self.env["sync.clarify"].browse(action["res_id"])
            self.assertEqual(wizard.line_ids.binding_id, self.binding)

    def test_systems_of_other_companies_are_not_told_of(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.backend.company_id = elsewhere
        self.env.flush_all()
        self.assertFalse(self.dialog(self.manager).can_clarify)
        with self.assertRaises(UserError):
            self.dialog(self.manager).action_clarify()
        with self.assertRaises(AccessError):
            self.wizard(self.binding)


@tagged("post_install", "-at_install")
class TestClarify(ClarifyCase):
    """What people decide, for one record and for many."""

    def assertDecided(self, binding, **values):
        self.env.invalidate_all()
        self.assertFalse(binding.doubt or binding.doubt_reason)
        self.assertIn("sync_manager", binding.note)
        self.assertTrue(binding.note_date)
        for name, value in values.items():
            self.assertEqual(binding[name], value, name)

    def test_it_is_there(self):
        self.put(self.binding, content_hash="abc", accepted=True)
        self.note(self.partner)
        self.note(self.partner, creates=False)
        row = self.outbox(self.partner)
        self.decide("  crm 7 ", bindings=self.binding).action_apply()
        self.assertDecided(
            self.binding, external_id="crm 7", content_hash=False, accepted=False
        )
        self.assertIn("ID given by", self.binding.note)
        # what is to be sent waits no longer
        self.assertEqual(self.outbox(self.partner), row)
        self.assertEqual(self.notes(self.partner).mapped("creates"), [False])
        self.assertEqual(self.states(), ["waiting", "doubt", "doubt"])

    def test_it_is_there_as_it_was_confirmed(self):
        self.settle(self.partner)
        now = fields.Datetime.now()
        confirmed = {"content_hash": "abc", "last_success": now, "absent": None}
        self.put(self.binding, doubt="unknown_id", **confirmed)
        self.decide("crm 7", bindings=self.binding).action_apply()
        self.assertDecided(self.binding, external_id="crm 7", content_hash="abc")
        self.assertFalse(self.outbox(self.partner))
        self.assertEqual(self.states(), ["synced", "doubt", "doubt"])

    def test_it_is_not_there(self):
        self.note(self.partner)
        self.note(self.partner, creates=False)
        row = self.outbox(self.partner)
        self.put(self.binding, external_id="old", content_hash="abc")
        self.decide(None, bindings=self.binding).action_apply()
        self.assertDecided(self.binding, external_id=False, content_hash=False)
        self.assertIn("To be created anew", self.binding.note)
        self.assertEqual(self.outbox(self.partner), row)
        self.assertEqual(self.notes(self.partner).mapped("creates"), [False])

    def test_it_is_not_there_although_it_was_confirmed(self):
        self.settle(self.partner)
        confirmed = {"content_hash": "abc", "accepted": True}
        self.put(self.binding, doubt="unknown_id", **confirmed)
        with self.committed() as jobs:
            self.decide(None, bindings=self.binding).action_apply()
        self.assertDecided(self.binding, content_hash=False, accepted=False)
        (row,) = self.outbox(self.partner)
        self.assertEqual(row.job_uuid, jobs[0].uuid)
        self.assertTrue(row.force)
        self.assertEqual(jobs[0].user_id, self.manager)

    def test_deleted_in_odoo_meanwhile(self):
        partner_id = self.partner.id
        self.partner.unlink()
        self.before_commit()
        wizard = self.wizard(self.binding)
        self.assertTrue(wizard.line_ids.gone)
        rows = self.outbox().filtered(lambda row: row.res_id == partner_id)
        self.assertIn("delete", rows.mapped("operation"))
        before = len(self.outbox())
        wizard.line_ids.decision = "absent"
        wizard.action_apply()
        self.assertDecided(self.binding, external_id=False)
        self.assertEqual(len(self.outbox()), before)

    def test_deleted_in_odoo_and_closed(self):
        self.jobs().filtered(lambda job: job.sync_res_id == self.partner.id).with_user(
            self.manager
        ).button_done()
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", (self.partner.id,))
        self.env.invalidate_all()
        self.decide(None, bindings=self.binding).action_apply()
        mine = [("res_id", "=", self.binding.res_id)]
        self.assertFalse(self.env["sync.outbox"].search(mine))

    def test_many(self):
        self.decide("crm 1", None).action_apply()
        self.env.invalidate_all()
        self.assertEqual(self.bindings.mapped("doubt"), [False, False, "maybe"])
        self.assertEqual(self.bindings.mapped("external_id"), ["crm 1", False, False])
        self.assertEqual(self.states(), ["waiting", "waiting", "doubt"])

    def test_none_of_them_is_there(self):
        action = self.wizard().action_create_all()
        self.assertIn("3 records", action["params"]["message"])
        self.env.invalidate_all()
        self.assertEqual(self.bindings.mapped("doubt"), [False] * 3)
        self.assertEqual(len(self.outbox()), 3)

    def test_two_that_swap_ids(self):
        self.put(self.bindings[0], external_id="crm 1")
        self.put(self.bindings[1], external_id="crm 2")
        self.decide("crm 2", "crm 1").action_apply()
        self.env.invalidate_all()
        found = self.bindings.mapped("external_id")
        self.assertEqual(found, ["crm 2", "crm 1", False])

    def test_what_is_no_id(self):
        for given in ("", "   ", "x" * 256, "a\nb", "a\tb", "\x07", "..", "a\u200bb"):
            with self.subTest(given), self.assertRaises(UserError):
                self.decide(given, bindings=self.binding).action_apply()
        self.env.invalidate_all()
        self.assertEqual(self.binding.doubt, "maybe")

    def test_id_of_another_record(self):
        other = self.env["sync.binding"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.env.user.partner_id.id,
                "external_id": "crm 7",
            }
        )
        with self.assertRaisesRegex(UserError, "crm 7 is the ID of"):
            self.decide("crm 7", bindings=self.binding).action_apply()
        with self.assertRaisesRegex(UserError, "crm 8 is the ID of Ada"):
            self.decide("crm 8", "crm 8").action_apply()
        # in another synchronization it is another record
        backend = self.env["sync.backend"].create(backend_values(name="Shop"))
        stream = self.env["sync.stream"].create(stream_values(backend))
        self.env.cr.execute(
            "UPDATE sync_binding SET stream_id = %s WHERE id = %s",
            (stream.id, other.id),
        )
        self.env.invalidate_all()
        self.decide("crm 7", bindings=self.binding).action_apply()

    def test_creation_that_may_still_arrive(self):
        self.note(self.partner, late=5)
        with self.assertRaisesRegex(UserError, "creates Ada may still arrive"):
            self.decide(None, bindings=self.binding).action_apply()
        self.decide("crm 7", bindings=self.binding).action_apply()
        self.assertFalse(self.notes(self.partner))

    def test_decided_meanwhile(self):
        late = self.decide("crm 8", bindings=self.binding)
        self.decide("crm 7", bindings=self.binding).action_apply()
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "no doubt about Ada"):
            late.action_apply()
        with self.assertRaisesRegex(UserError, "nothing to clarify"):
            self.wizard(self.binding)
        self.assertEqual(self.binding.external_id, "crm 7")

    def test_nothing_decided(self):
        with self.assertRaisesRegex(UserError, "Decide about a record first"):
            self.wizard().action_apply()

    def test_only_those_in_doubt_are_asked_about(self):
        clear = self.env["sync.binding"].create(
            {"stream_id": self.stream.id, "res_id": self.env.user.partner_id.id}
        )
        self.assertEqual(
            self.wizard(self.bindings | clear).line_ids.binding_id, self.bindings
        )

    def test_from_the_job(self):
        job = self.jobs()[0].with_user(self.manager)
        self.assertTrue(job.sync_in_doubt)
        wizard = self.env["sync.clarify"].browse(job.action_clarify()["res_id"])
        self.assertEqual(wizard.line_ids.binding_id, self.binding)
        job.action_run_now()
        self.assertFalse(job.sync_in_doubt)
        with self.assertRaises(UserError):
            job.action_clarify()

    # -- the dialog -----------------------------------------------------------

    def test_lines(self):
        self.stream.record_url = "https://crm.example.com/people/{external_id}/edit"
        line = self.wizard().line_ids[0]
        self.assertEqual(line.record_name, "Ada")
        self.assertEqual(line.backend_id.name, "CRM")
        self.assertEqual(line.page, "https://crm.example.com/people/")
        self.assertEqual((line.decision, line.doubt), ("leave", "maybe"))
        self.assertEqual(line.doubt_reason, "No answer within 30 s")
        self.stream.record_url = "https://crm.example.com/people?odoo={id}"
        self.env.invalidate_all()
        expected = f"https://crm.example.com/people?odoo={self.partner.id}"
        self.assertEqual(line.page, expected)
        self.stream.record_url = False
        self.env.invalidate_all()
        self.assertFalse(line.page)

    def test_form(self):
        wizard = self.wizard()
        with Form(wizard, "queue_job_sync.view_sync_clarify_form") as form:
            self.assertEqual((form.maybe_count, form.unknown_count), (3, 0))
            with form.line_ids.edit(0) as line:
                line.external_id = "crm 7"
                self.assertEqual(line.decision, "there")
            with form.line_ids.edit(1) as line:
                line.decision = "absent"
            with form.line_ids.edit(2) as line:
                line.external_id = "crm 8"
                line.decision = "absent"
                self.assertFalse(line.external_id)
                line.decision = "leave"
            self.assertEqual(form.decided_count, 2)
        wizard.action_apply()
        self.assertDecided(self.binding, external_id="crm 7")

    # -- rights ---------------------------------------------------------------

    def test_for_job_managers_and_administrators(self):
        for user, may in (
            (self.user, False),
            (self.editor, False),
            (self.manager, True),
            (self.admin, True),
        ):
            with self.subTest(user.login):
                if may:
                    self.assertEqual(len(self.wizard(user=user).line_ids), 3)
                    continue
                with self.assertRaises(AccessError):
                    self.wizard(user=user)
                with self.assertRaises(AccessError):
                    self.wizard().with_user(user).action_create_all()

    def test_nobody_makes_one_by_hand(self):
        for user in (self.manager, self.admin):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env["sync.clarify"].with_user(user).create(
                    {
                        "line_ids": [
                            fields.Command.create({"binding_id": self.binding.id})
                        ]
                    }
                )

    def test_record_of_another_company(self):
        wizard = self.decide(None)
        self.backend.company_id = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.flush_all()
        self.env.invalidate_all()
        for press in (wizard.action_apply, wizard.action_create_all):
            with self.assertRaises(UserError):
                press()
        self.assertEqual(self.binding.doubt, "maybe")

    def test_line_is_not_led_to_a_record_of_another_company(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        backend = self.env["sync.backend"].create(
            backend_values(name="Undisclosed", company_id=elsewhere.id)
        )
        stream = self.env["sync.stream"].create(stream_values(backend))
        theirs = put_in_doubt(stream, self.partner.id)
        wizard = self.wizard(self.binding)
        wizard.line_ids.write({"binding_id": theirs.id, "decision": "absent"})
        for press in (wizard.action_apply, wizard.action_create_all):
            self.env.flush_all()
            self.env.invalidate_all()
            with self.assertRaises(UserError):
                press()
        self.assertEqual(theirs.doubt, "maybe")


@tagged("post_install", "-at_install")
class TestClarifyWakes(DeliveryCase):
    """Decisions that are committed, beside jobs."""

    def setUp(self):
        super().setUp()
        self.partner_id = self.new_partner(name="Ada")
        (self.uuid,) = self.job_uuids()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            put_in_doubt(stream, self.partner_id, uuid=self.uuid)
        self.key = waiting.for_doubt(self.stream_id, self.partner_id)

    def decide(self, external_id=None):
        with self.transaction() as env:
            place = [("stream_id", "=", self.stream_id)]
            action = env["sync.binding"].search(place).action_clarify()
            wizard = env["sync.clarify"].browse(action["res_id"])
            decision = "there" if external_id else "absent"
            wizard.line_ids.write({"decision": decision, "external_id": external_id})
            wizard.action_apply()

    def look(self):
        """Look as the cron does."""
        waiting.look(self.registry, self.key)

    def test_sleeps_as_long_as_there_is_doubt(self):
        self.look()
        self.assertEqual(
            self.job(self.uuid, "sync_wait_key")["sync_wait_key"], self.key
        )

    def test_a_decision_wakes_all(self):
        self.edit(self.partner_id, name="Ada Lovelace")
        other = self.job_uuids()[-1]
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            put_in_doubt(stream, self.partner_id, uuid=other)
        self.assertEqual(self.asleep(), [self.uuid, other])
        self.decide("7")
        # one calls the other, as those of a system do
        self.assertTrue(self.awake())
        for uuid in self.job_uuids("pending"):
            key = self.job(uuid, "sync_wait_key")["sync_wait_key"]
            self.assertIn(key, (False, waiting.for_system(self.backend_id)))

    def test_it_is_there_and_is_updated(self):
        self.destination.records["/contacts/7"] = {}
        self.decide("7")
        self.assertEqual(self.run_job(self.uuid), "done")
        (request,) = self.destination.requests
        self.assertEqual((request.method, request.path[-11:]), ("PUT", "/contacts/7"))

    def test_it_is_not_there_and_is_created(self):
        attempt = Attempt(0, "upsert", "key", "digest", "{}", creates=True)
        notes = store.write_notes(
            self.registry, self.stream_id, [(self.partner_id, attempt)], 0
        )
        self.assertEqual(len(notes), 1)
        self.decide()
        self.assertEqual(self.run_job(self.uuid), "done")
        (request,) = self.destination.requests
        self.assertEqual(request.method, "POST")
        self.assertNotEqual(request.headers.get("Idempotency-Key"), "key")
        self.assertFalse(self.binding(self.partner_id)["note"])

    def test_deleted_here_and_there(self):
        self.prove("delete")
        self.delete(self.partner_id)
        self.decide("7")
        for uuid in self.job_uuids("pending"):
            self.run_job(uuid)
        methods = [request.method for request in self.destination.requests]
        self.assertEqual(methods, ["DELETE"])
        self.assertFalse(self.outbox(self.partner_id))

    def test_deleted_here_and_not_there(self):
        self.delete(self.partner_id)
        self.decide()
        for uuid in self.job_uuids("pending"):
            self.run_job(uuid)
        self.assertFalse(self.destination.requests)
        self.assertFalse(self.outbox(self.partner_id))

    def test_record_that_is_being_sent(self):
        with closing(self.registry.cursor()) as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertTrue(store.lock_bindings(stream, [self.partner_id]))
            for external_id in ("7", None):
                with self.assertRaisesRegex(UserError, "Another job is sending Ada"):
                    self.decide(external_id)
        self.assertEqual(self.binding(self.partner_id)["doubt"], "maybe")
        self.assertEqual(self.asleep(), [self.uuid])
        self.decide("7")
        self.assertFalse(self.binding(self.partner_id)["doubt"])
