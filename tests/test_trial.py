# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A contact that is made up goes to a real destination, and is taken away again."""

import json

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from ..transports.postgresql import PostgresqlTransport
from .common import SyncCase
from .servers import Answer, HttpDestination
from .test_adoption import searching
from .test_preview import WRITTEN
from .test_stream_requests import commands

SECRET = "s3cret-of-the-crm"


class Wrapping(HttpDestination):
    """Answers to a creation as Zoho CRM does, and repeats what it was let in with."""

    def _crud(self, request):
        answer = super()._crud(request)
        if request.method == "POST":
            details = {"id": answer.body["id"], "by": f"Bearer {SECRET}"}
            return Answer(201, {"data": [{"code": "SUCCESS", "details": details}]})
        return answer


class Misleading(HttpDestination):
    """Answers to a creation with the id of another record, and then with that of it."""

    def __init__(self, **options):
        super().__init__(**options)
        self.records["/contacts/98"] = {"id": "98", "name": "Grace"}

    def _crud(self, request):
        answer = super()._crud(request)
        if request.method == "POST":
            return Answer(201, {"id": "98", "contact": {"key": answer.body["id"]}})
        return answer


class TrialCase(SyncCase):
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

    def shown(self, trial, record_id="7"):
        """Return what a system shows of the contact."""
        return {"id": record_id, "name": trial.contact}

    def asked(self, destination):
        return [f"{each.method} {each.path}" for each in destination.requests]


