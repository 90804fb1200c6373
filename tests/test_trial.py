# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A contact that is made up goes to a real destination, and is taken away again."""

import json
import time
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged

from ..transports.http import heard
from ..transports.postgresql import PostgresqlTransport
from ..wizards import sync_trial
from .common import DeliveryCase, SyncCase
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
        trial = trials.with_context(default_stream_id=self.stream.id).create({})
        self.before_commit()
        return trial

    def call(self, trial, method, *args):
        """Call a method as the web client does, and check that nothing was written."""
        counts = self.counts()
        model = self.env["sync.trial"].with_user(self.admin)
        # what the trial commits by itself
        with self.enter_registry_test_mode():
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
            self.assertEqual((trial.state, trial.left), ("id", False))
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
        self.assertIn(f"was told of the contact {trial.contact}. Look", trial.left)

    def test_told_of_each_change_and_of_the_removal(self):
        requests = commands(("remove", "DELETE contacts/{key}", ""))
        values = {"id_policy": "none", "delete_policy": "ignore"}
        for status, outcome in ((204, "works"), (500, "fails")):
            with self.subTest(status), HttpDestination() as destination:
                requests_ = [fields.Command.clear(), *requests]
                trial = self.begin(destination, request_ids=requests_, **values)
                destination.answer(200, {})
                destination.answer(status, None, times=20)
                self.call(trial, "action_try")
                self.assertEqual(self.outcomes(trial)["Remove"], outcome)
                self.assertEqual(bool(trial.left), outcome == "fails")

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
                self.assertFalse(trial.left)
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

    def test_an_answer_that_cannot_be_read(self):
        """What cannot be read is known of by nobody: nothing more is sent."""
        with HttpDestination() as destination:
            trial = self.begin(destination)
            destination.answer(201, {"id": "7"})
            said = heard.HeardClient._said

            def said_once(client, answer):
                if answer.body and b"Odoo test" in answer.body:
                    raise RecursionError
                return said(client, answer)

            destination.answer(200, self.shown(trial))
            with patch.object(heard.HeardClient, "_said", said_once):
                self.call(trial, "action_try")
            self.assertEqual(
                self.asked(destination), ["POST /contacts", "GET /contacts/7"]
            )
        self.assertEqual(self.outcomes(trial), {"Create": "works", "Read": "untold"})
        self.assertIn("cannot be read (RecursionError)", trial.findings[1][2])
        self.assertIn("may be in", trial.left)

    def test_the_id_in_odoo_is_sent(self):
        """That of a contact that is only made up is a number too."""
        lines = [{"field_path": "id", "target": name} for name in ("ref", "keys[0].id")]
        with HttpDestination() as destination:
            commands_ = [fields.Command.create(line) for line in lines]
            trial = self.begin(destination, mapping_ids=commands_)
            self.call(trial, "action_try")
            sent = destination.requests[0].json
        self.assertGreater(sent["ref"], 1_999_999_999)
        self.assertEqual(sent["keys"], [{"id": sent["ref"]}])
        self.assertEqual(set(self.outcomes(trial).values()), {"works"})

    def test_a_content_that_cannot_be_built(self):
        """As where the code of a model wants a record that is in the database."""

        def payload(contact, stream):
            raise ValueError("no such row")

        with HttpDestination() as destination:
            trial = self.begin(destination)
            model = self.env.registry["res.partner"]
            with (
                patch.object(model, "_sync_payload", payload),
                self.assertRaisesRegex(UserError, "ValueError: no such row. Nothing"),
            ):
                self.call(trial, "action_try")
            self.assertFalse(destination.requests)
        self.assertEqual(trial.state, "ask")

    def test_a_secret_that_the_server_does_not_have(self):
        with HttpDestination() as destination:
            trial = self.begin(destination)
            self.backend.set_secret("auth_secret", "env:SYNC_TRIAL_NO_SUCH_KEY")
            with self.assertRaisesRegex(UserError, "SYNC_TRIAL_NO_SUCH_KEY"):
                self.call(trial, "action_try")
        self.assertEqual(trial.state, "ask")


class Clock:
    """The time of a trial, which goes on by as much with each request that arrives."""

    def __init__(self, destination, seconds):
        self._destination, self._seconds = destination, seconds

    def monotonic(self):
        return time.monotonic() + self._seconds * len(self._destination.requests)


