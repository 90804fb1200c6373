# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the systems of the recipes answer about records that are there already."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from odoo.tests import tagged

from ..exceptions import Unclear
from ..recipes import reader
from ..transports.base import Route
from ..transports.rest.lines import look_at
from .servers import Answer, HttpDestination
from .transport_case import RestCase, message

FOLDER = Path(__file__).resolve().parents[1] / "recipes"
SAMPLES = {"host": "a.example", "label": "a", "path": "a/b", "text": "a"}
# Of what is there, and of what is created; who is looked for, and somebody else.
KNOWN, NEW = "4711", "4712"
ADA, GRACE = "ada@example.com", "grace@example.com"
# Stands for one of them.
WHO = "?"


class Says(NamedTuple):
    """What a system answers, as its documents say; see the recipe of each.

    :param record: what is sent of the record, with what it is looked for by
    :param first: the answer to Find where it is there; or to Create, which refuses it
    :param read: to Read
    :param made: to Create
    :param none: to Find where it is not there; ``None`` where that is not asked before
    """

    record: dict
    first: Any
    read: Any
    made: Any
    none: Any = None


def mail(**more):
    return {"email": WHO, **more}


ALL = {
    "airtable": Says(
        {"Email": WHO},
        {"records": [{"id": KNOWN, "fields": {"Email": WHO}}]},
        {"id": KNOWN, "fields": {"Email": WHO}},
        {"id": NEW, "fields": {"Email": WHO}},
        {"records": []},
    ),
    "bigcommerce": Says(
        mail(),
        {"data": [mail(id=4711)], "meta": {}},
        {"data": [mail(id=4711)], "meta": {}},
        {"data": [mail(id=4712)], "meta": {}},
        {"data": [], "meta": {"pagination": {"total": 0}}},
    ),
    "brevo": Says(
        mail(),
        mail(id=4711, attributes={}),
        mail(id=4711, attributes={}),
        Answer(201, {"id": 4712}),
        Answer(404, {"code": "document_not_found", "message": "No such contact"}),
    ),
    "directus": Says(
        mail(),
        {"data": [mail(id=KNOWN)]},
        {"data": mail(id=KNOWN)},
        {"data": mail(id=NEW)},
        {"data": []},
    ),
    "dynamics_365": Says(
        {"emailaddress1": WHO},
        {"value": [{"contactid": KNOWN, "emailaddress1": WHO}]},
        {"contactid": KNOWN, "emailaddress1": WHO, "lastname": "A"},
        Answer(204, headers={"OData-EntityId": f"https://a.example/contacts({NEW})"}),
        {"value": []},
    ),
    "erpnext": Says(
        {"customer_name": WHO},
        {"data": [{"name": KNOWN}]},
        {"data": {"name": KNOWN, "customer_name": WHO}},
        {"data": {"name": NEW, "customer_name": WHO}},
        {"data": []},
    ),
    "freshdesk": Says(
        mail(),
        Answer(
            409,
            {
                "description": "Validation failed",
                "errors": [
                    {
                        "field": "email",
                        "additional_info": {"user_id": 4711},
                        "message": "It should be a unique value",
                        "code": "duplicate_value",
                    }
                ],
            },
        ),
        mail(id=4711),
        Answer(201, mail(id=4712)),
    ),
    "hubspot": Says(
        mail(),
        Answer(
            409,
            {
                "status": "error",
                "message": f"Contact already exists. Existing ID: {KNOWN}",
                "category": "CONFLICT",
            },
        ),
        {"id": KNOWN, "properties": mail()},
        Answer(201, {"id": NEW, "properties": mail()}),
    ),
    "intercom": Says(
        mail(),
        Answer(
            409,
            {
                "type": "error.list",
                "errors": [
                    {
                        "code": "conflict",
                        "message": "A contact matching those details already exists "
                        f"with id={KNOWN}",
                    }
                ],
            },
        ),
        mail(type="contact", id=KNOWN),
        mail(type="contact", id=NEW),
    ),
    "klaviyo": Says(
        mail(),
        Answer(
            409,
            {
                "errors": [
                    {
                        "code": "duplicate_profile",
                        "detail": "A profile already exists with these identifiers.",
                        "meta": {"duplicate_profile_id": KNOWN},
                    }
                ]
            },
        ),
        {"data": {"type": "profile", "id": KNOWN, "attributes": mail()}},
        Answer(201, {"data": {"type": "profile", "id": NEW, "attributes": mail()}}),
    ),
    "magento_2": Says(
        mail(),
        {"items": [mail(id=4711)], "total_count": 1},
        mail(id=4711),
        mail(id=4712),
        {"items": [], "total_count": 0},
    ),
    "mailchimp": Says(
        {"email_address": WHO},
        {"exact_matches": {"members": [{"id": KNOWN, "email_address": WHO}]}},
        {"id": KNOWN, "email_address": WHO},
        {"id": NEW, "email_address": WHO},
        {
            "exact_matches": {"members": [], "total_items": 0},
            "full_search": {"members": [], "total_items": 0},
        },
    ),
    "odoo_19": Says(mail(), [mail(id=4711)], [mail(id=4711)], [4712], []),
    "pipedrive": Says(
        {"emails": [{"value": WHO, "primary": True}]},
        {"success": True, "data": {"items": [{"item": {"id": 4711, "emails": [WHO]}}]}},
        {"success": True, "data": {"id": 4711, "emails": [{"value": WHO}]}},
        {"success": True, "data": {"id": 4712, "emails": [{"value": WHO}]}},
        {"success": True, "data": {"items": []}},
    ),
    "postgrest": Says(
        mail(),
        [mail(id=4711)],
        [mail(id=4711, name="A")],
        Answer(201, [mail(id=4712)]),
        [],
    ),
    "quickbooks": Says(
        {"DisplayName": WHO},
        {"QueryResponse": {"Customer": [{"Id": KNOWN, "DisplayName": WHO}]}},
        {"Customer": {"Id": KNOWN, "SyncToken": "3", "DisplayName": WHO}},
        {"Customer": {"Id": NEW, "SyncToken": "0", "DisplayName": WHO}},
        {"QueryResponse": {}, "time": "2026-11-26T10:00:00.000-08:00"},
    ),
    "salesforce": Says(
        {"Email": WHO},
        {"done": True, "records": [{"attributes": {}, "Id": KNOWN, "Email": WHO}]},
        {"attributes": {}, "Id": KNOWN, "Email": WHO},
        Answer(201, {"id": NEW, "success": True, "errors": []}),
        {"totalSize": 0, "done": True, "records": []},
    ),
    "shopify": Says(
        mail(),
        {
            "data": {
                "customerByIdentifier": {
                    "id": KNOWN,
                    "defaultEmailAddress": {"emailAddress": WHO},
                }
            }
        },
        {
            "data": {
                "customer": {"id": KNOWN, "defaultEmailAddress": {"emailAddress": WHO}}
            }
        },
        {"data": {"customerCreate": {"customer": {"id": NEW}, "userErrors": []}}},
        {"data": {"customerByIdentifier": None}},
    ),
    "strapi": Says(
        mail(),
        {"data": [mail(id=1, documentId=KNOWN)], "meta": {}},
        {"data": mail(id=1, documentId=KNOWN), "meta": {}},
        Answer(201, {"data": mail(id=2, documentId=NEW), "meta": {}}),
        {"data": [], "meta": {"pagination": {"total": 0}}},
    ),
    "stripe": Says(
        mail(),
        {"object": "list", "data": [mail(id=KNOWN, object="customer")]},
        mail(id=KNOWN, object="customer"),
        mail(id=NEW, object="customer"),
        {"object": "list", "data": [], "has_more": False},
    ),
    "woocommerce": Says(
        mail(), [mail(id=4711)], mail(id=4711), Answer(201, mail(id=4712)), []
    ),
    "xero": Says(
        {"EmailAddress": WHO},
        {"Status": "OK", "Contacts": [{"ContactID": KNOWN, "EmailAddress": WHO}]},
        {"Status": "OK", "Contacts": [{"ContactID": KNOWN, "EmailAddress": WHO}]},
        {"Status": "OK", "Contacts": [{"ContactID": NEW, "EmailAddress": WHO}]},
        {"Id": "5d3b6d1e-5a0c-4c2c-9b0a-3b1f2c8a7e11", "Status": "OK", "Contacts": []},
    ),
    "zendesk": Says(
        mail(),
        {"users": [mail(id=4711)], "count": 1},
        {"user": mail(id=4711)},
        Answer(201, {"user": mail(id=4712)}),
        {"users": [], "count": 0, "next_page": None},
    ),
    "zoho_crm": Says(
        {"Email": WHO},
        {"data": [{"id": KNOWN, "Email": WHO}], "info": {"count": 1}},
        {"data": [{"id": KNOWN, "Email": WHO}]},
        Answer(
            201,
            {
                "data": [
                    {"code": "SUCCESS", "details": {"id": NEW}, "status": "success"}
                ]
            },
        ),
        Answer(204),
    ),
}


