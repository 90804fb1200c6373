# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests of a synchronization: who types them, what is refused, what is sent."""

import json
import runpy
from pathlib import Path

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..transports.rest.readings import Reading
from .common import DeliveryCase, stream_values
from .rights_case import RightsCase
from .test_preview import PreviewCase
from .test_stream_ready import ReadyCase

MIGRATION = Path(__file__).parents[1] / "migrations/19.0.7.0.0/post-readings.py"
ENVELOPE = '{"data": "{record}"}'
ALL = (
    ("create", "POST crm/contacts.json", ENVELOPE),
    ("update", "PUT crm/contacts/{id}.json?notify=false", ENVELOPE),
    ("remove", "DELETE crm/contacts/{id}.json?force=true", ""),
)
HOOK = (
    (
        "create",
        "POST hook",
        '{"event": "{operation}", "id": "{key}", "is": "{record}"}',
    ),
    ("remove", "POST hook", '{"event": "{operation}", "id": "{key}"}'),
)


def commands(*requests):
    """Return the commands that add requests: kind, line and body of each."""
    return [
        fields.Command.create({"kind": kind, "line": line, "body": body})
        for kind, line, body in requests
    ]


@tagged("post_install", "-at_install")
class TestStreamRequests(ReadyCase):
    def add_requests(self, stream, *requests):
        stream.request_ids = commands(*requests)
        self.before_commit()

    def assertRefused(self, message, *requests, stream=None):
        with self.assertRaisesRegex(ValidationError, message):
            with self.env.cr.savepoint():
                self.add_requests(stream or self.draft, *requests)

    def test_route(self):
        self.assertEqual(self.draft._route().requests, ())
        before = self.draft._settings_digest()
        self.add_requests(self.draft, *ALL)
        route = self.draft._route()
        self.assertEqual(route.requests, tuple(sorted(ALL)))
        self.assertEqual(route.encoding, "json")
        self.assertEqual(route.target, "contacts")
        # what has worked has to work anew
        self.assertNotEqual(self.draft._settings_digest(), before)
        with_requests = self.draft._settings_digest()
        self.draft.request_ids[0].line = "POST crm/contacts"
        self.assertNotEqual(self.draft._settings_digest(), with_requests)
        self.backend.body_format = "form"
        self.assertEqual(self.draft._route().encoding, "form")
        self.draft.request_ids.unlink()
        self.backend.body_format = "json"
        self.assertEqual(self.draft._route().requests, ())
        self.assertEqual(self.draft._settings_digest(), before)

    def test_settings_of_the_answers(self):
        self.draft.write({"refused_when": "fault", "gone_when": "length(@) == `0`"})
        route = self.draft._route()
        self.assertEqual((route.refused, route.gone), ("fault", "length(@) == `0`"))
        for name in ("external_id_key", "refused_when", "gone_when", "many_items"):
            for text in ("data[", "headers.Set-Cookie", "x" * 501, "nobody(knows)"):
                with self.assertRaises(ValidationError) as caught:
                    with self.env.cr.savepoint():
                        self.draft[name] = text
                label = self.draft._fields[name].string
                self.assertIn(f"{label}: ", str(caught.exception))

    def test_what_is_there_already(self):
        find = ("find", "GET contacts?email={email}", "")
        self.draft.already_there = "find"
        self.assertRegex(self.shown(self.draft), "needs a request of the kind Find")
        self.add_requests(self.draft, find)
        self.assertRegex(self.shown(self.draft), "where the answer has the IDs found")
        self.draft.found_where = "results[*].id"
        self.assertFalse(self.shown(self.draft))
        route = self.draft._route()
        self.assertTrue(route.can_look)
        self.assertEqual((route.already_there, route.found), ("find", "results[*].id"))
        # nor is a live one changed into one that lacks it
        self.draft.state = "live"
        for values in ({"found_where": False}, {"already_there": "refusal"}):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.draft.write(values)
        self.draft.write({"already_there": "refusal", "refusal_before": "ID:"})
        self.draft.write({"refusal_before": False, "refusal_where": "error.id"})
        route = self.draft._route()
        self.assertEqual((route.there_before, route.there_where), ("", "error.id"))
        # without an ID of the system there is nothing to find
        self.draft.write({"id_policy": "odoo", "refusal_where": False})
        self.assertFalse(self.draft._route().can_look)

    def test_versions(self):
        self.draft.version_where = "headers.ETag"
        self.assertRegex(self.shown(self.draft), "goes back in no request")
        self.draft.version_header = "If-Match"
        self.assertFalse(self.shown(self.draft))
        header = {"backend_id": self.draft.backend_id.id, "name": "X-Tenant"}
        self.env["sync.header"].create({**header, "value": "acme"})
        self.draft.backend_id.write(
            {"auth": "header", "auth_header": "X-Api-Key", "key_header": "X-Request-Id"}
        )
        for name in (
            *("Host", "If Match", "Content-Length", "x:y"),
            *("Authorization", "cookie", "X-HTTP-Method-Override", "Accept"),
            *("x-tenant", "X-API-Key", "X-Request-ID"),
        ):
            self.draft.version_header = name
            self.assertRegex(self.shown(self.draft), "is no header that can send")
        self.draft.version_header = False
        body = '{"Id": "{id}", "SyncToken": "{version}", "...": "{record}"}'
        self.add_requests(self.draft, ("update", "POST customer", body))
        self.assertRegex(self.shown(self.draft), "add a request of the kind Read")
        self.draft.request_ids = commands(("read", "GET customer/{id}", ""))
        self.before_commit()
        self.assertFalse(self.shown(self.draft))
        self.assertEqual(self.draft._route().version, "headers.ETag")

    def test_what_is_typed_wrong(self):
        for message, line, body in (
            ("Create: .*begins with its method", "GET contacts", ""),
            ("Create: .*is not known yet", "POST contacts/{id}", ""),
            ("Create: .*below the URL", "POST https://evil.example/x", ""),
            ("Create: .*//, nor", "POST ../x", ""),
            ("Create: .*not JSON", "POST contacts", "{record}"),
            ("Create: .*Braces", "POST contacts/{i d}", ""),
        ):
            self.assertRefused(message, ("create", line, body))

    def test_one_of_each_kind(self):
        self.add_requests(self.draft, ALL[0])
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(Exception) as caught,
            self.env.cr.savepoint(),
        ):
            self.add_requests(self.draft, ALL[0])
        self.assertIn("sync_request_kind_uniq", str(caught.exception))

    def test_bodies_of_another_format(self):
        self.add_requests(self.draft, ("create", "POST a", '["{record}"]'))
        with self.assertRaisesRegex(ValidationError, "Create: .*form"):
            with self.env.cr.savepoint():
                self.backend.body_format = "form"
        self.backend.invalidate_recordset()
        self.assertEqual(self.backend.body_format, "json")

    def test_fields_that_nothing_fills(self):
        request = ("create", "POST c?mail={email}&x={address.city}", "")
        self.add_requests(self.draft, request)
        self.assertRegex(
            self.shown(self.draft), "Create: {address.city} is in no field"
        )
        self.assertNotIn("{email}", self.shown(self.draft))
        self.assertRefused("{address.city} is in no field", request, stream=self.live)
        self.add(self.draft, field_path="city", target="address.city")
        self.assertFalse(self.shown(self.draft))
        # nor is one taken away that a request needs
        self.draft.state = "live"
        line = self.draft.mapping_ids.filtered(lambda each: each.target == "email")
        with self.assertRaisesRegex(ValidationError, "{email} is in no field"):
            with self.env.cr.savepoint():
                line.target = "mail"
                self.before_commit()

    def test_kinds_that_are_missing(self):
        self.draft.endpoint = False
        self.assertIn("needs an endpoint", self.shown(self.draft))
        for policy, deletion, requests, missing in (
            ("destination", "delete", ALL[:1], {"Update", "Remove"}),
            ("destination", "ignore", ALL[:1], {"Update"}),
            ("destination", "mark", ALL[:2], {"Remove"}),
            ("destination", "delete", ALL, set()),
            ("odoo", "ignore", ALL[1:2], set()),
            ("odoo", "ignore", ALL[:1], {"Update"}),
            ("none", "ignore", ALL[:1], set()),
        ):
            with self.subTest(policy=policy, deletion=deletion):
                self.draft.request_ids.unlink()
                self.draft.write({"id_policy": policy, "delete_policy": deletion})
                self.add_requests(self.draft, *requests)
                told = self.shown(self.draft)
                found = {
                    kind
                    for kind in ("Create", "Update", "Remove")
                    if f"needs a request of the kind {kind}" in told
                }
                self.assertEqual(found, missing)
        self.draft.write({"id_policy": "destination", "delete_policy": "delete"})
        self.draft.request_ids.unlink()
        self.draft.endpoint = "contacts"
        self.add_requests(self.draft, ALL[2])
        self.assertFalse(self.shown(self.draft), "the endpoint takes the others")

    def test_live_one_keeps_what_it_needs(self):
        self.add_requests(self.live, *ALL)
        self.live.endpoint = False
        with self.assertRaisesRegex(ValidationError, "kind Update"):
            with self.env.cr.savepoint():
                self.live.request_ids[1].unlink()
                self.before_commit()
        with self.assertRaisesRegex(ValidationError, "kind Remove"):
            with self.env.cr.savepoint():
                self.live.request_ids = [
                    fields.Command.unlink(self.live.request_ids[2].id)
                ]

    def test_deletions_without_an_id(self):
        with self.assertRaisesRegex(ValidationError, "Remove that names {key}"):
            with self.env.cr.savepoint():
                self.draft.write({"id_policy": "none", "delete_policy": "delete"})
        self.draft.write(
            {
                "id_policy": "none",
                "delete_policy": "delete",
                "request_ids": commands(*HOOK),
            }
        )
        self.assertFalse(self.shown(self.draft))
        self.draft.request_ids[1].write({"line": "DELETE hook/{id}", "body": False})
        self.assertIn("{id} is not known", self.shown(self.draft))
        self.draft.request_ids[1].line = "DELETE hook/{key}"
        self.assertFalse(self.shown(self.draft))
        with self.assertRaisesRegex(ValidationError, "Remove that names {key}"):
            with self.env.cr.savepoint():
                self.draft.request_ids = [
                    fields.Command.unlink(self.draft.request_ids[1].id)
                ]

    def test_form_shows_them_when_asked(self):
        form = Form(self.draft)
        self.assertFalse(form.own_requests)
        form.own_requests = True
        with form.request_ids.new() as line:
            line.kind, line.line = "remove", "DELETE contacts/{id}?force=true"
        form.refused_when = "fault"
        form.save()
        self.assertEqual(self.draft.request_ids.line, "DELETE contacts/{id}?force=true")
        self.assertTrue(self.draft.own_requests)
        form = Form(self.draft)
        self.assertTrue(form.own_requests)
        form.own_requests = False
        form.save()
        self.assertFalse(self.draft.request_ids or self.draft.refused_when)
        self.assertFalse(self.draft.own_requests)

    def test_a_copy_has_them(self):
        self.add_requests(self.draft, *ALL)
        copy = self.draft.copy()
        self.assertEqual(copy._route().requests, self.draft._route().requests)

    def test_migration_of_readings(self):
        body = {
            "headers": {"x": 1, "Set-Cookie": 2},
            "data[0]": {"id": 3},
            "a b": {"c-d": 4},
            "@x": 5,
            "@": 6,
            'q"': {"\u00e9": 7},
            "id": 8,
        }
        as_before = runpy.run_path(str(MIGRATION))["as_before"]
        for path, value in (
            ("headers.x", 1),
            ("headers.Set-Cookie", 2),
            ("data[0].id", 3),
            ("a b.c-d", 4),
            ("@x", 5),
            ("@", 6),
            ('q".\u00e9', 7),
            ("id", 8),
            ("a..b", None),
        ):
            with self.subTest(path):
                reading = Reading.parse(as_before(path))
                found = reading.of(body, {"x": "header", "Set-Cookie": "s"})
                self.assertEqual(found.value, value)
        self.assertEqual(as_before("data.contact.id"), "data.contact.id")
        self.draft.external_id_key = "id"
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_stream SET external_id_key = 'headers.x' WHERE id = %s",
            (self.draft.id,),
        )
        runpy.run_path(str(MIGRATION))["migrate"](self.env.cr, "19.0.6.0.0")
        self.draft.invalidate_recordset()
        self.assertEqual(self.draft.external_id_key, "@.headers.x")


