# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that a system has already: found, updated, told, and never made twice."""

from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import delivery, store, waiting
from ..engine.task import Attempt
from ..transports.rest.transport import RestTransport
from .doubt_case import put_in_doubt
from .race_case import WorkerDied
from .searching_server import SearchingDestination
from .servers import Answer
from .test_doubt import DoubtCase
from .test_fate_orders import FateOrdersCase, FickleDestination
from .test_lost_connection_steps import MANY, EveryStepCase

EMAIL = "ada@example.com"
FIND = "GET contacts?email={email}"


def searching(line=FIND, **values):
    """Values of a synchronization that looks for new records."""
    request = fields.Command.create({"kind": "find", "line": line})
    return {
        "already_there": "find",
        "found_where": "results[*].id",
        "request_ids": [request],
        **values,
    }


class AdoptionCase(DoubtCase):
    """A system that ignores keys, and can be searched."""

    destination_class = SearchingDestination

    def stream_values(self, backend):
        return {**super().stream_values(backend), **searching()}

    def add(self, **values):
        return self.new_partner(**{"name": "Ada", "email": EMAIL, **values})

    def assert_waits_for_a_person(self, partner_id, doubt="maybe", retry=None):
        if retry is None:
            super().assert_waits_for_a_person(partner_id, doubt)
            return
        key = waiting.for_doubt(self.stream_id, partner_id)
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.job(uuid, "sync_wait_key")["sync_wait_key"], key)
        self.assertEqual(self.doubt(partner_id), doubt)

    def log(self, partner_id):
        mine = [("stream_id", "=", self.stream_id), ("res_id", "=", partner_id)]
        return self.read("sync.delivery", mine, [], order="id")

    def assertIs(self, partner_id, record_id, name="Ada", adopted=True, attempts=0):
        """A contact is a record there, which holds it as it is, and nothing is open.

        :param attempts: of other contacts
        """
        binding = self.binding(partner_id)
        self.assertEqual(binding["external_id"], record_id)
        self.assertEqual(bool(binding["adopted"]), adopted)
        self.assertFalse(binding["doubt"])
        self.assertFalse(self.outbox(partner_id))
        self.assertEqual(len(self.attempts()), attempts)
        there = self.destination.records[f"/contacts/{record_id}"]
        self.assertEqual(there["name"], name)
        self.assertEqual(binding["state"], "synced")


