# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""New records that are there already, and versions of records, at a real server."""

import json
import time
from dataclasses import replace

from odoo.tests import tagged

from ..exceptions import (
    Blocked,
    Misconfigured,
    RateLimited,
    Rejected,
    Temporary,
    Throttled,
    Unclear,
    Unreachable,
)
from ..transports.base import DONE, REFUSED, UNKNOWN, UNSENT
from ..transports.rest.requests import RequestLine
from ..transports.rest.there import holds
from .test_transport_rest_lines import typed
from .transport_case import TOKEN, RestCase, message

ADA = {"name": "Ada", "email": "ada@example.com"}
FIND = "GET contacts?email={email}&limit=2"


def looking(find=FIND, **options):
    """A message about a new record that is looked for first."""
    requests = typed(find=find)["requests"]
    route = {"already_there": "find", "found": "results[*].id", "requests": requests}
    return message(**{"payload": ADA, **route, **options})


def told(**options):
    """A message about a new record whose refusal may name it."""
    return message(**{"payload": ADA, "already_there": "refusal", **options})


class ThereCase(RestCase):
    def deliver(self, sent, **options):
        """Send a message; return its receipt, and what the transport told of it."""
        self.adopted = []
        transport = self.transport(**options)
        transport.adopting = lambda *args: self.adopted.append(
            (args[1], args[2], args[3], len(self.server.requests))
        )
        [receipt] = transport.send([sent])
        return receipt

    def there(self, *records):
        self.server.answer(200, {"results": list(records)})

    def assertNothingIsWritten(self, receipt, fate=UNSENT):
        self.assertEqual(receipt.fate, fate)
        self.assertFalse(self.adopted)
        written = [each for each in self.server.requests if each.method != "GET"]
        self.assertEqual([each.path for each in written], [])