@tagged("post_install", "-at_install")
class TestTrial(TrialCase):
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
            self.assertEqual(set(self.outcomes(trial).values()), {"works"})

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
            destination.answer(200, self.shown(trial))
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
                (200, self.shown(trial)),
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
                (200, self.shown(trial)),
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

    def test_not_to_a_system_that_is_held(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            self.backend.action_pause()
            with self.assertRaisesRegex(UserError, "Paused by"):
                self.call(trial, "action_try")
            self.backend.action_resume()
            self.call(trial, "action_try")
            self.assertEqual(trial.state, "done")

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


@tagged("post_install", "-at_install")
class TestTrialOfOthers(TrialCase):
    """What the trial has not created is never changed by it."""

    def test_what_a_refusal_names(self):
        with HttpDestination() as destination:
            trial = self.begin(
                destination, already_there="refusal", refusal_where="existing"
            )
            said = {"message": "The contact already exists", "existing": "98"}
            destination.answer(409, said)
            destination.records["/contacts/98"] = {"name": "Grace"}
            self.call(trial, "action_try")
            self.assertEqual(self.asked(destination), ["POST /contacts"])
            self.assertEqual(destination.records["/contacts/98"], {"name": "Grace"})
        self.assertEqual((trial.state, trial.left), ("done", False))
        self.assertFalse(trial.external_id)
        ((step, outcome, said),) = trial.findings
        self.assertEqual((step, outcome), ("Create", "fails"))
        self.assertIn("such a contact already, as 98. It is left as it is", said)

    def test_what_a_search_finds(self):
        """By a value that other contacts have too."""
        country = (self.env.company.country_id or self.env.ref("base.us")).code
        there = {"id": "98", "name": "Grace", "country": country}
        with HttpDestination() as destination:
            values = searching("GET contacts?country={country}")
            trial = self.begin(destination, **{**values, "found_where": "[*].id"})
            destination.lists.add("/contacts")
            destination.records["/contacts/98"] = dict(there)
            self.call(trial, "action_try")
            self.assertEqual(
                self.asked(destination), [f"GET /contacts?country={country}"]
            )
            self.assertEqual(destination.records, {"/contacts/98": there})
        self.assertEqual((trial.state, trial.left), ("done", False))
        self.assertEqual(self.outcomes(trial), {"Create": "fails"})
        self.assertIn("already, as 98", trial.findings[0][2])

    def test_an_id_that_is_that_of_another_record(self):
        with Misleading() as destination:
            trial = self.begin(destination)
            before = self.stream.external_id_key
            self.call(trial, "action_try")
            for _each in range(2):
                self.assertEqual((trial.state, trial.external_id), ("id", False))
                self.assertEqual(self.outcomes(trial)["Read"], "fails")
                self.assertIn(f"does not show {trial.contact}", trial.findings[1][2])
                self.assertEqual(self.stream.external_id_key, before)
                self.call(trial, "action_take_id", "id")
            self.assertEqual(
                self.asked(destination),
                ["POST /contacts", *["GET /contacts/98"] * 3],
            )
            self.call(trial, "action_take_id", "contact.key")
            self.assertEqual(self.stream.external_id_key, "contact.key")
            self.assertEqual((trial.state, trial.external_id), ("done", "1"))
            self.assertEqual(set(self.outcomes(trial).values()), {"works"})
            self.assertEqual(
                destination.records, {"/contacts/98": {"id": "98", "name": "Grace"}}
            )
            with self.assertRaisesRegex(UserError, "not known as 98"):
                self.call(trial, "action_take_id", "id")
            self.assertEqual(self.stream.external_id_key, "contact.key")

    def test_the_wrong_id_is_not_named_as_what_is_left(self):
        with Misleading() as destination:
            trial = self.begin(destination)
            self.call(trial, "action_try")
            self.call(trial, "action_stop")
        self.assertIn("may be in", trial.left)
        self.assertNotRegex(trial.left, r"\b98\b")

    def test_what_is_not_there_yet(self):
        """A system may show it only after a moment: the same id is clicked again."""
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(201, {"id": "7"})
            destination.answer(404, {"message": "unknown"})
            self.call(trial, "action_try")
            self.assertEqual(trial.state, "id")
            for status, body in (
                (200, self.shown(trial)),
                (200, self.shown(trial)),
                (204, None),
                (404, {"message": "unknown"}),
            ):
                destination.answer(status, body)
            self.call(trial, "action_take_id", "id")
        self.assertEqual((trial.state, trial.left), ("done", False))
        self.assertEqual(set(self.outcomes(trial).values()), {"works"})

    def test_nothing_is_changed_that_cannot_be_looked_at(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(201, {"id": "7"})
            destination.answer(405)
            self.call(trial, "action_try")
            self.assertEqual(
                self.asked(destination), ["POST /contacts", "GET /contacts/7"]
            )
        self.assertEqual(trial.state, "done")
        self.assertEqual(self.outcomes(trial), {"Create": "works", "Read": "untold"})
        self.assertIn("may be in", trial.left)

    def test_an_id_that_is_not_looked_at(self):
        """Whichever it is, the contact is found: nobody knows that it is the one."""
        for line in ("GET contacts/of/{key}", "GET contacts?ref={id}"):
            with self.subTest(line), HttpDestination() as destination:
                requests = commands(("read", line, ""))
                trial = self.begin(
                    destination, request_ids=[fields.Command.clear(), *requests]
                )
                destination.answer(201, {"id": "98"})
                destination.answer(200, self.shown(trial, "1"), times=2)
                self.call(trial, "action_try")
                methods = [each.method for each in destination.requests]
                self.assertEqual(methods, ["POST", "GET", "GET"])
                self.assertEqual(trial.state, "id")
                self.assertIn("whatever the ID is", trial.findings[1][2])

    def test_an_id_that_is_searched_for(self):
        requests = commands(("read", "GET contacts?id={id}", ""))
        with HttpDestination() as destination:
            trial = self.begin(destination, request_ids=requests)
            for status, body in (
                (201, {"id": "7"}),
                (200, [self.shown(trial)]),
                (200, []),
                (200, self.shown(trial)),
                (204, None),
                (200, []),
            ):
                destination.answer(status, body)
            self.call(trial, "action_try")
            self.assertEqual(
                self.asked(destination),
                [
                    "POST /contacts",
                    "GET /contacts?id=7",
                    "GET /contacts?id=2000000000",
                    "PUT /contacts/7",
                    "DELETE /contacts/7",
                    "GET /contacts?id=7",
                ],
            )
        self.assertEqual((trial.state, trial.left), ("done", False))
        self.assertEqual(set(self.outcomes(trial).values()), {"works"})

    def test_made_one_with_another_record(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(201, {"id": "7"})
            destination.answer(200, self.shown(trial))
            destination.answer(200, self.shown(trial, "98"))
            self.call(trial, "action_try")
            self.assertEqual(
                self.asked(destination),
                ["POST /contacts", "GET /contacts/7", "PUT /contacts/7"],
            )
        self.assertEqual(trial.state, "done")
        self.assertIn("may be in", trial.left)

    def test_created_once(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            for status, body in (
                (201, {"id": "7"}),
                (200, self.shown(trial)),
                (410, None),
                (204, None),
                (404, {"message": "unknown"}),
            ):
                destination.answer(status, body)
            self.call(trial, "action_try")
            methods = [each.method for each in destination.requests]
            self.assertEqual(methods, ["POST", "GET", "PUT", "DELETE", "GET"])
        self.assertEqual(self.outcomes(trial)["Update"], "fails")
        self.assertFalse(trial.left)