@tagged("post_install", "-at_install")
class TestFound(AdoptionCase):
    def test_it_is_adopted(self):
        self.destination.put("C-1", email=EMAIL.upper(), name="Old")
        partner_id = self.add()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "C-1")
        self.assertEqual(
            self.destination.sent(),
            ["GET /contacts?email=ada%40example.com", "PUT /contacts/C-1"],
        )
        [line] = self.log(partner_id)
        self.assertIn("already, as C-1", line["warning"])
        self.assertIn("GET", line["request"])
        self.assertIn("PUT", line["request"])
        self.assertNotIn("ada%40", line["request"])
        # told once
        adopted = self.binding(partner_id)["adopted"]
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "C-1", "Grace")
        self.assertEqual(self.binding(partner_id)["adopted"], adopted)
        self.assertFalse(self.log(partner_id)[-1]["warning"])
        self.delete(partner_id)
        self.run_pending()
        self.assertFalse(self.destination.records)
        self.assertFalse(self.binding(partner_id)["adopted"])

    def test_it_is_not_there(self):
        self.destination.put("C-1", email="grace@example.com")
        partner_id = self.add()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", adopted=False)

    def test_several(self):
        for record_id in ("C-1", "C-2"):
            self.destination.put(record_id, email=EMAIL)
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        binding = self.binding(partner_id)
        self.assertEqual(binding["found_ids"], "C-1, C-2")
        self.assertIn("C-1, C-2", binding["doubt_reason"])
        self.assertEqual(binding["state"], "doubt")
        # nothing more is asked until somebody has looked
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.assertEqual(self.methods(), ["GET"])
        self.is_there(partner_id, "C-2")
        self.run_pending()
        self.assertIs(partner_id, "C-2", "Grace", adopted=False)
        self.assertEqual(self.methods(), ["GET", "PUT"])
        self.assertFalse(self.binding(partner_id)["found_ids"])

    def test_none_of_several(self):
        """A person has looked: it is created, and not looked for again."""
        for record_id in ("C-1", "C-2"):
            self.destination.put(record_id, email=EMAIL)
        partner_id = self.add()
        self.run_pending()
        self.is_not_there(partner_id)
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)
        self.assertEqual(self.methods(), ["GET", "POST"])
        self.assertFalse(self.binding(partner_id)["looked"])

    def test_creation_after_a_person_has_looked_that_gets_no_answer(self):
        for record_id in ("C-1", "C-2"):
            self.destination.put(record_id, email=EMAIL)
        partner_id = self.add()
        self.run_pending()
        self.is_not_there(partner_id)
        self.destination.lose_answers()
        self.run_pending()
        self.outlast_requests()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found", retry=1)
        self.assertEqual(self.binding(partner_id)["found_ids"], "C-1, C-2, 1")
        self.is_there(partner_id, "1")
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)

    def test_system_that_ignores_the_search(self):
        self.destination.put("C-1", email="grace@example.com", name="Grace")
        answer = {"results": [{"id": "C-1", "email": "grace@example.com"}]}
        self.destination.answer(200, answer)
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.assertEqual(self.names_there(), ["Grace"])

    def test_search_that_fails(self):
        partner_id = self.add()
        self.destination.answer(500, {"message": "index is down"})
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertFalse(self.destination.records)
        [line] = self.log(partner_id)
        self.assertIn("could not be looked for", line["error"])
        self.assertFalse(self.binding(partner_id))
        self.assertFalse(self.attempts())
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", adopted=False)

    def test_search_that_does_not_exist_holds_the_synchronization(self):
        self.add()
        self.destination.answer(404, {"message": "no route"})
        self.run_pending()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertEqual(stream._open_incident().setting, "address")
        self.assertFalse(self.destination.records)

    def test_record_without_the_value(self):
        partner_id = self.add(email=False)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.methods(), ["POST"])
        self.assertIs(partner_id, "1", adopted=False)

    def test_id_of_another_record(self):
        """Two contacts with one address: the second is not the first."""
        first_id = self.add()
        self.run_pending()
        second_id = self.add(name="Grace")
        self.run_pending()
        self.assert_waits_for_a_person(second_id, "found")
        self.assertIn("already", self.binding(second_id)["doubt_reason"])
        self.assertEqual(self.binding(second_id)["found_ids"], "1")
        self.assertIs(first_id, "1", adopted=False)
        self.is_not_there(second_id)
        self.run_pending()
        self.assertEqual(sorted(self.names_there()), ["Ada", "Grace"])

    def test_two_new_records_with_one_value_at_once(self):
        """What is found may have just been created for the other one."""
        for there in (False, True):
            with self.subTest(there=there):
                self.destination.records.clear()
                self.destination.requests.clear()
                if there:
                    self.destination.put("C-1", email=EMAIL, name="Old")
                with self.transaction() as env:
                    partners = env["res.partner"].create(
                        [{"name": f"Ada {number}", "email": EMAIL} for number in "1234"]
                    )
                self.partner_ids += partners.ids
                for _turn in range(4):
                    self.outlast_requests()
                    self.run_pending()
                mine = [
                    ("stream_id", "=", self.stream_id),
                    ("res_id", "in", partners.ids),
                ]
                bindings = self.read("sync.binding", mine, ["external_id", "doubt"])
                known = [row for row in bindings if row["external_id"]]
                self.assertEqual(len({row["external_id"] for row in known}), len(known))
                doubts = [row["doubt"] for row in bindings if not row["external_id"]]
                self.assertEqual(set(doubts) - {"found"}, set())
                # each was created once at most, and nothing is lost
                posts = self.destination.sent("POST")
                self.assertEqual(len(self.destination.records), len(posts) + there)
                self.assertEqual(len(bindings), 4)
                self.destination.requests.clear()
                with self.transaction() as env:
                    env["sync.binding"].search(mine).filtered("doubt")._is_not_there()
                for _turn in range(3):
                    self.run_pending()
                self.assertEqual(
                    sorted(self.names_there()), ["Ada 1", "Ada 2", "Ada 3", "Ada 4"]
                )

    def create_without_id(self, email):
        """Create a contact whose id there is not told."""
        partner_id = self.add(name="Grace", email=email)
        self.destination.answer(200, {"results": []})
        self.destination.answer(201, {})
        self.run_pending()
        self.assertEqual(self.doubt(partner_id), "unknown_id")
        return partner_id

    def content_of(self, partner_id):
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT content FROM sync_binding WHERE res_id = %s", (partner_id,)
            )
            return cr.fetchone()[0]

    def test_record_there_under_an_id_that_nobody_knows(self):
        """What may be that one goes to a person."""
        self.create_without_id(EMAIL)
        self.destination.put("C-1", email=EMAIL)
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.assertIn("not known", self.binding(partner_id)["doubt_reason"])

    def test_one_under_an_unknown_id_does_not_stop_others(self):
        other_id = self.create_without_id("grace@example.com")
        self.assertIn("grace@example.com", self.content_of(other_id))
        # there it is as it was
        self.edit(other_id, email="hopper@example.com")
        self.run_pending()
        self.destination.put("C-1", email=EMAIL)
        self.destination.put("C-2", email="hopper@example.com")
        self.destination.put("C-3", email="grace@example.com")
        adopted_id = self.add()
        hopper_id = self.add(name="Hopper", email="hopper@example.com")
        grace_id = self.add(name="Grace 2", email="grace@example.com")
        self.run_pending()
        self.assertIs(adopted_id, "C-1")
        self.assertIs(hopper_id, "C-2", "Hopper")
        self.assertEqual(self.doubt(grace_id), "found")
        self.assertIn("not known", self.binding(grace_id)["doubt_reason"])
        # once it is known, nothing is kept of it
        self.is_there(other_id, "C-3")
        self.run_pending()
        self.assertIsNone(self.content_of(other_id))

    def test_one_under_an_unknown_id_from_before_contents_were_kept(self):
        other_id = self.create_without_id("grace@example.com")
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE sync_binding SET content = NULL WHERE res_id = %s", (other_id,)
            )
        self.destination.put("C-1", email=EMAIL)
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")

    def test_update_that_is_refused(self):
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        with self.answering_writes(422, {"message": "name is locked"}):
            self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.attempts())
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertIs(partner_id, "C-1", "Grace")

    def test_record_that_was_lost_there(self):
        partner_id = self.add()
        self.run_pending()
        self.destination.records.clear()
        self.destination.put("C-9", email=EMAIL, name="Merged")
        self.prove("create", "update")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertIs(partner_id, "C-9", "Grace")
        self.assertEqual(len(self.destination.sent("POST")), 1)

    @contextmanager
    def answering_writes(self, status, body):
        obey = self.destination._obey

        def answer(request):
            return obey(request) if request.method == "GET" else Answer(status, body)

        with patch.object(self.destination, "_obey", answer):
            yield