@tagged("-at_install", "post_install")
class TestFind(ThereCase):
    """None, one, several, and what says nothing, are four different things."""

    def test_none(self):
        self.there()
        receipt = self.deliver(looking())
        self.assertTrue(receipt.ok)
        self.assertFalse(receipt.adopted)
        found = "GET /contacts?email=ada%40example.com&limit=2"
        self.assertEqual(self.lines(), [found, "POST /contacts"])
        self.assertEqual(receipt.external_id, "1")
        self.assertIn("GET", receipt.request)
        self.assertIn("?email={email}&limit=2", receipt.request)
        self.assertNotIn("ada", receipt.request)
        self.assertEqual(self.server.requests[1].headers["Idempotency-Key"], "key-1")

    def test_one(self):
        self.server.records["/contacts/C-1"] = {}
        self.there({"id": "C-1", "email": "Ada@Example.com"})
        receipt = self.deliver(looking())
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual((receipt.external_id, receipt.fate), ("C-1", DONE))
        self.assertTrue(receipt.adopted)
        self.assertIn("already, as C-1", receipt.warning)
        self.assertEqual(self.lines()[1:], ["PUT /contacts/C-1"])
        [_search, update] = self.server.requests
        self.assertEqual(update.json, ADA)
        self.assertEqual(update.headers["Idempotency-Key"], "key-1-adopt")
        # told before it left
        adopted = ("C-1", "key-1-adopt", ("ada@example.com",), 1)
        self.assertEqual(self.adopted, [adopted])

    def test_several(self):
        records = [{"id": number, "email": ADA["email"]} for number in (7, 8)]
        self.there(*records)
        receipt = self.deliver(looking())
        self.assertFails(receipt, Unclear, "2 were found", "7, 8")
        self.assertEqual(receipt.error.found, ("7", "8"))
        self.assertNothingIsWritten(receipt)

    def test_one_that_does_not_hold_what_was_searched_for(self):
        """A system that ignores the parameter answers all that it has."""
        self.there({"id": 7, "email": "grace@example.com"})
        self.server.answer(200, {"id": 7, "email": "grace@example.com"})
        receipt = self.deliver(looking())
        self.assertFails(receipt, Unclear, "7 was found", "does not show")
        self.assertEqual(receipt.error.found, ("7",))
        self.assertNothingIsWritten(receipt)

    def test_value_of_another_field_is_none(self):
        self.there({"id": 7, "email": "g@example.com", "owner": ADA["email"]})
        self.server.answer(200, {"id": 7, "email": "g@example.com", "by": ADA["email"]})
        receipt = self.deliver(looking())
        self.assertFails(receipt, Unclear)

    def test_odoo_id_is_not_believed_anywhere(self):
        """A system that ignores the parameter, and Odoo's id is small."""
        sent = looking("GET contacts?ref={key}&limit=1")
        for name, adopted in (("orders", False), ("ref", True)):
            self.server.requests.clear()
            record = {"id": "C-1", name: 7}
            self.server.records["/contacts/C-1"] = record
            self.there(record)
            receipt = self.deliver(sent)
            self.assertIs(receipt.adopted, adopted, name)
        # it has the name that it is sent by
        body = json.dumps({"external_id": "{key}", "...": "{record}"})
        find = {"find": "GET contacts/by/{key}", "create": ("POST contacts", body)}
        sent = looking(requests=typed(**find)["requests"], found="id")
        self.server.answer(200, {"id": "C-1", "external_id": "7"})
        self.assertTrue(self.deliver(sent).adopted)

    def test_ids_alone_are_looked_at(self):
        self.server.records["/contacts/7"] = {"id": "7", **ADA}
        self.there({"id": 7})
        receipt = self.deliver(looking())
        self.assertTrue(receipt.adopted, receipt.error)
        self.assertEqual(self.lines()[1:], ["GET /contacts/7", "PUT /contacts/7"])

    def test_found_and_not_shown(self):
        """The index of a search is behind its records."""
        self.there({"id": 7})
        receipt = self.deliver(looking())
        self.assertFails(receipt, Temporary, "has found 7", "404")
        self.assertNothingIsWritten(receipt)

    def test_no_way_to_look_at_what_was_found(self):
        requests = typed(find=FIND, create="POST c", update="POST c?id={id}")
        options = {"found": "results[*].id", **requests}
        self.there({"id": 7})
        receipt = self.deliver(message(payload=ADA, already_there="find", **options))
        self.assertFails(receipt, Unclear, "7 was found")
        self.assertNothingIsWritten(receipt)

    def test_without_an_id(self):
        for record_id in ("0", True, "null", ["a"], "\x00"):
            with self.subTest(record_id):
                self.there({"id": record_id, "email": ADA["email"]})
                receipt = self.deliver(looking())
                self.assertFails(receipt, Unclear, "without an ID")
                self.assertNothingIsWritten(receipt)
        # it is called otherwise
        self.there({"uid": 7, "email": ADA["email"]})
        receipt = self.deliver(looking())
        self.assertFails(receipt, Misconfigured, "there is no ID in “results[*].id”")
        self.assertNothingIsWritten(receipt)

    def test_search_that_fails_is_not_none(self):
        for status, error_class in (
            (400, Rejected),
            (401, Unreachable),
            (404, Misconfigured),
            (405, Misconfigured),
            (422, Rejected),
            (429, Throttled),
            (500, Temporary),
            (503, Unreachable),
            (302, Unreachable),
        ):
            with self.subTest(status):
                self.server.requests.clear()
                self.server.answer(status, {"message": "no"})
                receipt = self.deliver(looking())
                self.assertFails(receipt, error_class, "could not be looked for")
                self.assertNothingIsWritten(receipt)
                self.assertEqual(len(self.lines()), 1)

    def test_search_that_cannot_be_read_is_not_none(self):
        deep = "[" * 100_000
        for body in (
            "<html>Log in</html>",
            b"",
            b"nothing",
            deep.encode(),
            {"success": False, "message": "no"},
            {"errors": [{"message": "unknown field"}]},
            {"error": {"message": "bad query"}},
            # found, and the place is another one
            {"items": [{"id": 7, "email": ADA["email"]}]},
        ):
            with self.subTest(body=str(body)[:40]):
                self.server.requests.clear()
                self.server.answer(200, body)
                receipt = self.deliver(looking())
                self.assertFalse(receipt.ok)
                self.assertNotIsInstance(receipt.error, Unclear)
                self.assertNothingIsWritten(receipt)

    def test_reading_that_fails_is_not_none(self):
        for found in ("length(@.results[0].x)", "results[?id > `1`] | max(@)"):
            self.server.requests.clear()
            self.there({"x": 5, "id": "a"})
            receipt = self.deliver(looking(found=found))
            self.assertFails(receipt, Temporary, "could not be looked for")
            self.assertNothingIsWritten(receipt)

    def test_answer_that_is_cut_is_not_none(self):
        self.server.answer(200, {"results": []}, announce=10)
        receipt = self.deliver(looking())
        self.assertFalse(receipt.ok)
        self.assertNothingIsWritten(receipt)

    def test_no_answer_is_not_none(self):
        self.server.answer(200, drop=True, times=20)
        receipt = self.deliver(looking())
        self.assertFails(receipt, Unreachable, "could not be looked for")
        self.assertEqual(receipt.fate, UNSENT)

    def test_ways_to_say_none(self):
        for body, found in (
            ({"results": []}, "results[*].id"),
            ({"results": None}, "results[*].id"),
            ({"QueryResponse": {}, "time": "x"}, "QueryResponse.Customer[*].Id"),
            ({"data": {"customer": None}}, "data.customer.id"),
            ([], "@"),
            ([], "[*].id"),
        ):
            with self.subTest(body):
                self.server.requests.clear()
                self.server.answer(200, body)
                receipt = self.deliver(looking(found=found))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(self.lines()[1:], ["POST /contacts"])
        # Zoho
        self.server.answer(204)
        self.assertTrue(self.deliver(looking()).ok)

    def test_none_by_gone_when(self):
        """Brevo: a contact is at its e-mail address."""
        gone = "code == 'document_not_found'"
        sent = looking("GET contacts/{email}", found="id", gone=gone)
        self.server.answer(404, {"code": "document_not_found"})
        self.assertTrue(self.deliver(sent).ok)
        self.assertEqual(
            self.lines(), ["GET /contacts/ada%40example.com", "POST /contacts"]
        )
        self.server.answer(404, "<html>nginx</html>")
        self.assertFails(self.deliver(sent), Misconfigured, "Gone When")

    def test_refused_when_is_asked(self):
        self.server.answer(200, {"results": [], "state": "quota exceeded"})
        receipt = self.deliver(looking(refused="state"))
        self.assertFails(receipt, Rejected, "quota exceeded")
        self.assertNothingIsWritten(receipt)

    def test_record_that_cannot_be_looked_for(self):
        """Nothing with an empty value is asked: it would find everything."""
        body = json.dumps({"email": "{email}"})
        for find in (FIND, ("POST search", body)):
            for value in (None, "", " "):
                self.server.requests.clear()
                receipt = self.deliver(looking(find, payload={"email": value}))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(self.lines(), ["POST /contacts"])
        # unless it may have been created
        self.server.requests.clear()
        receipt = self.deliver(looking(payload={"name": "Ada"}, again=True))
        self.assertFails(receipt, Unclear, "no value")
        self.assertNothingIsWritten(receipt)

    def test_creation_without_an_answer_is_looked_for(self):
        requests = typed(find=FIND)["requests"]
        options = {"found": "results[*].id", "requests": requests}
        sent = told(again=True, there_before="ID:", **options)
        self.there({"id": 7, "email": ADA["email"]})
        self.server.records["/contacts/7"] = {}
        self.assertTrue(self.deliver(sent).adopted)
        # not where its key says the same
        self.server.requests.clear()
        receipt = self.deliver(sent, repeats_are_safe=True)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.lines(), ["POST /contacts"])
        # nor one that a person has looked for, and that was never sent
        self.server.requests.clear()
        self.deliver(looking(looked=True))
        self.assertEqual(self.lines(), ["POST /contacts"])
        self.server.requests.clear()
        self.there()
        self.deliver(looking(looked=True, again=True))
        self.assertEqual(len(self.lines()), 2)

    def test_search_by_post(self):
        """Odoo's JSON-2 answers ids alone."""
        body = json.dumps({"domain": [["email", "=", "{email}"]], "limit": 2})
        read = json.dumps({"ids": ["{id:number}"], "fields": ["email"]})
        sent = looking(("POST search", body), found="@")
        requests = (*sent.route.requests, ("read", "POST read", read))
        sent = looking(requests=tuple(sorted(requests)), found="@")
        self.server.answer(200, [5])
        self.server.answer(200, [{"id": 5, "email": ADA["email"]}])
        self.server.records["/contacts/5"] = {}
        receipt = self.deliver(sent)
        self.assertTrue(receipt.adopted, receipt.error)
        self.assertEqual(receipt.external_id, "5")
        search, look, _update = self.server.requests
        domain = {"domain": [["email", "=", "ada@example.com"]], "limit": 2}
        self.assertEqual(search.json, domain)
        self.assertEqual(look.json, {"ids": [5], "fields": ["email"]})

    def test_what_was_found_is_not_updated(self):
        for status, body, error_class, fate in (
            (404, {}, Temporary, REFUSED),
            (422, {"message": "no"}, Rejected, REFUSED),
            (500, {}, Temporary, UNKNOWN),
        ):
            with self.subTest(status):
                self.server.requests.clear()
                self.there({"id": 7, "email": ADA["email"]})
                self.server.answer(status, body)
                receipt = self.deliver(looking())
                self.assertFails(receipt, error_class)
                self.assertEqual(receipt.fate, fate)
                self.assertEqual(self.lines()[1:], ["PUT /contacts/7"])
        self.server.requests.clear()
        self.there({"id": 7, "email": ADA["email"]})
        self.server.answer(200, drop=True, times=20)
        receipt = self.deliver(looking())
        self.assertEqual(receipt.fate, UNKNOWN)
        self.assertNotIn("POST", " ".join(self.lines()))

    def test_id_that_must_not_be_taken(self):
        def refuse(*args):
            raise Unclear("It is another one.", ["7"])

        self.there({"id": 7, "email": ADA["email"]})
        transport = self.transport()
        transport.adopting = refuse
        [receipt] = transport.send([looking()])
        self.adopted = []
        self.assertFails(receipt, Unclear)
        self.assertNothingIsWritten(receipt)

    def test_id_that_is_a_secret(self):
        self.there({"id": TOKEN, "email": ADA["email"]})
        receipt = self.deliver(looking(), auth="bearer", secret=TOKEN)
        self.assertFails(receipt, Unclear)
        self.assertNotIn(TOKEN, str(receipt))

    def test_record_that_was_lost_there(self):
        """It is looked for before it is created again."""
        proven = {"proven": ("create", "update"), "external_id": "5"}
        self.server.answer(410)
        self.there({"id": 7, "email": ADA["email"]})
        self.server.records["/contacts/7"] = {}
        receipt = self.deliver(looking(**proven))
        self.assertTrue(receipt.adopted, receipt.error)
        self.assertEqual(receipt.external_id, "7")
        self.assertNotIn("POST", " ".join(self.lines()))

    def test_other_records_of_a_batch_go_together(self):
        sent = [
            looking(key=1, external_id="1", batch_target="many"),
            looking(key=2, external_id="2", batch_target="many"),
            looking(key=3, batch_target="many"),
            looking(key=4, batch_target="many"),
        ]
        items = [{"key": key, "status": 200, "id": str(key)} for key in (1, 2)]
        self.server.answer(200, {"items": items})
        for key in (3, 4):
            self.there()
            self.server.answer(201, {"id": key})
        receipts = self.transport(concurrency=1).send(sent)
        self.assertTrue(all(each.ok for each in receipts), receipts)
        methods = sorted(each.method for each in self.server.requests)
        self.assertEqual(methods, ["GET", "GET", "POST", "POST", "POST"])

    def test_preview_shows_both(self):
        text = self.transport(auth="bearer", secret=TOKEN).preview(looking())
        first, middle, second = text.partition("If nothing is found:")
        self.assertTrue(middle)
        self.assertIn("GET", first)
        self.assertIn("/contacts?email={email}&limit=2", first)
        self.assertIn("POST", second)
        self.assertIn('"email": "ada@example.com"', second)
        self.assertNotIn(TOKEN, text)
        self.assertFalse(self.lines())
        known = self.transport().preview(looking(external_id="7"))
        self.assertTrue(known.startswith("PUT "), known)
        self.assertNotIn("nothing", known)