class Vendor(HttpDestination):
    """What answers the first request, a look at the record, and whatever writes."""

    def _obey(self, request):
        if len(self.requests) == 1:
            return self.first
        asked = request.method, request.path, request.body or None
        return self.read if asked == self.look else self.last

    def is_asked(self, request):
        """Whether it is the first one, or a look."""
        asked = request.method, request.path, request.body or None
        return request is self.requests[0] or asked == self.look


def about(content, who):
    """Return an answer, or what one holds, that is about a person."""
    if isinstance(content, Answer):
        body = about(content.body, who)
        return Answer(content.status, body, headers=content.headers)
    return json.loads(json.dumps(content).replace(f'"{WHO}"', f'"{who}"'))


def as_answer(content, who):
    made = about(content, who)
    return made if isinstance(made, Answer) else Answer(200, made)


def route_of(name):
    """Return the route that a recipe makes."""
    found = reader.read(FOLDER / f"{name}.json")
    samples = {each["name"]: SAMPLES.get(each["kind"], "") for each in found["ask"]}
    stream = reader.filled(found, samples)["synchronizations"][0]
    lines = sorted(stream["requests"].items())
    readings, there = stream.get("readings", {}), stream.get("already_there", {})
    many = stream.get("many", {}).items()
    return Route(
        target="",
        id_policy=stream["id_policy"],
        external_id_key=readings.get("id", "id"),
        requests=tuple((kind, each["line"], each["body"]) for kind, each in lines),
        encoding=found["system"].get("format", "json"),
        refused=readings.get("refused", ""),
        gone=readings.get("gone", ""),
        found=readings.get("found", ""),
        version=readings.get("version", ""),
        already_there=there.get("how", ""),
        there_when=there.get("when", ""),
        there_where=there.get("where", ""),
        there_before=there.get("before", ""),
        **{f"many_{name}": value for name, value in many},
    )