@tagged("post_install", "-at_install")
class TestLostCreation(AdoptionCase):
    """A creation without an answer, at a system that ignores keys, is looked for."""

    def lose(self, carried_out=True, **values):
        """Create a contact whose creation is not answered."""
        partner_id = self.add(**values)
        obey = self.destination._obey

        def lose(request):
            if request.method == "GET":
                return obey(request)
            answer = obey(request) if carried_out else Answer()
            answer.drop = True
            return answer

        with patch.object(self.destination, "_obey", lose):
            self.assertEqual(self.run_pending(), ["pending"])
        return partner_id

    def test_it_waits_until_a_search_tells(self):
        """It uses no try, and nobody is asked."""
        partner_id = self.lose()
        (uuid,) = self.job_uuids()
        before = self.job(uuid, "retry")["retry"]
        for _turn in range(3):
            self.run_pending()
        job = self.job(uuid, "retry", "state", "eta", "sync_wait_key")
        self.assertEqual((job["retry"], job["state"]), (before, "pending"))
        self.assertFalse(job["sync_wait_key"])
        self.assertFalse(self.binding(partner_id))
        self.assertEqual(self.methods(), ["GET", "POST"])
        seconds = (job["eta"] - fields.Datetime.now()).total_seconds()
        self.assertLess(abs(seconds - store.SHOWN_WITHIN), 30)

    def test_it_is_there(self):
        partner_id = self.lose()
        self.outlast_requests()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1")
        self.assertEqual(self.methods(), ["GET", "POST", "GET", "PUT"])

    def test_it_is_not_there(self):
        partner_id = self.lose(carried_out=False)
        self.outlast_requests()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", adopted=False)
        self.assertEqual(self.methods(), ["GET", "POST", "GET", "POST"])

    def test_search_does_not_show_it_yet(self):
        """Within the time that is waited, a search is not believed."""
        partner_id = self.lose()
        self.destination.hidden.add("/contacts/1")
        self.run_pending()
        self.destination.hidden.clear()
        self.outlast_requests()
        self.run_pending()
        self.assertIs(partner_id, "1")
        self.assertEqual(len(self.destination.records), 1)

    def test_several(self):
        self.destination.records.clear()
        partner_id = self.lose()
        self.destination.put("C-2", email=EMAIL)
        self.outlast_requests()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found", retry=1)
        self.assertEqual(self.binding(partner_id)["found_ids"], "1, C-2")
        self.is_there(partner_id, "1")
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)

    def test_search_that_fails(self):
        partner_id = self.lose()
        self.outlast_requests()
        self.destination.answer(500)
        self.assertEqual(self.run_pending(), ["pending"])
        self.run_pending()
        self.assertIs(partner_id, "1")

    def test_it_is_not_there_and_refused(self):
        """Nothing of the first one is there: it is a refusal like any other."""
        for edited in (False, True):
            self.destination.records.clear()
            self.destination.requests.clear()
            partner_id = self.lose(carried_out=False)
            if edited:
                self.edit(partner_id, name="Grace")
            self.outlast_requests()
            # what was edited is looked for by what it was, and by what it is
            self.destination.answer(200, {"results": []}, times=1 + edited)
            self.destination.answer(422, {"message": "no"})
            self.run_job(self.job_uuids("pending")[0])
            self.assertFalse(self.attempts())
            self.assertTrue(self.job_uuids("failed"))
            self.assertFalse(self.binding(partner_id)["doubt"])
            self.edit(partner_id, name="Blaise")
            for _turn in range(2):
                self.run_pending()
            self.assertEqual(self.names_there(), ["Blaise"])
            self.assertFalse(self.outbox(partner_id))

    def test_edited_meanwhile(self):
        """It is looked for by what it was created with."""
        for carried_out in (True, False):
            self.destination.records.clear()
            partner_id = self.lose(carried_out)
            self.edit(partner_id, name="Grace", email="grace@example.com")
            self.outlast_requests()
            for _turn in range(3):
                self.run_pending()
            ((path, record),) = self.destination.records.items()
            self.assertEqual(record["email"], "grace@example.com")
            record_id = path.rpartition("/")[2]
            self.assertIs(partner_id, record_id, "Grace", adopted=carried_out)
            self.destination.requests.clear()

    def test_deleted_meanwhile(self):
        for carried_out in (True, False):
            partner_id = self.lose(carried_out)
            self.delete(partner_id)
            self.outlast_requests()
            for _turn in range(3):
                self.run_pending()
            self.assertFalse(self.destination.records)
            self.assertFalse(self.outbox())
            self.assertFalse(self.attempts())
            # what is gone here is not created there to be deleted
            self.assertEqual(len(self.destination.sent("POST")), 1)
            self.destination.requests.clear()

    def test_corrected_meanwhile(self):
        """What it was, and the system refuses, is not sent any more."""
        obey = self.destination._obey

        def refuse(request):
            if request.method != "GET" and request.json.get("name") == "Ada":
                return Answer(422, {"message": "no such name"})
            return obey(request)

        for carried_out in (True, False):
            self.destination.records.clear()
            partner_id = self.lose(carried_out)
            self.edit(partner_id, name="Grace")
            self.outlast_requests()
            with patch.object(self.destination, "_obey", refuse):
                (first, *_later) = self.job_uuids("pending")
                self.assertEqual(self.run_job(first), "done")
            ((path, _record),) = self.destination.records.items()
            record_id = path.rpartition("/")[2]
            self.run_pending()
            self.assertIs(partner_id, record_id, "Grace", adopted=carried_out)
            self.destination.requests.clear()

    def test_doubt_of_what_is_not_there_and_gone_here(self):
        """Nobody has to look for it any more."""
        self.change_stream(already_there=False)
        partner_id = self.lose_unsearched()
        self.assert_waits_for_a_person(partner_id, "maybe")
        self.destination.records.clear()
        self.change_stream(already_there="find")
        self.outlast_requests()
        self.delete(partner_id)
        for _turn in range(2):
            self.run_pending()
        self.assertEqual(self.methods(), ["POST", "GET"])
        self.assertFalse(self.doubt(partner_id))
        self.assertFalse(self.outbox())

    def test_without_a_value_a_person_looks(self):
        partner_id = self.lose(email=False)
        self.outlast_requests()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "maybe", retry=1)
        self.assertEqual(self.methods(), ["POST"])
        self.is_there(partner_id, "1")
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)

    def test_lost_again_and_again(self):
        self.change_stream(max_retries=0)
        partner_id = self.lose(carried_out=False)
        for _time in range(3):
            self.destination.requests.clear()
            self.outlast_requests()
            obey = self.destination._obey

            def lose(request, obey=obey):
                return obey(request) if request.method == "GET" else Answer(drop=True)

            with patch.object(self.destination, "_obey", lose):
                self.run_pending()
            # as young as the last one
            self.run_pending()
            self.assertEqual(self.methods(), ["GET", "POST"])
            self.assertEqual(len(self.attempts()), 1)
        self.outlast_requests()
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)

    def test_doubt_from_before_there_was_a_search(self):
        self.change_stream(already_there=False)
        partner_id = self.lose_unsearched()
        self.assert_waits_for_a_person(partner_id, "maybe")
        self.change_stream(already_there="find")
        self.outlast_requests()
        self.edit(partner_id, name="Grace")
        for _turn in range(3):
            self.run_pending()
        self.assertIs(partner_id, "1", "Grace")

    def lose_unsearched(self):
        self.destination.lose_answers()
        partner_id = self.add()
        self.run_pending()
        return partner_id

    def test_keys_that_are_safe_need_no_wait(self):
        self.change_backend(repeats_are_safe=True)
        self.destination.honours = True
        partner_id = self.lose()
        self.run_pending()
        self.assertIs(partner_id, "1")
        self.assertEqual(len(self.destination.records), 1)