@tagged("post_install", "-at_install")
class TestRequestRights(RightsCase):
    def test_each_role(self):
        """By the calls of a client, of one of its company and of another one."""
        may = {"manager": {"read"}, "system": {"create", "read", "write", "unlink"}}
        for role, user in self.users.items():
            for stream, allowed in (
                (self.stream, may.get(role, set())),
                (self.other_stream, set()),
            ):
                for operation in ("create", "read", "write", "unlink"):
                    with self.subTest(role, operation=operation), self.undone():
                        args = self.arguments(stream, operation)
                        done = self.may(user, "sync.request", operation, *args)
                        self.assertEqual(done, operation in allowed)

    def arguments(self, stream, operation):
        """Return what an operation on a request of a synchronization is called with."""
        values = {"kind": "read", "line": "GET contacts/{id}", "stream_id": stream.id}
        if operation == "create":
            return (values,)
        request = self.env["sync.request"].create(values)
        more = {"read": (["line"],), "write": ({"line": "GET c/{id}"},)}
        return (request.ids, *more.get(operation, ()))

    def test_manager_cannot_add_one_through_its_synchronization(self):
        with self.assertRaises(AccessError):
            self.rpc(
                self.users["manager"],
                "sync.stream",
                "write",
                self.stream.ids,
                {"request_ids": [[0, 0, {"kind": "read", "line": "GET c/{id}"}]]},
            )