@tagged("-at_install", "post_install")
class TestSought(ThereCase):
    """What a record holds of what was searched for."""

    def test_holds(self):
        for find, payload, record, expected in (
            ("{email}", {"email": "A@x.de"}, {"email": "a@x.DE "}, True),
            ("{email}", {"email": "a@x.de"}, {"mail": "a@x.de"}, True),
            ("{email}", {"email": "a@x.de"}, {"email": "b@x.de"}, False),
            (
                "{email}",
                {"email": "a@x.de"},
                {"email": "b@x.de", "other": "a@x.de"},
                False,
            ),
            ("{email}", {"email": "a@x.de"}, {"p": {"E_Mail": ["a@x.de"]}}, True),
            (
                "{emails[0].value}",
                {"emails": [{"value": "a@x.de"}]},
                {"emails": ["a@x.de"]},
                True,
            ),
            ("{number}", {"number": 7}, {"number": "7"}, True),
            ("{number}", {"number": 7}, {"number": 77}, False),
            # what is short, or Odoo's id, is somewhere in any record
            ("{number}", {"number": 7}, {"orders": 7}, False),
            ("{name}", {"name": "Ada"}, {"owner": "Ada"}, False),
            ("{name}", {"name": "Ada"}, {"p": {"name": ["Ada"]}}, True),
            ("{phone}", {"phone": "4420794609"}, {"mobile": "4420794609"}, True),
            ("{key}", {}, {"q": "7"}, True),
            ("{key}", {}, {"q": 8}, False),
            ("{key}", {}, {"q": {"orders": 7}}, False),
            ("{key}", {}, {"external_id": 7}, False),
            ("{a}{b}", {"a": "x", "b": "y"}, {"a": "x"}, False),
            ("{a}{b}", {"a": "x", "b": "y"}, {"a": "x", "b": "y"}, True),
            ("{email}", {"email": "a@x.de"}, None, False),
        ):
            with self.subTest(find=find, record=record):
                line = RequestLine.parse("find", f"GET c?q={find}")
                sought = line.sought(message(payload=payload))
                self.assertIs(holds(record, sought), expected)

    def test_names_of_odoo_id(self):
        by_field = {"field": "ref", "operator": "=", "value": "{key:text}"}
        for line, body, names in (
            ("GET c?ref={key}&limit=1", None, {"ref"}),
            ("GET c?limit=1&external-id={key}", None, {"external-id"}),
            ("GET c?filters[ref][$eq]={key}", None, {"ref", "eq"}),
            ("GET c?$filter=ref%20eq%20{key}", None, {"ref", "eq"}),
            ("GET c?q=select+Id+from+C+where+ref='{key}'", None, {"where", "ref"}),
            ("GET c/{key}", None, set()),
            ("GET c?email={email}", None, set()),
            ("POST s", {"a": {"ref": "{key}"}, "b": "x"}, {"ref"}),
            ("POST s", {"query": by_field}, {"ref", "=", "value"}),
            ("POST s", {"domain": [["ref", "=", "{key}"]]}, {"domain", "ref", "="}),
        ):
            with self.subTest(line, body=body):
                found = RequestLine.parse("find", line, body and json.dumps(body) or "")
                self.assertEqual(found.names_of_key, names)