@tagged("post_install", "-at_install")
class TestRefused(AdoptionCase):
    """The system refuses a second one, and names the first."""

    def stream_values(self, backend):
        values = DoubtCase.stream_values(self, backend)
        refusal = {"already_there": "refusal", "refusal_before": "Existing ID:"}
        return {**values, **refusal}

    def setUp(self):
        super().setUp()
        self.destination.refusal = lambda id_: Answer(
            409, {"message": f"Contact already exists. Existing ID: {id_}"}
        )

    def test_it_is_adopted(self):
        self.destination.put("77", email=EMAIL, name="Old")
        partner_id = self.add()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "77")
        self.assertEqual(self.methods(), ["POST", "PUT"])

    def test_id_of_another_record(self):
        first_id = self.add()
        self.run_pending()
        second_id = self.add(name="Grace")
        self.assertEqual(self.run_pending(), ["failed"])
        error = self.binding(second_id)["last_error"]
        self.assertIn("1 was found, and is", error)
        self.assertIn(str(first_id), error)
        self.assertFalse(self.doubt(second_id))
        self.assertEqual(self.names_there(), ["Ada"])
        self.assertFalse(self.attempts())

    def test_two_at_once(self):
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}", "email": EMAIL} for number in "12345"]
            )
        self.partner_ids += partners.ids
        for _turn in range(5):
            self.run_pending()
        mine = [("stream_id", "=", self.stream_id), ("external_id", "!=", False)]
        [known] = self.read("sync.binding", mine, ["external_id"])
        self.assertEqual(known["external_id"], "1")
        self.assertEqual(len(self.destination.records), 1)
        self.assertFalse(self.destination.sent("PUT"))
        self.assertEqual(len(self.job_uuids("failed")), 4)

    def test_refused_because_of_another_one(self):
        """It is not overwritten: a person has to look, and is asked once."""
        request = fields.Command.create({"kind": "find", "line": FIND})
        self.change_stream(found_where="results[*].id", request_ids=[request])
        self.destination.put("77", email="grace@example.com", name="Grace")
        refusal = {"message": "Contact already exists. Existing ID: 77"}
        self.destination.answer(409, refusal)
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.assertEqual(self.binding(partner_id)["found_ids"], "77")
        self.assertIn("names 77", self.binding(partner_id)["doubt_reason"])
        self.is_not_there(partner_id)
        self.destination.answer(409, refusal)
        self.run_pending()
        self.assertEqual(len(self.job_uuids("failed")), 1)
        self.assertFalse(self.doubt(partner_id))
        self.assertIn("already exists", self.binding(partner_id)["last_error"])
        self.assertFalse(self.attempts())
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.destination.sent("PUT"))

    def test_creation_without_an_answer_goes_to_a_person(self):
        """A refusal tells nothing of a record without an address."""
        self.destination.lose_answers()
        partner_id = self.add()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "maybe")
        self.assertEqual(self.methods(), ["POST"])

    def test_creation_without_an_answer_is_looked_for_where_it_can_be(self):
        request = fields.Command.create({"kind": "find", "line": FIND})
        self.change_stream(found_where="results[*].id", request_ids=[request])
        self.destination.lose_answers()
        partner_id = self.add()
        self.run_pending()
        self.outlast_requests()
        self.run_pending()
        self.assertIs(partner_id, "1")
        self.assertEqual(self.methods(), ["POST", "GET", "PUT"])