def looks_first(name):
    """Return whether new records are looked for before they are created."""
    return route_of(name).already_there == "find"


@tagged("post_install", "-at_install")
class TestRecipeAnswers(RestCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(Vendor())

    def deliver(self, name, first, read, last):
        """Send a new record of Ada; return the receipt."""
        says, server = ALL[name], self.server
        sent = replace(message(payload=about(says.record, ADA)), route=route_of(name))
        look = look_at(server.url, sent.route, KNOWN, sent)
        server.look = look.method, look.url.removeprefix(server.url), look.body
        server.first, server.read, server.last = first, read, last
        server.requests.clear()
        [receipt] = self.transport().send([sent])
        return receipt

    def test_each_recipe_that_keeps_records_is_here(self):
        kept = {path.stem for path in reader.files(FOLDER)}
        kept = {name for name in kept if route_of(name).already_there}
        self.assertEqual(kept, ALL.keys())

    def test_it_is_not_there(self):
        """The search says so, and it is created."""
        for name, says in ALL.items():
            with self.subTest(name):
                made = as_answer(says.made, ADA)
                first = as_answer(says.none, ADA) if looks_first(name) else made
                receipt = self.deliver(name, first, None, made)
                self.assertTrue(receipt.ok, receipt.error)
                self.assertFalse(receipt.adopted)
                self.assertEqual(receipt.external_id, NEW)
                self.assertFalse(receipt.warning)
                self.assertEqual(len(self.server.requests), 1 + looks_first(name))

    def test_it_is_there(self):
        """It is updated."""
        for name, says in ALL.items():
            with self.subTest(name):
                first, read = as_answer(says.first, ADA), as_answer(says.read, ADA)
                receipt = self.deliver(name, first, read, Answer(200, {}))
                self.assertTrue(receipt.adopted, receipt.error)
                self.assertEqual(receipt.external_id, KNOWN)
                asked = [*map(self.server.is_asked, self.server.requests)]
                self.assertEqual(asked.count(False), 1)

    def test_it_is_found_and_shown_by_read_alone(self):
        for name, says in ALL.items():
            with self.subTest(name):
                first, read = as_answer(says.first, GRACE), as_answer(says.read, ADA)
                receipt = self.deliver(name, first, read, Answer(200, {}))
                self.assertTrue(receipt.adopted, receipt.error)

    def test_somebody_else_is_there(self):
        """A person has to look, and nothing is changed."""
        for name, says in ALL.items():
            with self.subTest(name):
                first, read = as_answer(says.first, GRACE), as_answer(says.read, GRACE)
                receipt = self.deliver(name, first, read, Answer(200, {}))
                self.assertFails(receipt, Unclear, KNOWN)
                self.assertEqual(receipt.error.found, (KNOWN,))
                asked = [*map(self.server.is_asked, self.server.requests)]
                self.assertEqual(asked, [True, True])

    def test_what_was_deleted_there(self):
        """It is created again, and its deletion in Odoo has nothing to do."""
        made = {"email": ADA, "id": 4712}
        missing = {"code": "woocommerce_rest_invalid_id", "data": {"status": 400}}
        for name, proven, answers in (
            (
                "stripe",
                (),
                [
                    Answer(404, {"error": {"code": "resource_missing"}}),
                    Answer(200, {"id": KNOWN, "deleted": True}),
                ],
            ),
            ("woocommerce", ("update", "delete"), [Answer(400, missing)]),
        ):
            for operation in ("upsert", "delete"):
                with self.subTest(name, operation=operation):
                    route = replace(route_of(name), proven=frozenset(proven))
                    sent = message(operation, payload=mail(), external_id=KNOWN)
                    self.server.first, *rest = answers
                    self.server.answer(answers[0].status, answers[0].body)
                    for each in rest:
                        self.server.answer(each.status, each.body)
                    if operation == "upsert":
                        self.server.answer(200, [] if name == "woocommerce" else {})
                        self.server.answer(201, made)
                    [receipt] = self.transport().send([replace(sent, route=route)])
                    self.assertTrue(receipt.ok, receipt.error)
                    new = NEW if operation == "upsert" else None
                    self.assertEqual(receipt.external_id, new)

    def test_deletion_that_stripe_confirms(self):
        """As of a record that is gone: it is, by that."""
        sent = message("delete", payload={}, external_id=KNOWN)
        self.server.answer(200, {"id": KNOWN, "object": "customer", "deleted": True})
        sent = replace(sent, route=route_of("stripe"))
        [receipt] = self.transport().send([sent])
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(len(self.server.requests), 1)

    def test_what_is_emptied_arrives(self):
        """Where only what is sent is changed, and the documents say how."""
        undocumented = {"pipedrive", "quickbooks"}
        for path in reader.files(FOLDER):
            stream = reader.read(path)["synchronizations"][0]
            if not stream.get("leave_out_empty") or path.stem in undocumented:
                continue
            filled = {each[0] for each in stream["domain"] if each[1] == "!="}
            filled |= {"name", "display_name", "last_name"}
            for line in stream["mapping"]:
                with self.subTest(path.stem, target=line["target"]):
                    source = line.get("field") or line.get("method")
                    if source not in filled and "constant" not in line:
                        self.assertIn("if_empty", line)

    def test_nothing_is_put_over_what_is_there(self):
        """Nor does Odoo's id have to be unique: another Odoo has the same."""
        for name in ALL:
            with self.subTest(name):
                for kind, line, body in route_of(name).requests:
                    self.assertNotIn("upsert", line)
                    self.assertNotIn("update_existing", body)
                    if kind == "create" and name != "stripe":
                        self.assertNotIn("{key", body)