class RequestDeliveryCase(DeliveryCase):
    def stream_values(self, backend):
        return stream_values(
            backend,
            endpoint=False,
            external_id_key="data.id",
            request_ids=commands(*ALL),
            **self.stream_options,
        )

    def sent(self):
        return [
            (f"{each.method} {each.path}", each.json)
            for each in self.destination.requests
        ]

    def logged(self, partner_id):
        found = self.read(
            "sync.delivery", [("res_id", "=", partner_id)], ["request"], order="id"
        )
        return [each["request"] for each in found]


@tagged("post_install", "-at_install")
class TestRequestDelivery(RequestDeliveryCase):
    def test_create_update_remove(self):
        record = {"name": "Ada", "email": "ada@example.com", "country": None}
        self.destination.answer(200, {"data": {"id": "c 1"}})
        partner_id = self.new_partner(email="ada@example.com")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.binding(partner_id)["external_id"], "c 1")
        self.destination.answer(200, {"data": {"id": "c 1"}})
        self.edit(partner_id, name="Ada L.")
        self.assertEqual(self.run_pending(), ["done"])
        self.destination.answer(200, {"ok": True})
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            self.sent(),
            [
                ("POST /crm/contacts.json", {"data": record}),
                (
                    "PUT /crm/contacts/c%201.json?notify=false",
                    {"data": {**record, "name": "Ada L."}},
                ),
                ("DELETE /crm/contacts/c%201.json?force=true", None),
            ],
        )
        url = f"{self.destination.url}/crm/contacts"
        self.assertEqual(
            self.logged(partner_id),
            [
                f"POST {url}.json",
                f"PUT {url}/c%201.json?notify=false",
                f"DELETE {url}/c%201.json?force=true",
            ],
        )

    def test_other_requests_are_sent_with_the_next_change(self):
        self.destination.answer(200, {"data": {"id": "1"}}, times=3)
        partner_id = self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            stream.request_ids[1].line = "PATCH v2/contacts/{id}"
        self.assertFalse(self.outbox(), "no content has changed")
        self.edit(partner_id, name="Eve")
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(self.sent()[-1][0], "PATCH /v2/contacts/1")

    def test_refusal_is_the_reason(self):
        self.change_stream(refused_when="data.problem")
        self.destination.answer(200, {"data": {"problem": "no such country"}})
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["failed"])
        [error] = self.read("sync.delivery", [("res_id", "=", partner_id)], ["error"])
        self.assertIn("no such country", error["error"])
        self.assertFalse(self.binding(partner_id)["content_hash"])

    def test_wrong_request_holds_the_synchronization(self):
        self.destination.answer(404)
        self.new_partner()
        self.run_pending()
        with self.transaction() as env:
            self.assertTrue(env["sync.stream"].browse(self.stream_id).incident_id)
            stream = env["sync.stream"].browse(self.stream_id)
            stream.request_ids[0].line = "POST right"
        self.destination.answer(200, {"data": {"id": "1"}})
        self.run_pending()
        self.assertEqual(self.sent()[-1][0], "POST /right")
        with self.transaction() as env:
            self.assertFalse(env["sync.stream"].browse(self.stream_id).incident_id)