@tagged("post_install", "-at_install")
class TestIdOfAnother(AdoptionCase):
    """The system keeps one record for each address, whoever creates it."""

    def stream_values(self, backend):
        return DoubtCase.stream_values(self, backend)

    def setUp(self):
        super().setUp()
        self.destination.refusal = self.merge

    def merge(self, id_):
        content = self.destination.requests[-1].json
        self.destination.records[f"/contacts/{id_}"] = content
        return Answer(200, {"id": id_})

    def test_two_with_one_address(self):
        first_id = self.add()
        self.run_pending()
        second_id = self.add(name="Grace")
        for _turn in range(2):
            self.run_pending()
        self.assert_waits_for_a_person(second_id, "found")
        binding = self.binding(second_id)
        self.assertEqual((binding["external_id"], binding["found_ids"]), (False, "1"))
        self.assertIn(str(first_id), binding["doubt_reason"])
        self.assertTrue(self.outbox(second_id))
        # the first is there as it is here again, and goes only with the first
        self.assertIs(first_id, "1", adopted=False, attempts=1)
        self.delete(second_id)
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])
        self.edit(first_id, name="Ida")
        self.run_pending()
        self.assertIs(first_id, "1", "Ida", adopted=False, attempts=1)

    def test_a_person_gives_it_an_id_of_its_own(self):
        self.add()
        self.run_pending()
        second_id = self.add(name="Grace")
        self.run_pending()
        with self.assertRaises(UserError):
            self.is_there(second_id, "1")
        self.destination.put("C-2", email=EMAIL, name="Old")
        self.is_there(second_id, "C-2")
        for _turn in range(2):
            self.run_pending()
        self.assertIs(second_id, "C-2", "Grace", adopted=False)
        self.assertEqual(sorted(self.names_there()), ["Ada", "Grace"])

    def test_two_at_once(self):
        with self.transaction() as env:
            partners = env["res.partner"].create(
                [{"name": f"Ada {number}", "email": EMAIL} for number in "123"]
            )
        self.partner_ids += partners.ids
        for _turn in range(3):
            self.run_pending()
        mine = [("stream_id", "=", self.stream_id)]
        found = self.read("sync.binding", mine, ["external_id", "doubt"])
        self.assertEqual(len(found), 3)
        self.assertLessEqual(len([each for each in found if each["external_id"]]), 1)
        for each in found:
            self.assertEqual(bool(each["external_id"]), not each["doubt"])

    def merge_there(self, content, into):
        """Have an update answered with the id of another record, which it changes."""
        self.destination.records[f"/contacts/{into}"] = content
        self.destination.answer(200, {"id": into, **content})

    def test_update_that_is_answered_with_the_id_of_another(self):
        """Two records were merged there: each keeps its id, and both are told of."""
        first_id, second_id = self.add(), self.add(name="Grace", email=False)
        self.run_pending()
        self.assertEqual(self.binding(second_id)["external_id"], "2")
        self.merge_there({"name": "Hopper", "email": None}, into="1")
        self.edit(second_id, name="Hopper")
        for _turn in range(2):
            self.run_pending()
        self.assertIs(second_id, "2", "Grace", adopted=False)
        warning = self.log(second_id)[-1]["warning"]
        self.assertIn("stays 2", warning)
        self.assertIn(str(first_id), warning)
        # the first one is there as it is here
        self.assertIs(first_id, "1", adopted=False)
        self.delete(second_id)
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])

    def test_update_that_is_answered_with_an_id_that_nobody_has(self):
        partner_id = self.add()
        self.run_pending()
        self.merge_there({"name": "Grace", "email": EMAIL}, into="9")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertIs(partner_id, "9", "Grace", adopted=False)

    def test_updates_at_once_that_are_answered_with_one_id(self):
        ids = [self.add(email=False), self.add(name="Grace", email=False)]
        self.run_pending()
        self.change_stream(batch_size=10)
        with self.transaction() as env:
            env["res.partner"].browse(ids).name = "Hopper"
        for _each in ids:
            self.merge_there({"name": "Hopper", "email": None}, into="9")
        self.run_pending()
        for partner_id, external_id in zip(ids, "12", strict=True):
            self.assertEqual(self.binding(partner_id)["external_id"], external_id)
            self.assertIn("stays", self.log(partner_id)[-1]["warning"])

    def test_new_id_that_cannot_be_compared(self):
        partner_id = self.add()
        self.run_pending()
        self.merge_there({"name": "Grace", "email": EMAIL}, into="9")
        self.edit(partner_id, name="Grace")
        with (
            patch.object(store, "claim_ids", side_effect=psycopg2.OperationalError),
            mute_logger("odoo.addons.queue_job_sync.engine.delivery"),
        ):
            self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.binding(partner_id)["external_id"], "1")
        self.assertFalse(self.log(partner_id)[-1]["warning"])

    def test_a_person_cannot_give_what_a_job_has_noted(self):
        """It is another one's from then on, although no binding has it yet."""
        note = Attempt(0, "upsert", "key", "digest", "{}", creates=True)
        place = self.registry, self.stream_id
        ids = store.write_notes(*place, [(1, note)], 60)
        self.assertEqual(store.claim_ids(*place, {1: (ids[1], "X")}), {})
        self.add()
        self.run_pending()
        second_id = self.add(name="Grace")
        self.run_pending()
        with self.assertRaisesRegex(UserError, "X is the ID of"):
            self.is_there(second_id, "X")
        self.is_there(second_id, "Y")

    def test_creation_without_an_answer_that_has_changed_another_record(self):
        """That is there as it is here again, whoever the new one is."""
        request = fields.Command.create({"kind": "find", "line": FIND})
        found = {"found_where": "results[*].id", "request_ids": [request]}
        self.change_stream(already_there="refusal", refusal_before="ID:", **found)
        first_id = self.add()
        self.run_pending()
        self.destination.lose_answers()
        second_id = self.add(name="Grace")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])
        self.outlast_requests()
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertIn("and is", self.binding(second_id)["last_error"])
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])
        self.assertEqual(self.binding(first_id)["state"], "synced")

    def test_who_comes_first_has_it(self):
        """Also before either of them is confirmed."""
        note = Attempt(0, "upsert", "key", "digest", "{}", creates=True)
        place = self.registry, self.stream_id
        ids = store.write_notes(*place, [(each, note) for each in (1, 2, 3)], 60)
        self.assertEqual(store.claim_ids(*place, {1: (ids[1], "X")}), {})
        both = {2: (ids[2], "X"), 3: (ids[3], "Y")}
        self.assertEqual(store.claim_ids(*place, both), {2: 1})
        self.assertEqual(store.claim_ids(*place, {1: (ids[1], "X")}), {})
        other = self.registry, self.stream_id + 1
        self.assertEqual(store.claim_ids(*other, {2: (0, "X")}), {})
        found = store.note_adoption(
            *place, 4, replace(note, external_id="Y"), 60, lambda contents: None
        )
        self.assertEqual(found.other, 3)

    def test_what_was_answered_is_kept_all_the_same(self):
        error = psycopg2.OperationalError
        with (
            patch.object(store, "claim_ids", side_effect=error),
            mute_logger("odoo.addons.queue_job_sync.engine.delivery"),
        ):
            partner_id = self.add()
            self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", adopted=False)