@tagged("post_install", "-at_install")
class TestTrialTime(TrialCase):
    """A system that is slow: Odoo ends a worker after two minutes."""

    def outlast(self, destination, seconds, **values):
        trial = self.begin(destination, **values)
        with patch.object(sync_trial, "time", Clock(destination, seconds)):
            self.call(trial, "action_try")
        self.assertEqual(trial.state, "done")
        return trial

    def test_there_is_time_to_remove(self):
        with HttpDestination() as destination:
            trial = self.outlast(destination, 25)
            self.assertEqual(
                [each.method for each in destination.requests],
                ["POST", "GET", "DELETE"],
            )
            self.assertFalse(destination.records)
        self.assertEqual(
            self.outcomes(trial),
            {
                "Create": "works",
                "Read": "works",
                "Update": "fails",
                "Remove": "works",
                "Gone": "untold",
            },
        )
        self.assertIn("has taken too long", trial.findings[2][2])
        self.assertIn("Look there whether it is gone: its ID is 1", trial.left)

    def test_there_is_none_to_remove(self):
        with HttpDestination() as destination:
            trial = self.outlast(destination, 33)
            self.assertEqual(
                [each.method for each in destination.requests], ["POST", "GET"]
            )
        self.assertIn("with the ID 1. Remove it there", trial.left)

    def test_there_is_none_to_look(self):
        with HttpDestination() as destination:
            trial = self.outlast(destination, 50)
            self.assertEqual([each.method for each in destination.requests], ["POST"])
        self.assertEqual(self.outcomes(trial), {"Create": "works", "Read": "untold"})
        self.assertIn("may be in", trial.left)

    def test_nothing_is_created_after_it(self):
        with HttpDestination() as destination:
            destination.lists.add("/contacts")
            values = searching("GET contacts?email={email}")
            trial = self.outlast(destination, 50, **{**values, "found_where": "[*].id"})
            self.assertEqual([each.method for each in destination.requests], ["GET"])
        self.assertEqual(self.outcomes(trial), {"Create": "fails"})
        self.assertFalse(trial.left)


@tagged("post_install", "-at_install")
class TestTrialKept(DeliveryCase):
    """What is known survives the request that found it, and is found once."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.trial_id = env["sync.trial"].create({"stream_id": self.stream_id}).id
        self.addCleanup(self.forget)
        self.seen = []

    def forget(self):
        with self.transaction() as env:
            env["sync.trial"].browse(self.trial_id).unlink()

    def act(self, method):
        with self.transaction() as env:
            call_kw(env["sync.trial"], method, [[self.trial_id]], {})

    def trial(self):
        names = ["state", "left", "contact", "external_id", "findings"]
        (trial,) = self.read("sync.trial", [("id", "=", self.trial_id)], names)
        return trial

    def meanwhile(self, *methods):
        """Have something happen while the creation is on its way."""
        send = sync_trial.SyncTrial._send

        def watched(trial, *args):
            if not self.seen:
                self.seen.append(self.trial())
                for method in methods:
                    method()
            return send(trial, *args)

        return patch.object(self.registry["sync.trial"], "_send", watched)

    def methods(self):
        return [each.method for each in self.destination.requests]

    def test_a_worker_that_ends(self):
        def end(*args):
            raise KeyboardInterrupt

        with (
            patch.object(self.registry["sync.trial"], "_go_on", end),
            self.assertRaises(KeyboardInterrupt),
        ):
            self.act("action_try")
        self.assertEqual(self.methods(), ["POST"])
        trial = self.trial()
        self.assertEqual(trial["state"], "done")
        self.assertIn(f"{trial['contact']} may be in", trial["left"])

    def test_two_windows(self):
        def another():
            with self.assertRaisesRegex(UserError, "tried already"):
                self.act("action_try")
            self.act("action_stop")

        with self.meanwhile(another):
            self.act("action_try")
        (seen,) = self.seen
        self.assertEqual(seen["state"], "done")
        self.assertIn("may be in", seen["left"])
        self.assertEqual(self.methods(), ["POST", "GET", "PUT", "DELETE", "GET"])
        trial = self.trial()
        self.assertEqual((trial["state"], trial["left"]), ("done", False))
        self.assertEqual(len(trial["findings"]), 5)

    def test_odoo_repeats_the_request(self):
        with self.assertRaises(SerializationFailure), self.transaction() as env:
            call_kw(env["sync.trial"], "action_try", [[self.trial_id]], {})
            raise SerializationFailure
        with self.assertRaisesRegex(UserError, "tried already"):
            self.act("action_try")
        self.assertEqual(self.methods(), ["POST", "GET", "PUT", "DELETE", "GET"])
        trial = self.trial()
        self.assertEqual((trial["state"], trial["left"]), ("done", False))
        self.assertEqual(len(trial["findings"]), 5)