@tagged("-at_install", "post_install")
class TestRefusal(ThereCase):
    """The id of what is there is in the refusal."""

    def test_where_it_is(self):
        hubspot = {
            "status": "error",
            "message": "Contact already exists. Existing ID: 12345",
            "category": "CONFLICT",
        }
        freshdesk = {
            "description": "Validation failed",
            "errors": [
                {
                    "field": "email",
                    "additional_info": {"user_id": 12345},
                    "message": "It should be a unique value",
                    "code": "duplicate_value",
                }
            ],
        }
        zoho = {
            "data": [
                {
                    "code": "DUPLICATE_DATA",
                    "details": {"api_name": "Email", "id": "12345"},
                    "message": "duplicate data",
                    "status": "error",
                }
            ]
        }
        intercom = {
            "errors": [
                {
                    "code": "conflict",
                    "message": "A contact matching those details already exists with "
                    "id=12345",
                }
            ]
        }
        klaviyo = {
            "errors": [
                {
                    "code": "duplicate_profile",
                    "meta": {"duplicate_profile_id": "12345"},
                }
            ]
        }
        info = "errors[0].additional_info.user_id"
        for status, body, options in (
            (409, hubspot, {"there_before": "Existing ID:"}),
            (409, hubspot, {"there_where": "message", "there_before": "Existing ID:"}),
            (409, freshdesk, {"there_where": info}),
            (400, zoho, {"there_where": "data[0].details.id"}),
            (200, zoho, {"there_where": "data[0].details.id"}),
            (409, intercom, {"there_before": "id="}),
            (409, klaviyo, {"there_where": "errors[0].meta.duplicate_profile_id"}),
            (
                422,
                {"code": "E11", "record": 12345},
                {"there_when": "code == 'E11'", "there_where": "record"},
            ),
        ):
            with self.subTest(body=body, **options):
                self.server.requests.clear()
                self.server.answer(status, body)
                self.server.records["/contacts/12345"] = {}
                receipt = self.deliver(told(**options))
                self.assertTrue(receipt.ok, receipt.error)
                self.assertTrue(receipt.adopted)
                self.assertEqual(receipt.external_id, "12345")
                self.assertIn("as 12345", receipt.warning)
                update = ["POST /contacts", "PUT /contacts/12345"]
                self.assertEqual(self.lines(), update)
                self.assertEqual(self.adopted, [("12345", "key-1-adopt", (), 1)])
                self.assertEqual(self.server.requests[1].json, ADA)

    def test_in_a_header(self):
        self.server.answer(
            409, {"message": "exists"}, headers={"Location": "/contacts/7"}
        )
        self.server.records["/contacts/7"] = {}
        receipt = self.deliver(told(there_where="headers.Location"))
        self.assertEqual((receipt.external_id, receipt.adopted), ("7", True))

    def test_other_refusals_stay_refusals(self):
        where = {"there_where": "error.id"}
        for status, body, options, error_class in (
            # an id of the error
            (
                422,
                {"error": {"id": 55, "message": "name is too long"}},
                where,
                Rejected,
            ),
            (409, {"error": {"message": "already exists"}}, where, Rejected),
            (
                409,
                {"error": {"id": 5, "message": "exists"}},
                {**where, "there_when": "error.code"},
                Rejected,
            ),
            (500, {"error": {"id": 5, "message": "exists"}}, where, Temporary),
            (
                409,
                {"message": "already exists. ID: 5, ID: 6"},
                {"there_before": "ID:"},
                Rejected,
            ),
        ):
            with self.subTest(body=body):
                self.server.requests.clear()
                self.server.answer(status, body)
                receipt = self.deliver(told(**options))
                self.assertFails(receipt, error_class)
                self.assertEqual(self.lines(), ["POST /contacts"])
                self.assertFalse(self.adopted)

    def finding(self, **options):
        """One where it is said what the record would be looked for by."""
        requests = typed(find=FIND)["requests"]
        route = {"requests": requests, "found": "results[*].id", "there_before": "ID:"}
        return told(**{**route, **options})

    def refuse(self):
        self.server.answer(409, {"message": "It already exists. ID: 7"})

    def test_it_holds_what_it_would_be_looked_for_by(self):
        self.refuse()
        self.server.records["/contacts/7"] = {"id": "7", "email": "ADA@example.com"}
        receipt = self.deliver(self.finding())
        self.assertTrue(receipt.adopted, receipt.error)
        self.assertEqual(receipt.external_id, "7")
        update = ["POST /contacts", "GET /contacts/7", "PUT /contacts/7"]
        self.assertEqual(self.lines(), update)

    def test_it_is_another_one(self):
        """Refused for another unique value, such as a phone number."""
        for record, sent, lines in (
            ({"email": "grace@example.com"}, self.finding(), 2),
            # nor may it be told by anything
            (ADA, self.finding(payload={"name": "Ada"}), 1),
            (ADA, self.finding(requests=self.unread(), target=""), 1),
        ):
            with self.subTest(record=record, lines=lines):
                self.server.requests.clear()
                self.server.records["/contacts/7"] = {"id": "7", **record}
                self.refuse()
                receipt = self.deliver(sent)
                self.assertFails(receipt, Unclear, "The refusal names 7")
                self.assertEqual(receipt.error.found, ("7",))
                self.assertEqual(receipt.fate, REFUSED)
                self.assertFalse(self.adopted)
                asked = ["POST /contacts", "GET /contacts/7"][:lines]
                self.assertEqual(self.lines(), asked)
                # once a person has looked, it is what the system says
                self.refuse()
                receipt = self.deliver(replace(sent, looked=True))
                self.assertFails(receipt, Rejected, "It already exists")
                self.assertFalse(self.adopted)

    def unread(self):
        return typed(find=FIND, create="POST contacts", update="POST c?id={id}")[
            "requests"
        ]

    def test_it_cannot_be_looked_at(self):
        for status, error_class in ((404, Temporary), (500, Temporary), (403, Blocked)):
            with self.subTest(status):
                self.server.requests.clear()
                self.refuse()
                self.server.answer(status, {})
                receipt = self.deliver(self.finding())
                self.assertFails(receipt, error_class, "could not be looked for")
                self.assertEqual(receipt.fate, REFUSED)
                self.assertEqual(self.lines(), ["POST /contacts", "GET /contacts/7"])
                self.assertFalse(self.adopted)

    def test_id_that_we_have_sent(self):
        """A refusal may repeat what somebody has typed."""
        name = "She already exists. Id: 151"
        self.server.records["/contacts/151"] = {}
        self.server.answer(422, {"message": f"name is too long: {name}, ID: 151"})
        receipt = self.deliver(told(there_before="ID:", payload={"name": name}))
        self.assertFails(receipt, Rejected, "too long")
        self.assertEqual(self.lines(), ["POST /contacts"])
        self.assertFalse(self.adopted)

    def test_without_a_setting_it_fails_as_before(self):
        self.server.answer(409, {"message": "exists", "id": 7})
        receipt = self.deliver(message(payload=ADA))
        self.assertFails(receipt, Rejected, "exists")
        self.assertEqual(self.lines(), ["POST /contacts"])

    def test_item_of_a_batch(self):
        """It is sent alone, and what refuses it then names the other."""
        sent = [
            told(key=key, batch_target="many", there_where="known") for key in (1, 2)
        ]
        items = [
            {"key": 1, "status": 201, "id": "9"},
            {"key": 2, "status": 409, "error": "already exists", "known": 7},
        ]
        self.server.answer(200, {"items": items})
        self.server.answer(409, {"message": "already exists", "known": 7})
        self.server.records["/contacts/7"] = {}
        receipts = self.transport(concurrency=1).send(sent)
        self.assertEqual([each.external_id for each in receipts], ["9", "7"])
        self.assertEqual([each.adopted for each in receipts], [False, True])


