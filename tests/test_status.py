# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What people see on a record, and the button that sends it now."""

from collections import Counter
from datetime import timedelta
from itertools import combinations, product

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..engine.standing import BY_URGENCY, SYNC_STATES, situations
from .common import SyncCase, backend_values, stream_values


@tagged("post_install", "-at_install")
class TestStatus(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.never, cls.synced, cls.waiting, cls.failed = (
            cls.new_partner(name) for name in ("Never", "Synced", "Waiting", "Failed")
        )
        cls.partners = cls.never | cls.synced | cls.waiting | cls.failed
        for partner in cls.never | cls.synced:
            cls.outbox(cls, partner).unlink()
        cls.confirm(cls, cls.synced)
        cls.fail(cls, cls.failed)

    @classmethod
    def new_partner(cls, name):
        """Create a contact, whose job is its own."""
        partner = cls.env["res.partner"].create({"name": name})
        cls.before_commit(cls)
        return partner

    def confirm(self, partner, stream=None):
        """Record that the destination took a contact."""
        self.env["sync.binding"].create(
            {
                "stream_id": (stream or self.stream).id,
                "res_id": partner.id,
                "external_id": "crm-7",
                "content_hash": "abc",
                "last_success": fields.Datetime.now(),
            }
        )

    def fail(self, partner, reason="The CRM said no"):
        """Fail the jobs of a contact."""
        self.env["queue.job"].search([("sync_res_id", "=", partner.id)]).write(
            {"state": "failed", "exc_message": reason}
        )
        self.env.flush_all()

    def found(self, *domain):
        """Return which of this test's contacts a filter finds."""
        return self.env["res.partner"].search(
            [("id", "in", self.partners.ids), *domain], order="id"
        )

    def test_state_of_each(self):
        self.assertEqual(
            self.partners.mapped("sync_state"),
            ["unsent", "synced", "waiting", "failed"],
        )

    def test_state_of_a_new_record(self):
        self.assertFalse(self.env["res.partner"].new({"name": "Draft"}).sync_state)

    def test_edit_after_success_waits(self):
        self.synced.name = "Synced no more"
        self.before_commit()
        self.synced.invalidate_recordset()
        self.assertEqual(self.synced.sync_state, "waiting")

    def test_edit_after_failure_waits_again(self):
        self.failed.name = "Failed, corrected"
        self.before_commit()
        self.failed.invalidate_recordset()
        self.assertEqual(self.failed.sync_state, "waiting")
        self.assertIn(self.failed, self.found(("sync_state", "=", "waiting")))
        self.assertFalse(self.found(("sync_state", "=", "failed")))

    def test_change_whose_job_vanished_waits_for_the_sweep(self):
        self.jobs().filtered(lambda job: job.sync_res_id == self.waiting.id).unlink()
        self.waiting.invalidate_recordset()
        self.assertEqual(self.waiting.sync_state, "waiting")
        self.assertIn(self.waiting, self.found(("sync_state", "=", "waiting")))

    def test_search_by_state(self):
        for state, expected in (
            ("synced", self.synced),
            ("waiting", self.waiting),
            ("failed", self.failed),
            ("unsent", self.never),
        ):
            with self.subTest(state):
                self.assertEqual(self.found(("sync_state", "=", state)), expected)
                self.assertEqual(
                    self.found(("sync_state", "!=", state)), self.partners - expected
                )

    def test_search_by_states(self):
        self.assertEqual(
            self.found(("sync_state", "in", ["waiting", "failed"])),
            self.waiting | self.failed,
        )
        self.assertEqual(
            self.found(("sync_state", "not in", ["waiting", "failed"])),
            self.never | self.synced,
        )
        self.assertEqual(
            self.found(("sync_state", "in", ["unsent", "synced"])),
            self.never | self.synced,
        )

    def test_search_finds_what_is_not_flushed_yet(self):
        self.jobs().filtered(
            lambda job: job.sync_res_id == self.waiting.id
        ).state = "failed"
        self.assertEqual(
            self.found(("sync_state", "=", "failed")), self.waiting | self.failed
        )

    def test_worst_of_two_systems_is_the_state(self):
        shop = self.env["sync.stream"].create(
            stream_values(self.env["sync.backend"].create(backend_values(name="Shop")))
        )
        self.confirm(self.waiting, shop)
        self.confirm(self.failed, shop)
        self.synced.name = "Waits for the shop"
        self.before_commit()
        # the CRM has it already, the shop does not
        self.outbox(self.synced).unlink()
        self.partners.invalidate_recordset()
        expected = ["unsent", "waiting", "waiting", "failed"]
        self.assertEqual(self.partners.mapped("sync_state"), expected)
        self.assertFalse(self.found(("sync_state", "=", "synced")))
        self.assertEqual(
            self.found(("sync_state", "=", "waiting")), self.synced | self.waiting
        )

    def test_failed_in_one_system_and_waiting_in_another_is_failed(self):
        shop = self.env["sync.stream"].create(
            stream_values(self.env["sync.backend"].create(backend_values(name="Shop")))
        )
        self.waiting.name = "Waits for both"
        self.before_commit()
        self.jobs(shop).state = "failed"
        self.waiting.invalidate_recordset()
        self.assertEqual(self.waiting.sync_state, "failed")
        self.assertFalse(self.found(("sync_state", "=", "waiting")))
        self.assertIn(self.waiting, self.found(("sync_state", "=", "failed")))

    def test_plain_user_sees_the_status(self):
        user = new_test_user(self.env, "sync_reader", groups="base.group_user")
        failed = self.failed.with_user(user)
        self.assertEqual(failed.sync_state, "failed")
        found = self.env["res.partner"].with_user(user)
        self.assertEqual(
            found.search(
                [("id", "in", self.partners.ids), ("sync_state", "=", "failed")]
            ),
            self.failed,
        )

    def test_portal_user_does_not_see_it(self):
        user = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            user.partner_id.with_user(user).read(["sync_state"])
        self.assertNotIn(
            "sync_state", self.env["res.partner"].with_user(user).fields_get()
        )

    def date_changes(self, rows, date):
        """Let changes have come about at a time."""
        self.env.cr.execute(
            "UPDATE sync_outbox SET create_date = %s WHERE id IN %s",
            (date, tuple(rows.ids)),
        )
        self.env.invalidate_all()

    def test_date_says_since_when(self):
        now = fields.Datetime.now()
        self.env["sync.binding"].search(
            [("res_id", "=", self.synced.id)]
        ).last_success = now - timedelta(hours=3)
        self.env["queue.job"].search(
            [("sync_res_id", "=", self.failed.id)]
        ).date_started = now - timedelta(hours=2)
        self.env.flush_all()
        self.date_changes(self.outbox(self.waiting), now - timedelta(hours=1))
        self.assertEqual(
            [date and now - date for date in self.partners.mapped("sync_date")],
            [False, *(timedelta(hours=count) for count in (3, 1, 2))],
        )

    def test_date_of_the_oldest_change_that_waits(self):
        now = fields.Datetime.now()
        self.waiting.name = "Waiting twice"
        self.before_commit()
        old, _new = self.outbox(self.waiting)
        self.date_changes(old, now - timedelta(days=1))
        self.assertEqual(self.waiting.sync_date, now - timedelta(days=1))

    def test_edit_of_a_failed_record_waits_since_now(self):
        self.failed.name = "Corrected, not committed yet"
        self.failed.invalidate_recordset(["sync_state", "sync_date"])
        self.assertEqual(self.failed.sync_state, "waiting")
        self.assertEqual(self.failed.sync_date, self.env.cr.now())

    def test_a_form_costs_one_query_and_another_while_a_change_waits(self):
        # what is not sent yet is asked for: a savepoint, and nothing is read anew
        known = self.partners - self.never
        for partners, count in ((known, 2), (self.synced, 1), (self.partners, 4)):
            partners.invalidate_recordset()
            situations(partners)
            with self.subTest(partners), self.assertQueryCount(count):
                partners.mapped("sync_state")
                partners.mapped("sync_date")

    def jobs_opened(self, partner):
        """Return the jobs that the button of a contact opens."""
        action = partner.action_sync_jobs()
        return self.env[action["res_model"]].search(action["domain"])

    def test_jobs_are_opened(self):
        self.waiting.name = "Waiting twice"
        self.before_commit()
        jobs = self.jobs_opened(self.waiting)
        self.assertEqual(jobs.mapped("sync_res_id"), [self.waiting.id] * 2)

    def test_jobs_of_many_records_are_opened_too(self):
        with self.committed() as made:
            self.partners.action_sync_now()
        (chunk,) = made
        self.assertFalse(chunk.sync_res_id)
        for partner in self.partners:
            self.assertIn(chunk, self.jobs_opened(partner))
        # once it has delivered them, only the log knows whose job it was
        self.outbox().unlink()
        self.env["sync.delivery"].create(
            {
                "stream_id": self.stream.id,
                "res_id": self.never.id,
                "job_uuid": chunk.uuid,
                "operation": "upsert",
                "state": "success",
            }
        )
        self.assertIn(chunk, self.jobs_opened(self.never))
        self.assertNotIn(chunk, self.jobs_opened(self.synced))

    # -- synchronize now ------------------------------------------------------

    def test_now_sends_though_nothing_changed(self):
        with self.committed() as jobs:
            action = self.synced.action_sync_now()
        (job,) = jobs
        row = self.outbox(self.synced)
        self.assertTrue(row.force)
        self.assertEqual(row.job_uuid, job.uuid)
        self.assertEqual(job.user_id, self.env.user)
        self.assertIn("1", action["params"]["message"])

    def test_now_waits_for_no_delay(self):
        self.stream.write({"delay_policy": "delay", "delay_minutes": 30})
        with self.committed() as jobs:
            self.synced.action_sync_now()
        self.assertFalse(jobs[0].eta)

    def test_now_sends_to_every_system(self):
        shop = self.env["sync.stream"].create(
            stream_values(self.env["sync.backend"].create(backend_values(name="Shop")))
        )
        self.synced.action_sync_now()
        self.assertTrue(self.outbox(self.synced).force)
        self.assertTrue(self.outbox(self.synced, shop).force)

    def test_now_on_several_records(self):
        with self.committed() as jobs:
            action = self.partners.action_sync_now()
        self.assertEqual([job.records for job in jobs], [self.partners])
        self.assertIn("4", action["params"]["message"])

    def test_now_leaves_out_what_is_not_sent(self):
        self.stream.domain = f"[('id', '=', {self.synced.id})]"
        with self.committed() as jobs:
            self.partners.action_sync_now()
        self.assertEqual([job.records for job in jobs], [self.synced])

    def test_now_says_when_nothing_sends_it(self):
        self.stream.domain = "[('id', '=', 0)]"
        with self.assertRaisesRegex(UserError, "No synchronization is set up"):
            self.synced.action_sync_now()

    def test_now_is_for_those_who_may_edit(self):
        user = new_test_user(self.env, "sync_reader", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.synced.with_user(user).action_sync_now()
        user.group_ids += self.env.ref("base.group_partner_manager")
        self.synced.with_user(user).action_sync_now()
        self.assertEqual(self.jobs()[-1].user_id, user)

    def test_nothing_is_for_portal_users_whatever_they_may_edit(self):
        portal = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        self.env["ir.model.access"].create(
            {
                "name": "Portal users edit contacts",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "group_id": self.env.ref("base.group_portal").id,
                "perm_read": True,
                "perm_write": True,
            }
        )
        mine = portal.partner_id.with_user(portal)
        mine.check_access("write")
        for button in ("action_sync_now", "action_sync_status", "action_sync_jobs"):
            with self.subTest(button), self.assertRaises(AccessError):
                getattr(mine, button)()

    def test_jobs_are_for_those_who_may_read_jobs(self):
        user = new_test_user(self.env, "sync_reader", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.synced.with_user(user).action_sync_jobs()
        user.group_ids += self.env.ref("queue_job.group_queue_job_manager")
        self.assertTrue(self.synced.with_user(user).action_sync_jobs()["domain"])


# What there may be of a record in a system.
KINDS = (None, "never", "gone", "synced", "accepted", "skipped", "doubt")
OPEN = ("waiting", "failed")


@tagged("post_install", "-at_install")
class TestStates(SyncCase):
    """Every state there can be, of records in two systems, as lists tell them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shop = cls.env["sync.backend"].create(backend_values(name="Shop"))
        companies = {"domain": "[('is_company', '=', True)]"}
        cls.streams = cls.stream | cls.env["sync.stream"].create(
            stream_values(shop, **companies)
        )
        cls.before_commit(cls)
        cls.user = new_test_user(cls.env, "sync_reader", groups="base.group_user")
        countries = cls.env["res.country"].search([], limit=2).ids
        cls.kinds = list(product((True, False), (*KINDS, *OPEN), (*KINDS, *OPEN)))
        cls.partners = cls.env["res.partner"].create(
            [
                {
                    "name": f"Partner {number}",
                    "is_company": is_company,
                    "country_id": countries[number % 2],
                    "active": number % 7 > 0,
                }
                for number, (is_company, *_kinds) in enumerate(cls.kinds)
            ]
        )
        jobs = cls._jobs_of_others()
        cls.env["sync.outbox"].search([("res_id", "in", cls.partners.ids)]).unlink()
        for partner, (_is_company, *kinds) in zip(cls.partners, cls.kinds, strict=True):
            for stream, kind in zip(cls.streams, kinds, strict=True):
                if kind in OPEN:
                    cls._owe(stream, partner, jobs[stream, kind])
                elif kind:
                    cls._bind(stream, partner, kind)
        cls.env.flush_all()
        cls.env.invalidate_all()
        cls.expected = list(map(cls._state, cls.partners, cls.kinds))
        cls.mine = [("id", "in", cls.partners.ids), ("active", "in", [True, False])]
        cls.contacts = cls.env["res.partner"].with_user(cls.user)

    @classmethod
    def _jobs_of_others(cls):
        """Return a UUID by stream and state of the job."""
        uuids = {}
        for kind in OPEN:
            other = cls.env["res.partner"].create({"name": kind, "is_company": True})
            cls.before_commit(cls)
            for stream in cls.streams:
                job = cls.jobs(cls, stream).filtered(
                    lambda job, id_=other.id: job.sync_res_id == id_
                )
                job.state = "failed" if kind == "failed" else "pending"
                uuids[stream, kind] = job.uuid
        return uuids

    @classmethod
    def _owe(cls, stream, partner, uuid):
        values = {"stream_id": stream.id, "res_id": partner.id, "job_uuid": uuid}
        cls.env["sync.outbox"].create({**values, "operation": "upsert"})

    @classmethod
    def _bind(cls, stream, partner, kind):
        values = {
            "never": {"absent": "never"},
            "gone": {"absent": "gone"},
            "synced": {},
            "accepted": {"accepted": True},
            "skipped": {"skipped": True, "absent": "never"},
            "doubt": {"doubt": "maybe", "absent": "never"},
        }
        place = {"stream_id": stream.id, "res_id": partner.id}
        cls.env["sync.binding"].create({**place, **values[kind]})

    @classmethod
    def _state(cls, partner, kinds):
        """Return what a record is to say: the most urgent of its systems."""
        is_company, *kinds = kinds
        sent = (partner.active, partner.active and is_company)
        said = {
            "unsent" if kind in (None, "never") and is_sent else kind
            for kind, is_sent in zip(kinds, sent, strict=True)
        }
        said = {"deleted" if kind == "gone" else kind for kind in said}
        return min(said - {None, "never"}, key=BY_URGENCY.index, default=False)

    def are(self, *states):
        """Return the ids of the contacts in some states."""
        return {
            partner.id
            for partner, state in zip(self.partners, self.expected, strict=True)
            if state in states
        }

    def found(self, *domain):
        return set(self.contacts.search([*self.mine, *domain]).ids)

    def test_every_state_is_there(self):
        known = {False, *(state for state, _label in SYNC_STATES)}
        self.assertEqual(set(self.expected), known)
        self.assertEqual(set(BY_URGENCY), known - {False})

    def test_records(self):
        self.assertEqual(
            self.partners.with_user(self.user).mapped("sync_state"), self.expected
        )

    def test_list_as_the_web_client_reads_it(self):
        for state in {*self.expected}:
            with self.subTest(state):
                found = self.contacts.web_search_read(
                    [*self.mine, ("sync_state", "=", state)],
                    {"sync_state": {}},
                    limit=80,
                    count_limit=10001,
                )
                self.assertEqual(found["length"], len(self.are(state)))
                said = {each["sync_state"] for each in found["records"]}
                self.assertEqual(said, {state})

    def test_filters(self):
        for state in {*self.expected}:
            others = self.are(*{*self.expected} - {state})
            is_so, is_not = ("sync_state", "=", state), ("sync_state", "!=", state)
            nobody = ("name", "=", "Nobody")
            with self.subTest(state):
                self.assertEqual(self.found(is_so), self.are(state))
                self.assertEqual(self.found(is_not), others)
                self.assertEqual(self.found("!", is_so), others)
                self.assertEqual(self.found("|", is_so, nobody), self.are(state))
                self.assertEqual(self.found("|", "!", is_so, nobody), others)

    def test_filters_of_two_states(self):
        for states in combinations({*self.expected}, 2):
            with self.subTest(states):
                self.assertEqual(
                    self.found(("sync_state", "in", states)), self.are(*states)
                )
                first, second = (("sync_state", "=", state) for state in states)
                self.assertEqual(self.found("|", first, second), self.are(*states))

    def test_records_that_are_linked_to(self):
        child = self.env["res.partner"].create(
            {"name": "Child", "parent_id": min(self.are("failed"))}
        )
        failed = [("parent_id.sync_state", "=", "failed"), ("id", "=", child.id)]
        self.assertEqual(self.contacts.search(failed).ids, child.ids)

    def test_groups(self):
        groups = self.contacts.formatted_read_group(
            self.mine, ["sync_state"], ["__count"]
        )
        counts = {group["sync_state"]: group["__count"] for group in groups}
        self.assertEqual(counts, Counter(self.expected))
        for group in groups:
            with self.subTest(group["sync_state"]):
                opened = self.contacts.search([*self.mine, *group["__extra_domain"]])
                self.assertEqual(set(opened.ids), self.are(group["sync_state"]))

    def test_groups_as_the_web_client_reads_them(self):
        read = self.contacts.web_read_group(
            self.mine,
            ["sync_state", "country_id"],
            ["__count"],
            auto_unfold=True,
            unfold_read_specification={"sync_state": {}},
        )
        self.assertEqual(read["length"], len({*self.expected}))
        self.assertEqual(
            sum(group["__count"] for group in read["groups"]), len(self.partners)
        )

    def test_groups_within_groups_and_filters(self):
        by = ["country_id", "sync_state"]
        for domain in (self.mine, [*self.mine, ("sync_state", "=", "unsent")]):
            groups = self.contacts.formatted_read_group(domain, by, ["__count"])
            for group in groups:
                opened = self.contacts.search([*domain, *group["__extra_domain"]])
                self.assertEqual(len(opened), group["__count"])
            self.assertEqual(
                sum(group["__count"] for group in groups),
                self.contacts.search_count(domain),
            )

    def test_pivot(self):
        every, by_state = self.contacts.formatted_read_grouping_sets(
            self.mine, [[], ["sync_state"]], ["__count"]
        )
        self.assertEqual(every[0]["__count"], len(self.partners))
        self.assertEqual(
            {group["sync_state"]: group["__count"] for group in by_state},
            Counter(self.expected),
        )

    def test_users_have_no_groups_of_their_contacts_states(self):
        told = self.env["res.users"].fields_get(["sync_state"])["sync_state"]
        self.assertFalse(told["groupable"])

    def test_a_group_of_a_favorite_outlives_the_synchronizations(self):
        self.streams.active = False
        groups = self.contacts.formatted_read_group(
            self.mine, ["sync_state"], ["__count"]
        )
        self.assertEqual([group["sync_state"] for group in groups], [False])

    def test_client_is_told_that_it_may_group(self):
        told = self.contacts.fields_get(["sync_state"])["sync_state"]
        self.assertTrue(told["groupable"])
        self.assertTrue(told["searchable"])
        self.streams.active = False
        told = self.contacts.fields_get(["sync_state"])["sync_state"]
        self.assertFalse(told["groupable"])

    def test_portal_user_neither_filters_nor_groups(self):
        portal = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        contacts = self.env["res.partner"].with_user(portal)
        with self.assertRaises(AccessError):
            contacts.search([("sync_state", "=", "failed")])
        with self.assertRaises(AccessError):
            contacts.formatted_read_group([], ["sync_state"], ["__count"])

    def test_system_of_another_company_does_not_count(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.streams.backend_id.company_id = other
        groups = self.contacts.formatted_read_group(
            self.mine, ["sync_state"], ["__count"]
        )
        self.assertEqual([group["sync_state"] for group in groups], [False])
        self.assertFalse(self.found(("sync_state", "!=", False)))
        self.assertEqual(
            set(self.partners.with_user(self.user).mapped("sync_state")), {False}
        )

    def test_filter_that_is_broken_keeps_nobody_from_looking(self):
        self.env.cr.execute(
            "UPDATE sync_stream SET domain = %s WHERE id = %s",
            ("[('gone', '=', 1)]", self.streams[1].id),
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        with mute_logger(
            "odoo.addons.queue_job_sync.engine.capture",
            "odoo.addons.queue_job_sync.engine.standing",
            "odoo.addons.queue_job_sync.models.sync_stream",
        ):
            self.assertEqual(
                self.found(("sync_state", "=", "failed")), self.are("failed")
            )
            self.found(("sync_state", "=", "unsent"))
            self.partners.with_user(self.user).mapped("sync_state")