class EnteredAgainCase(AdoptionCase):
    """A contact was deleted here and stays there, and is entered again."""

    def stream_values(self, backend):
        return {**super().stream_values(backend), "delete_policy": "ignore"}

    def delete_and_enter(self):
        """Return the ids of the contact that is gone, and of the new one."""
        gone_id = self.add()
        self.run_pending()
        self.delete(gone_id)
        self.run_pending()
        return gone_id, self.add(name="Grace")

    def assertTaken(self, gone_id, partner_id, adopted=True):
        """The new one is what was there, and the old one nothing any more."""
        self.assertIs(partner_id, "1", "Grace", adopted)
        self.assertFalse(self.binding(gone_id)["external_id"])
        self.assertEqual(self.binding(gone_id)["state"], "deleted")
        self.assertEqual(len(self.destination.sent("POST")), 1)


@tagged("post_install", "-at_install")
class TestEnteredAgain(EnteredAgainCase):
    def test_it_is_adopted(self):
        gone_id, partner_id = self.delete_and_enter()
        self.run_pending()
        self.assertTaken(gone_id, partner_id)

    def test_marked_as_deleted(self):
        """Nothing of the old one marks it once more."""
        self.change_stream(delete_policy="mark", mark_key="gone")
        gone_id, partner_id = self.delete_and_enter()
        self.run_pending()
        self.assertTaken(gone_id, partner_id)
        self.assertFalse(self.destination.records["/contacts/1"]["gone"])

    def test_it_is_to_be_deleted_there(self):
        """Until that is so, the id is that of the old one."""
        self.change_stream(delete_policy="delete")
        gone_id = self.add()
        self.run_pending()
        self.delete(gone_id)
        (uuid,) = self.job_uuids("pending")
        partner_id = self.add(name="Grace")
        for other in self.job_uuids("pending"):
            if other != uuid:
                self.run_job(other)
        self.assertEqual(self.doubt(partner_id), "found")
        self.assertEqual(self.binding(gone_id)["external_id"], "1")

    def test_archived_contact_keeps_its_id(self):
        gone_id = self.add()
        self.run_pending()
        self.edit(gone_id, active=False)
        self.run_pending()
        partner_id = self.add(name="Grace")
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.assertEqual(self.binding(gone_id)["external_id"], "1")

    def test_a_person_says_that_it_is_it(self):
        self.destination.put("C-2", email=EMAIL, name="Hopper")
        self.destination.hidden.add("/contacts/C-2")
        gone_id, partner_id = self.delete_and_enter()
        self.destination.hidden.clear()
        self.run_pending()
        self.assert_waits_for_a_person(partner_id, "found")
        self.is_there(partner_id, "1")
        self.run_pending()
        self.assertTaken(gone_id, partner_id, adopted=False)

    def test_record_that_a_job_is_sending(self):
        """It may be about to tell the system something."""
        gone_id, partner_id = self.delete_and_enter()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            self.assertTrue(store.lock_bindings(stream, [gone_id]))
            (uuid,) = self.job_uuids("pending")
            self.run_job(uuid)
        self.assert_waits_for_a_person(partner_id, "found")


@tagged("post_install", "-at_install")
class TestEnteredAgainWhereTheFirstIsNamed(EnteredAgainCase):
    """The system refuses a second one."""

    def stream_values(self, backend):
        values = super().stream_values(backend)
        refusal = {"already_there": "refusal", "refusal_before": "Existing ID:"}
        return {**values, **refusal, "request_ids": [], "found_where": False}

    def test_it_is_adopted(self):
        self.destination.refusal = lambda id_: Answer(
            409, {"message": f"Contact already exists. Existing ID: {id_}"}
        )
        gone_id, partner_id = self.delete_and_enter()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", "Grace")
        self.assertFalse(self.binding(gone_id)["external_id"])


@tagged("post_install", "-at_install")
class TestEnteredAgainWhereItIsOverwritten(EnteredAgainCase):
    """The system keeps one record for each address, whoever creates it."""

    def stream_values(self, backend):
        values = DoubtCase.stream_values(self, backend)
        return {**values, "delete_policy": "ignore"}

    def test_it_is_that_one(self):
        def merge(id_):
            content = self.destination.requests[-1].json
            self.destination.records[f"/contacts/{id_}"] = content
            return Answer(200, {"id": id_})

        self.destination.refusal = merge
        gone_id, partner_id = self.delete_and_enter()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertIs(partner_id, "1", "Grace", adopted=False)
        self.assertFalse(self.binding(gone_id)["external_id"])
        self.assertFalse(self.job_uuids("pending"))