@tagged("post_install", "-at_install")
class TestWebhookDelivery(RequestDeliveryCase):
    """A record is sent without an id at all, and its end is told too."""

    def stream_values(self, backend):
        values = {
            **super().stream_values(backend),
            "id_policy": "none",
            "request_ids": commands(*HOOK),
        }
        return values

    def test_each_change_is_told(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, name="Eve")
        self.run_pending()
        self.delete(partner_id)
        self.assertEqual(self.run_pending(), ["done"])
        events = [content for _line, content in self.sent()]
        self.assertEqual(
            [(each["event"], each["id"]) for each in events],
            [("upsert", partner_id), ("upsert", partner_id), ("delete", partner_id)],
        )
        self.assertEqual(events[1]["is"]["name"], "Eve")
        self.assertNotIn("is", events[2])
        self.assertFalse(self.outbox())

    def test_archived_record_is_told_and_comes_back(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.edit(partner_id, active=False)
        self.run_pending()
        self.edit(partner_id, active=True)
        self.run_pending()
        events = [content["event"] for _line, content in self.sent()]
        self.assertEqual(events, ["upsert", "delete", "upsert"])

    def test_what_was_never_sent_is_not_removed(self):
        partner_id = self.new_partner()
        self.delete(partner_id)
        self.run_pending()
        self.assertFalse(self.sent())

    def test_removal_that_fails_is_tried_again(self):
        partner_id = self.new_partner()
        self.run_pending()
        self.destination.answer(500)
        self.delete(partner_id)
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.sent()[-1][1]["event"], "delete")


