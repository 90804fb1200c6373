# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A contact that is made up goes to a real destination, and is taken away again."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from ..transports.postgresql import PostgresqlTransport
from .common import SyncCase
from .servers import Answer, HttpDestination
from .test_preview import WRITTEN

SECRET = "s3cret-of-the-crm"


class Wrapping(HttpDestination):
    """Answers to a creation as Zoho CRM does, and repeats what it was let in with."""

    def _crud(self, request):
        answer = super()._crud(request)
        if request.method == "POST":
            details = {"id": answer.body["id"], "by": f"Bearer {SECRET}"}
            return Answer(201, {"data": [{"code": "SUCCESS", "details": details}]})
        return answer


@tagged("post_install", "-at_install")
class TestTrial(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(cls.env, "sync_trial_admin", "base.group_system")

    def begin(self, destination, **values):
        """Return a trial by an administrator, which sends to a destination."""
        self.backend.write({"url": destination.url, "auth": "bearer"})
        self.backend.set_secret("auth_secret", SECRET)
        self.stream.write({"state": "draft", **values})
        trials = self.env["sync.trial"].with_user(self.admin)
        return trials.with_context(default_stream_id=self.stream.id).create({})

    def call(self, trial, method, *args):
        """Call a method as the web client does, and check that nothing was written."""
        counts = self.counts()
        model = self.env["sync.trial"].with_user(self.admin)
        call_kw(model, method, [trial.ids, *args], {})
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.counts(), counts)

    def counts(self):
        names = (*WRITTEN, "res.partner")
        return {name: self.env[name].search_count([]) for name in names}

    def outcomes(self, trial):
        return {step: outcome for step, outcome, _said in trial.findings}

    def test_nothing_is_sent_before_consent(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            self.assertIn(trial.mark, trial.contact)
            self.assertEqual((trial.state, trial.system), ("ask", self.backend.name))
            self.assertFalse(destination.requests)

    def test_created_read_changed_and_removed(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            self.call(trial, "action_try")
            self.assertEqual(
                [(each.method, each.path) for each in destination.requests],
                [
                    ("POST", "/contacts"),
                    ("GET", "/contacts/1"),
                    ("PUT", "/contacts/1"),
                    ("DELETE", "/contacts/1"),
                    ("GET", "/contacts/1"),
                ],
            )
            self.assertFalse(destination.records)
            sent = destination.requests[0].json
            self.assertEqual(sent["name"], f"Odoo test {trial.mark}")
            self.assertIn("@example.com", sent["email"])
            self.assertEqual(sent["country"], self.env.company.country_id.code or "US")
        self.assertEqual(trial.state, "done")
        self.assertFalse(trial.left)
        self.assertEqual(set(self.outcomes(trial).values()), {"works"})
        self.assertEqual(len(trial.findings), 5)
        self.assertEqual(len(trial.exchanges), 5)
        first = trial.exchanges[0]
        self.assertEqual(first["request"], f"POST {destination.url}/contacts")
        self.assertEqual(json.loads(first["sent"]), sent)
        self.assertEqual(
            (first["status"], first["answer"]), ("201 Created", {"id": "1"})
        )
        with self.assertRaisesRegex(UserError, "tried already"):
            self.call(trial, "action_try")

    def test_the_id_is_clicked(self):
        with Wrapping() as destination:
            trial = self.begin(destination)
            self.call(trial, "action_try")
            self.assertEqual(trial.state, "id")
            self.assertEqual(len(destination.records), 1)
            self.assertEqual([*self.outcomes(trial).values()], ["fails"])
            self.assertTrue(trial.exchanges[0]["is_creation"])
            for path, sentence in (
                ("data[0].nothing", "no ID at"),
                ("data[", "JMESPath"),
                (False, "Say where"),
            ):
                with self.assertRaisesRegex(UserError, sentence):
                    self.call(trial, "action_take_id", path)
            self.call(trial, "action_take_id", "data[0].details.id")
            self.assertEqual(self.stream.external_id_key, "data[0].details.id")
            self.assertEqual((trial.state, trial.external_id), ("done", "1"))
            self.assertFalse(destination.records or trial.left)

    def test_secrets_are_masked(self):
        with Wrapping() as destination:
            trial = self.begin(destination)
            self.call(trial, "action_try")
        self.assertNotIn(SECRET, repr(trial.sudo().read([])))
        self.assertEqual(
            trial.exchanges[0]["answer"]["data"][0]["details"]["by"], "Bearer ***"
        )

    def test_what_is_left_is_told(self):
        with Wrapping() as destination:
            trial = self.begin(destination)
            self.call(trial, "action_try")
            self.call(trial, "action_stop")
            self.assertIn(f"Odoo test {trial.mark} may be in", trial.left)
            self.assertIn("Look for it there", trial.left)
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(201, {"id": "7"})
            destination.answer(200, {"id": "7"})
            destination.answer(200, {"id": "7"})
            destination.answer(403, {"message": "not you"})
            self.call(trial, "action_try")
            self.assertIn("with the ID 7. Remove it there", trial.left)
            self.assertEqual(self.outcomes(trial)["Remove"], "fails")

    def test_what_is_archived_there_is_left(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            for status, body in (
                (201, {"id": "7"}),
                (200, {"id": "7"}),
                (200, {"id": "7"}),
                (204, None),
                (200, {"id": "7", "archived": True}),
            ):
                destination.answer(status, body)
            self.call(trial, "action_try")
            self.assertIn("with the ID 7", trial.left)
            self.assertEqual(self.outcomes(trial)["Gone"], "fails")

    def test_what_cannot_be_looked_at_is_not_said_to_be_gone(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            for status, body in (
                (201, {"id": "7"}),
                (405, None),
                (200, {"id": "7"}),
                (204, None),
                (405, None),
            ):
                destination.answer(status, body)
            self.call(trial, "action_try")
        self.assertIn("Look there whether it is gone: its ID is 7", trial.left)
        self.assertEqual(self.outcomes(trial)["Gone"], "untold")

    def test_a_refusal_leaves_nothing(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(422, {"message": "e-mail is not allowed"})
            self.call(trial, "action_try")
            self.assertEqual(len(destination.requests), 1)
        self.assertEqual((trial.state, trial.left), ("done", False))
        ((step, outcome, said),) = trial.findings
        self.assertEqual((step, outcome), ("Create", "fails"))
        self.assertIn("e-mail is not allowed", said)

    def test_an_answer_that_is_lost_may_have_left_something(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(drop=True, times=20)
            self.call(trial, "action_try")
        self.assertIn("may be in", trial.left)
        self.assertTrue(trial.exchanges[0]["problem"])
        self.assertFalse(trial.exchanges[0]["status"])

    def test_our_id_is_that_of_no_contact(self):
        with HttpDestination(upsert=True) as destination:
            trial = self.begin(destination, id_policy="odoo")
            self.call(trial, "action_try")
            path = destination.requests[0].path
            self.assertFalse(destination.records)
        key = int(path.rpartition("/")[2])
        self.assertGreater(key, 1_999_999_999)
        self.assertFalse(self.env["res.partner"].browse(key).exists())

    def test_told_of_each_change(self):
        with HttpDestination() as destination:
            values = {"id_policy": "none", "delete_policy": "ignore"}
            trial = self.begin(destination, **values)
            self.call(trial, "action_try")
            (asked,) = destination.requests
            self.assertEqual((asked.method, asked.path), ("POST", "/contacts"))
        self.assertEqual([*self.outcomes(trial).values()], ["works"])
        self.assertFalse(trial.left)

    def test_only_contacts_and_what_can_be_heard(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            self.stream.endpoint = False
            with self.assertRaisesRegex(UserError, "needs an endpoint"):
                self.call(trial, "action_try")
        with self.assertRaises(NotImplementedError):
            PostgresqlTransport.heard(None, None)

    def test_only_system_administrators_try(self):
        manager = new_test_user(
            self.env, "sync_trial_manager", "queue_job.group_queue_job_manager"
        )
        trials = self.env["sync.trial"].with_user(manager)
        with self.assertRaises(AccessError):
            trials.create({"stream_id": self.stream.id})
        with HttpDestination() as destination:
            trial = self.begin(destination)
            with self.assertRaises(AccessError):
                trial.with_user(manager).action_try()
            self.assertFalse(destination.requests)