@tagged("post_install", "-at_install")
class TestAdoptionWhoseWorkerDies(AdoptionCase):
    """A crash leaves the id, and no record is made twice."""

    def die_in(self, where, name, before=True, carry_out=True):
        """Run the first job, whose worker dies before or after a function."""
        uuid = self.job_uuids("pending", "enqueued", "started")[0]
        real = getattr(where, name)

        def die(*args, **kwargs):
            if carry_out and not before:
                real(*args, **kwargs)
            raise WorkerDied

        with (
            patch.object(where, name, die),
            patch.object(waiting, "after_run"),
            self.assertRaises(WorkerDied),
        ):
            self.run_job(uuid)
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'pending' WHERE uuid = %s", (uuid,)
            )

    def test_after_the_update_has_left(self):
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        self.die_in(delivery.Delivery, "_keep_receipt")
        self.assertEqual(self.destination.sent("PUT"), ["PUT /contacts/C-1"])
        [note] = self.attempts()
        self.assertEqual((note["external_id"], note["creates"]), ("C-1", False))
        # whatever a search says by now
        self.destination.hidden.add("/contacts/C-1")
        self.edit(partner_id, name="Grace")
        for _turn in range(2):
            self.run_pending()
        self.outlast_requests()
        for _turn in range(2):
            self.run_pending()
        self.assertIs(partner_id, "C-1", "Grace")
        self.assertFalse(self.destination.sent("POST"))

    def test_after_it_was_found_that_nothing_was_created_anew(self):
        """What was confirmed once is not there: that is not forgotten."""
        for dies in (False, True):
            partner_id = self.add()
            self.run_pending()
            self.destination.records.clear()
            self.prove("create", "update")
            self.edit(partner_id, name="Grace")
            obey = self.destination._obey

            def lose(request, obey=obey):
                return Answer(drop=True) if request.method == "POST" else obey(request)

            with patch.object(self.destination, "_obey", lose):
                self.run_pending()
            [note] = self.attempts()
            self.assertTrue(note["creates"])
            # as it was confirmed
            self.edit(partner_id, name="Ada")
            self.outlast_requests()
            if dies:
                self.die_in(delivery.Delivery, "_as_found_out")
                [note] = self.attempts()
                self.assertFalse(note["creates"])
            for _turn in range(2):
                self.run_pending()
            self.assertEqual(self.names_there(), ["Ada"])
            self.assertFalse(self.outbox(partner_id))
            self.assertFalse(self.attempts())
            self.delete(partner_id)
            self.run_pending()

    def test_before_the_update_leaves(self):
        """The id is noted, and the same key is used again."""
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        with patch.object(RestTransport, "_change", side_effect=WorkerDied):
            self.die_in(delivery.Delivery, "_keep_receipt")
        [note] = self.attempts()
        self.assertEqual(note["external_id"], "C-1")
        self.outlast_requests()
        self.assertTrue(note["idempotency_key"].endswith("-adopt"))
        self.assertFalse(self.destination.sent("PUT"))
        self.run_pending()
        self.assertIs(partner_id, "C-1")
        [update] = [each for each in self.destination.requests if each.method == "PUT"]
        self.assertEqual(update.headers["Idempotency-Key"], note["idempotency_key"])
        self.assertEqual(len(self.destination.sent("GET")), 1)

    def test_another_record_cannot_have_the_id(self):
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        with patch.object(RestTransport, "_change", side_effect=WorkerDied):
            self.die_in(delivery.Delivery, "_keep_receipt")
        mine = self.job_uuids("pending")
        other_id = self.add(name="Grace")
        for uuid in self.job_uuids("pending"):
            if uuid not in mine:
                self.run_job(uuid)
        self.assertEqual(self.doubt(other_id), "found")
        self.run_job(mine[0])
        self.assertEqual(self.binding(partner_id)["external_id"], "C-1")

    def test_gone_meanwhile(self):
        """What is created anew was not there before."""
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        self.die_in(delivery.Delivery, "_keep_receipt")
        self.destination.records.clear()
        self.prove("create", "update")
        self.outlast_requests()
        self.run_pending()
        self.assertIs(partner_id, "1", adopted=False)
        self.assertEqual(len(self.destination.sent("POST")), 1)

    def test_deleted_meanwhile(self):
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        self.die_in(delivery.Delivery, "_keep_receipt")
        self.delete(partner_id)
        for _turn in range(2):
            self.run_pending()
        self.outlast_requests()
        for _turn in range(2):
            self.run_pending()
        self.assertFalse(self.destination.records)
        self.assertFalse(self.outbox())

    def test_two_creations_without_an_answer_and_one_value(self):
        """Which of them is there, only a person can tell."""
        ids = [self.add(name=f"Ada {number}") for number in "12"]
        (first, second) = self.job_uuids("pending")
        self.destination.hidden = {"/contacts/1", "/contacts/2"}
        self.destination.answer(200, {"results": []})
        self.destination.lose_answers()
        self.run_job(first)
        self.destination.answer(200, {"results": []})
        self.destination.answer(201, drop=True)
        self.run_job(second)
        self.assertEqual(len(self.destination.records), 1)
        self.destination.hidden.clear()
        self.outlast_requests()
        for _turn in range(2):
            self.run_pending()
        self.assertEqual([self.doubt(id_) for id_ in ids], ["found", "found"])
        self.assertEqual(len(self.destination.records), 1)
        self.is_there(ids[0], "1")
        self.is_not_there(ids[1])
        for _turn in range(2):
            self.run_pending()
        self.assertEqual(sorted(self.names_there()), ["Ada 1", "Ada 2"])
        self.assertFalse(self.attempts())

    def test_a_person_knows_better(self):
        """What was noted of another id is forgotten."""
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.add()
        self.die_in(delivery.Delivery, "_keep_receipt")
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            put_in_doubt(stream, partner_id, "found")
        self.destination.put("C-2", email=EMAIL, name="Right")
        self.is_there(partner_id, "C-2")
        for _turn in range(2):
            self.outlast_requests()
            self.run_pending()
        self.assertIs(partner_id, "C-2", adopted=False)


class FickleSearching(FickleDestination):
    """Searches are answered; of the rest a test says what becomes of it."""

    def __init__(self):
        super().__init__(honours=False)
        self.hidden = set()

    def reply(self, request):
        if request.method != "GET":
            return super().reply(request)
        with self._lock:
            self.requests.append(request)
            return self._crud(request)

    _search = SearchingDestination._search

    def _crud(self, request):
        _path, _mark, query = request.path.partition("?")
        if request.method == "GET" and query:
            name, _equals, value = query.partition("=")
            return Answer(200, {"results": [*self._search([(name, value)], True)]})
        return super()._crud(request)