@tagged("post_install", "-at_install")
class TestRequestPreview(PreviewCase):
    def test_request_as_it_is_typed(self):
        self.change_stream(
            request_ids=commands(
                ("create", "POST people?mail={email}", json.dumps(["{record}"])),
                ("update", "PUT people/{id}.json", ""),
            )
        )
        partner_id = self.new_partner(email="ada@example.com")
        found = self.preview(partner_id)
        head, _blank, body = found["request"].partition("\n\n")
        url = self.destination.url
        self.assertEqual(head.splitlines()[0], f"POST {url}/people?mail={{email}}")
        self.assertEqual(json.loads(body)[0]["email"], "ada@example.com")
        self.assertFalse(self.destination.requests)

    def test_what_is_held_is_read_as_typed(self):
        self.change_stream(
            request_ids=commands(
                ("read", "GET people?ref={id}", ""),
            ),
            external_id_key="data[0].id",
        )
        self.destination.answer(201, {"data": [{"id": "5"}]})
        partner_id = self.new_partner()
        self.run_pending()
        self.destination.answer(200, [{"id": "5", "name": "Bob"}])
        found = self.preview(partner_id)
        self.assertIn("Bob", found["comparison"])
        self.assertEqual(self.destination.requests[-1].path, "/people?ref=5")