@tagged("-at_install", "post_install")
class TestEndOfTheRun(ThereCase):
    """A record of several requests knows of it, as the first one of each does."""

    SPENT = 2 + 2  # seconds that one request may take

    def transport(self, **options):
        transport = super().transport(**options)
        transport.end = time.monotonic() - self.over
        return transport

    def assertLaterOn(self, receipt, fate, *lines):
        self.assertFails(receipt, RateLimited, "the time of this run is over")
        self.assertEqual(receipt.fate, fate)
        self.assertEqual(self.lines(), [*lines])
        self.assertFalse(self.adopted)
        self.server.requests.clear()

    def test_nothing_more_is_begun(self):
        self.over = self.SPENT + 1
        find, look = "GET /contacts?email=ada%40example.com&limit=2", "GET /contacts/7"
        # nothing was found
        self.there()
        self.assertLaterOn(self.deliver(looking()), UNSENT, find)
        # something was: it is neither looked at nor updated
        self.there({"id": 7})
        self.assertLaterOn(self.deliver(looking()), UNSENT, find)
        self.there({"id": 7, "email": ADA["email"]})
        self.assertLaterOn(self.deliver(looking()), UNSENT, find)
        # the refusal names it
        self.server.answer(409, {"message": "already exists", "id": 7})
        sent = told(there_where="id")
        self.assertLaterOn(self.deliver(sent), REFUSED, "POST /contacts")
        # it was changed meanwhile
        route = {"version": "headers.ETag", "version_header": "If-Match"}
        known = message(payload=ADA, external_id="7", **route)
        self.server.answer(412)
        sent = replace(known, version="v1")
        self.assertLaterOn(self.deliver(sent), REFUSED, "PUT /contacts/7")
        self.server.answer(200, {"id": 7}, headers={"ETag": "v1"})
        self.assertLaterOn(self.deliver(known), UNSENT, look)
        # it may be gone
        self.server.answer(404)
        sent = message(payload=ADA, external_id="7")
        self.assertLaterOn(self.deliver(sent), REFUSED, "PUT /contacts/7")
        self.server.answer(410)
        self.assertLaterOn(self.deliver(sent), REFUSED, "PUT /contacts/7")

    def test_what_has_just_begun_is_ended(self):
        """By as much as a worker can wait for one more answer."""
        self.over = 1
        self.there()
        self.assertTrue(self.deliver(looking()).ok)
        self.assertEqual(len(self.lines()), 2)