@tagged("post_install", "-at_install")
class TestFateOrdersLookedFor(FateOrdersCase):
    """Every order, at a system that ignores keys: nobody is asked, nothing is twice."""

    destination_class = FickleSearching

    def stream_values(self, backend):
        line = "GET contacts?odoo_id={odoo_id}"
        return {**super().stream_values(backend), **searching(line)}

    def deliver(self, ids, outcome):
        self.outlast_requests()
        return super().deliver(ids, outcome)

    def ask_person(self):
        mine = [("stream_id", "=", self.stream_id), ("doubt", "!=", False)]
        self.assertFalse(self.read("sync.binding", mine, ["doubt"]))

    def test_every_order(self):
        self.play()


@tagged("post_install", "-at_install")
class TestEveryStepOfAdoption(EveryStepCase):
    """Each connection of a job is lost at each of its steps while it adopts, and while
    it looks for what may be there."""

    destination_class = SearchingDestination

    def backend_values(self):
        return {**super().backend_values(), "repeats_are_safe": False}

    def stream_values(self, backend):
        return {**super().stream_values(backend), **searching()}

    def mend_and_settle(self):
        for _turn in range(3):
            self.mend()
            self.settle()

    def assertOnce(self, partner_id, expected, told):
        """The contact is one record there, and nothing is left to do."""
        self.assertFalse(self.outbox(partner_id), told)
        binding = self.binding(partner_id)
        self.assertFalse(binding["doubt"], told)
        name = {"/contacts/" + binding["external_id"]: expected}
        there = {path: each["name"] for path, each in self.destination.records.items()}
        self.assertEqual(there, name, told)

    def each_step(self, prepare):
        steps = []
        for number in range(MANY):
            self.destination.records.clear()
            self.destination.requests.clear()
            partner_id = prepare(number)
            (uuid,) = self.awake()
            with self.losing(number) as fault:
                self.run_job(uuid)
            steps.append(fault.step)
            self.mend_and_settle()
            with self.subTest(number=number, after=fault.step):
                self.assertOnce(partner_id, f"Ada {number}", (number, fault.step))
                # what a note has left behind does no harm, and goes with the next edit
                self.edit(partner_id, name=f"Ida {number}")
                self.mend_and_settle()
                self.assertOnce(partner_id, f"Ida {number}", (number, fault.step))
                self.assertFalse(self.attempts(), (number, fault.step))
            if not fault.step:
                break
        self.assertIsNone(steps[-1])
        return " ".join(filter(None, steps))

    def test_adoption(self):
        def prepare(number):
            email = f"ada{number}@example.com"
            self.destination.put(f"C-{number}", email=email, name="Old")
            return self.new_partner(name=f"Ada {number}", email=email)

        steps = self.each_step(prepare)
        self.assertIn("UPDATE sync_attempt SET creates = false", steps)
        self.assertIn("pg_advisory_xact_lock", steps)
        self.assertFalse(self.destination.sent("POST"))

    def test_creation_without_an_answer(self):
        def prepare(number):
            email = f"ada{number}@example.com"
            self.destination.answer(200, {"results": []})
            self.destination.lose_answers()
            partner_id = self.new_partner(name=f"Ada {number}", email=email)
            (uuid,) = self.awake()
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(len(self.destination.records), 1)
            self.outlast_requests()
            return partner_id

        self.each_step(prepare)


@tagged("post_install", "-at_install")
class TestVersions(DoubtCase):
    """The version that a system gives goes back with the next change."""

    destination_class = SearchingDestination

    def setUp(self):
        super().setUp()
        self.destination.versions = {}

    def stream_values(self, backend):
        values = {"version_where": "headers.ETag", "version_header": "If-Match"}
        return {**super().stream_values(backend), **values}

    def test_it_is_kept(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.assertEqual(self.binding(partner_id)["version_token"], '"1"')
        for number, name in enumerate(("Grace", "Blaise"), 2):
            self.edit(partner_id, name=name)
            self.assertEqual(self.run_pending(), ["done"])
            self.assertEqual(self.binding(partner_id)["version_token"], f'"{number}"')
        self.assertEqual(self.methods(), ["POST", "PUT", "PUT"])
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.destination.records)
        self.assertFalse(self.binding(partner_id)["version_token"])

    def test_changed_there(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.destination.versions["/contacts/1"] = 8
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertEqual(self.methods(), ["POST", "PUT", "GET", "PUT"])
        self.assertEqual(self.binding(partner_id)["version_token"], '"9"')

    def test_changed_there_twice(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.destination.answer(412)
        self.destination.answer(200, {"id": 1}, headers={"ETag": '"5"'})
        self.destination.answer(412)
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertIn("has changed there", self.binding(partner_id)["last_error"])
        self.edit(partner_id, name="Blaise")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Blaise"])

    def test_older_binding(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE sync_binding SET version_token = NULL WHERE res_id = %s",
                (partner_id,),
            )
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.methods(), ["POST", "GET", "PUT"])

    def test_update_without_an_answer(self):
        """Its version is another one by then, if it was carried out."""
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.edit(partner_id, name="Grace")
        self.destination.lose_answers()
        self.run_pending()
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.outbox(partner_id))
        version = self.destination.versions["/contacts/1"]
        self.assertEqual(self.binding(partner_id)["version_token"], f'"{version}"')

    def test_adopted(self):
        self.change_stream(**searching())
        self.destination.put("C-1", email=EMAIL, name="Old")
        partner_id = self.new_partner(name="Ada", email=EMAIL)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.names_there(), ["Ada"])
        self.assertEqual(self.binding(partner_id)["external_id"], "C-1")
        self.assertEqual(self.binding(partner_id)["version_token"], '"2"')
        # search, version, update
        self.assertEqual(self.methods(), ["GET", "GET", "PUT"])