@tagged("-at_install", "post_install")
class TestVersion(ThereCase):
    """A change says which version it changes."""

    def known(self, version='"v1"', operation="upsert", **options):
        route = {"version": "headers.ETag", "version_header": "If-Match"}
        values = {"payload": ADA, "external_id": "5"}
        sent = message(operation, **{**route, **values, **options})
        return replace(sent, version=version)

    def quickbooks(self, **options):
        body = {"Id": "{id}", "SyncToken": "{version}", "...": "{record}"}
        requests = typed(
            create="POST customer",
            update=("POST customer", json.dumps(body)),
            read="GET customer/{id}",
        )
        values = {"version": "Customer.SyncToken", "external_id_key": "Customer.Id"}
        return {**requests, **values, **options}

    def etag(self, text):
        return {"headers": {"ETag": text}}

    def headers(self):
        return [each.headers["If-Match"] for each in self.server.requests]

    def test_it_goes_back_and_is_kept(self):
        for operation, method in (("upsert", "PUT"), ("mark", "PATCH")):
            self.server.requests.clear()
            self.server.answer(200, {}, **self.etag('"v2"'))
            receipt = self.deliver(self.known(operation=operation))
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(receipt.version, '"v2"')
            self.assertEqual(self.lines(), [f"{method} /contacts/5"])
            self.assertEqual(self.headers(), ['"v1"'])
        self.server.requests.clear()
        self.server.answer(204)
        receipt = self.deliver(self.known(operation="delete", payload={}))
        self.assertEqual((receipt.ok, receipt.version), (True, None))
        self.assertEqual(self.headers(), ['"v1"'])

    def test_of_a_new_record(self):
        self.server.answer(201, {"id": 9}, **self.etag("W/7"))
        receipt = self.deliver(self.known(None, external_id=None))
        self.assertEqual((receipt.external_id, receipt.version), ("9", "W/7"))
        self.assertEqual(self.headers(), [None])

    def test_not_configured(self):
        self.server.answer(200, {}, **self.etag('"v2"'))
        sent = replace(message(payload=ADA, external_id="5"), version="v1")
        receipt = self.deliver(sent)
        self.assertEqual((receipt.ok, receipt.version), (True, None))
        self.assertEqual(self.headers(), [None])
        self.assertEqual(self.server.requests[0].headers["Idempotency-Key"], "key-1")

    def test_body(self):
        self.server.answer(200, {"Customer": {"Id": "5", "SyncToken": 0}})
        receipt = self.deliver(message(payload=ADA, **self.quickbooks()))
        self.assertEqual((receipt.external_id, receipt.version), ("5", "0"))
        self.server.requests.clear()
        self.server.answer(200, {"Customer": {"Id": "5", "SyncToken": "1"}})
        options = {**self.quickbooks(), "external_id": "5"}
        receipt = self.deliver(replace(message(payload=ADA, **options), version="0"))
        self.assertEqual(receipt.version, "1")
        body = {"Id": "5", "SyncToken": "0", **ADA}
        self.assertEqual(self.server.requests[0].json, body)

    def test_one_that_is_not_known_is_read_first(self):
        self.server.answer(200, {"id": 5}, **self.etag('"v3"'))
        self.server.answer(200, {}, **self.etag('"v4"'))
        receipt = self.deliver(self.known(None))
        self.assertEqual(self.lines(), ["GET /contacts/5", "PUT /contacts/5"])
        self.assertEqual(self.headers(), [None, '"v3"'])
        self.assertEqual(receipt.version, '"v4"')

    def test_stale(self):
        for status, body in (
            (412, {}),
            (409, {"message": "changed meanwhile"}),
            (400, {"Fault": {"Error": [{"Message": "Stale Object", "code": "5010"}]}}),
            (200, {"Fault": {"Error": [{"Message": "Stale Object", "code": "5010"}]}}),
        ):
            with self.subTest(status):
                self.server.requests.clear()
                self.server.answer(status, body)
                self.server.answer(200, {"id": 5}, **self.etag('"v9"'))
                self.server.answer(200, {}, **self.etag('"v10"'))
                receipt = self.deliver(self.known())
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.version, '"v10"')
                self.assertEqual(self.headers(), ['"v1"', None, '"v9"'])
                first, _look, again = self.server.requests
                keys = {each.headers["Idempotency-Key"] for each in (first, again)}
                self.assertEqual(len(keys), 2)

    def test_stale_twice(self):
        self.server.answer(412)
        self.server.answer(200, {"id": 5}, **self.etag('"v9"'))
        self.server.answer(412, {"message": "somebody was faster"})
        receipt = self.deliver(self.known())
        self.assertFails(receipt, Rejected, "has changed there", "somebody was faster")
        self.assertEqual(receipt.fate, REFUSED)
        self.assertEqual(len(self.lines()), 3)

    def test_refusal_for_another_reason(self):
        """The record has the version that was sent: nothing is sent again."""
        self.server.answer(409, {"message": "the e-mail address is taken"})
        self.server.answer(200, {"id": 5}, **self.etag('"v1"'))
        receipt = self.deliver(self.known())
        self.assertFails(receipt, Rejected, "is taken")
        self.assertEqual(self.lines(), ["PUT /contacts/5", "GET /contacts/5"])
        self.assertEqual(receipt.fate, REFUSED)

    def test_record_that_is_gone(self):
        """It is created again, or deleted already."""
        proven = {"proven": ("create", "update", "delete")}
        self.server.answer(410)
        receipt = self.deliver(self.known(None, **proven))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.lines(), ["GET /contacts/5", "POST /contacts"])
        self.server.requests.clear()
        self.server.answer(412)
        self.server.answer(410)
        receipt = self.deliver(self.known(**proven))
        self.assertTrue(receipt.ok, receipt.error)
        sent = self.known(None, "delete", payload={}, **proven)
        self.server.requests.clear()
        self.server.answer(410)
        self.assertTrue(self.deliver(sent).ok)
        self.assertEqual(self.lines(), ["GET /contacts/5"])

    def test_look_that_is_behind(self):
        """What answers the change knows the record: it is not created again."""
        proven = {"proven": ("create", "update", "delete")}
        self.server.records["/contacts/5"] = {}
        for operation, method in (("upsert", "PUT"), ("delete", "DELETE")):
            self.server.requests.clear()
            self.server.answer(404)
            sent = self.known(None, operation, **proven)
            self.assertTrue(self.deliver(sent).ok)
            self.assertEqual(self.lines(), ["GET /contacts/5", f"{method} /contacts/5"])
            self.assertEqual(self.headers(), [None, None])
        # while the version is read again
        self.server.requests.clear()
        self.server.records["/contacts/5"] = {}
        self.server.answer(412)
        self.server.answer(404)
        self.assertTrue(self.deliver(self.known(**proven)).ok)
        self.assertEqual(self.headers(), ['"v1"', None, None])
        keys = {each.headers["Idempotency-Key"] for each in self.server.requests}
        self.assertEqual(len(keys - {None}), 2)
        # what was found is adopted
        self.server.requests.clear()
        self.there({"id": 5, "email": ADA["email"]})
        self.server.answer(404)
        route = {"version": "headers.ETag", "version_header": "If-Match"}
        self.assertTrue(self.deliver(looking(**route)).adopted)
        self.assertEqual(self.lines()[1:], ["GET /contacts/5", "PUT /contacts/5"])

    def test_gone_for_what_answers_the_change(self):
        proven = {"proven": ("create", "update", "delete")}
        self.server.answer(404, times=2)
        receipt = self.deliver(self.known(None, **proven))
        self.assertTrue(receipt.ok, receipt.error)
        lines = ["GET /contacts/5", "PUT /contacts/5", "POST /contacts"]
        self.assertEqual(self.lines(), lines)

    def test_change_that_needs_a_version_that_cannot_be_read(self):
        for status in (412, 428):
            self.server.requests.clear()
            self.server.answer(404)
            self.server.answer(status)
            receipt = self.deliver(self.known(None, proven=("create", "update")))
            self.assertFails(receipt, Temporary, "cannot be read")
            self.assertEqual(receipt.fate, REFUSED)
            self.assertEqual(self.lines(), ["GET /contacts/5", "PUT /contacts/5"])
        # one that has a place for it is not sent without
        self.server.requests.clear()
        self.server.answer(404)
        options = {**self.quickbooks(), "external_id": "5"}
        receipt = self.deliver(message(payload=ADA, **options))
        self.assertFails(receipt, Temporary, "cannot be read")
        self.assertEqual(receipt.fate, UNSENT)
        self.assertEqual(self.lines(), ["GET /customer/5"])

    def test_look_that_finds_nothing(self):
        """A search by the id tells no version of one that is gone, and no mistake."""
        read = {"read": "GET contacts?id={id}"}
        header = {
            **typed(create="POST contacts", update="PUT contacts/{id}", **read),
            "version": "items[0].etag",
            "version_header": "If-Match",
        }
        known = message(payload=ADA, external_id="5", proven=("update",), **header)
        self.server.answer(200, {"items": []})
        self.server.answer(404)
        receipt = self.deliver(known)
        self.assertTrue(receipt.ok, receipt.error)
        lines = ["GET /contacts?id=5", "PUT /contacts/5", "POST /contacts"]
        self.assertEqual(self.lines(), lines)
        # the change is refused for its version
        for status in (409, 412):
            self.server.answer(status)
            self.server.answer(200, {"items": []})
            self.server.answer(428)
            receipt = self.deliver(replace(known, version="v1"))
            self.assertFails(receipt, Temporary, "cannot be read")
            self.assertEqual(receipt.fate, REFUSED)
        # it goes back in the body
        body = json.dumps({"Id": "{id}", "SyncToken": "{version}", "...": "{record}"})
        route = typed(update=("POST contacts", body), **read)
        route["version"] = "items[0].etag"
        self.server.requests.clear()
        self.server.answer(200, {"items": []})
        sent = message(payload=ADA, external_id="5", **route)
        self.assertFails(self.deliver(sent), Temporary, "cannot be read")
        self.assertEqual(self.lines(), ["GET /contacts?id=5"])
        # it is there, and has none
        self.server.answer(200, {"items": [{"id": 5}]})
        self.assertFails(self.deliver(sent), Misconfigured, "without a version")

    def test_change_that_says_that_the_record_is_gone(self):
        """It has told so itself: no look is needed."""
        gone = {"Fault": {"Error": [{"Message": "Not Found", "code": "610"}]}}
        route = self.quickbooks(gone="Fault.Error[0].code == '610'")
        options = {"payload": ADA, "external_id": "5", "proven": {"update"}, **route}
        known = replace(message(**options), version="0")
        for status in (200, 400, 409, 422):
            with self.subTest(status):
                self.server.requests.clear()
                self.server.answer(status, gone)
                self.server.answer(200, {"Customer": {"Id": "9", "SyncToken": "0"}})
                receipt = self.deliver(known)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertEqual(receipt.external_id, "9")
                self.assertEqual(self.lines(), ["POST /customer"] * 2)
        # after it was read again
        self.server.requests.clear()
        self.server.answer(409, {"Fault": {"Error": [{"code": "5010"}]}})
        self.server.answer(200, {"Customer": {"Id": "5", "SyncToken": "1"}})
        self.server.answer(409, gone)
        self.server.answer(200, {"Customer": {"Id": "9", "SyncToken": "0"}})
        receipt = self.deliver(known)
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(receipt.external_id, "9")

    def test_read_that_fails(self):
        for status, options, error_class in (
            (500, {}, Temporary),
            (200, {}, Misconfigured),
            (200, self.etag("\u00e9"), Misconfigured),
        ):
            self.server.requests.clear()
            self.server.answer(status, {"id": 5}, **options)
            receipt = self.deliver(self.known(None))
            self.assertFails(receipt, error_class)
            self.assertEqual(receipt.fate, UNSENT)
            self.assertEqual(len(self.lines()), 1)

    def test_ids_of_odoo(self):
        """What is not there is created, without a version."""
        options = {"id_policy": "odoo", "external_id": None}
        self.server.upsert = True
        receipt = self.deliver(self.known(None, **options))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.lines(), ["GET /contacts/7", "PUT /contacts/7"])
        self.assertEqual(self.headers(), [None, None])

    def test_adopted(self):
        """Nothing is known of its version."""
        self.there({"id": 5, "email": ADA["email"]})
        self.server.answer(200, {"id": 5}, **self.etag('"v3"'))
        self.server.answer(200, {}, **self.etag('"v4"'))
        route = {"version": "headers.ETag", "version_header": "If-Match"}
        receipt = self.deliver(looking(**route))
        self.assertTrue(receipt.adopted, receipt.error)
        self.assertEqual(self.headers(), [None, None, '"v3"'])
        self.assertEqual(receipt.version, '"v4"')

    def test_preview(self):
        text = self.transport().preview(self.known())
        self.assertIn('If-Match: "v1"', text)
        text = self.transport().preview(self.known(None))
        self.assertTrue(text.startswith("PUT "), text)
        self.assertFalse(self.lines())
