# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests for many records: what the form asks for, and what jobs make of it."""

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from .common import DeliveryCase, stream_values
from .test_stream_ready import ReadyCase
from .test_stream_requests import commands

NEW = ("many_create", "POST contacts/many", '{"list": ["{record}"]}')
CHANGED = (
    "many_update",
    "PUT contacts/many",
    '{"list": [{"id": "{id}", "...": "{record}"}]}',
)
KEYED = '{"list": [{"key": "{idempotency_key}", "...": "{record}"}]}'


@tagged("post_install", "-at_install")
class TestStreamMany(ReadyCase):
    def test_form_shows_it_when_asked(self):
        form = Form(self.draft)
        self.assertFalse(form.sends_many)
        form.own_requests = True
        with form.request_ids.new() as line:
            line.kind, line.line, line.body = NEW
        self.assertTrue(form.sends_many)
        form.many_size = 10
        form.many_items = "data"
        form.many_key = "mail"
        form.many_matches = "{email}"
        form.save()
        self.assertFalse(self.shown(self.draft))
        route = self.draft._route()
        self.assertTrue(route.takes_many)
        self.assertEqual(
            (route.many_size, route.many_items, route.many_key, route.many_matches),
            (10, "data", "mail", "{email}"),
        )
        form = Form(self.draft)
        form.own_requests = False
        form.save()
        self.assertFalse(self.draft.sends_many or self.draft.many_size)
        self.assertFalse(self.draft._route().takes_many)

    def test_what_it_lacks(self):
        self.assertFalse(self.shown(self.draft))
        self.draft.request_ids = commands(NEW)
        self.assertIn("List of Answers", self.shown(self.draft))
        self.draft.many_items = "data"
        self.assertFalse(self.shown(self.draft))
        self.draft.many_key = "mail"
        self.assertIn("what “Key of an Answer” is compared", self.shown(self.draft))
        self.draft.many_matches = "{address.city}"
        self.assertIn(
            "Compared With: {address.city} is in no field", self.shown(self.draft)
        )
        self.draft.many_matches = "{id}"
        self.assertIn("{id} is not known of a new record", self.shown(self.draft))
        self.draft.request_ids.kind = "many_update"
        self.assertFalse(self.shown(self.draft))
        self.draft.many_matches = " {email} "
        self.assertFalse(self.shown(self.draft))

    def test_live_one_keeps_what_it_needs(self):
        self.live.write({"many_items": "@", "request_ids": commands(NEW)})
        for values in ({"many_items": False}, {"many_key": "k"}):
            with self.assertRaisesRegex(ValidationError, "cannot be live"):
                with self.env.cr.savepoint():
                    self.live.write(values)
        self.live.write({"many_key": "k", "many_matches": "{key}"})

    def test_what_is_typed_wrong(self):
        for name, value, sentence in (
            ("many_size", -1, "1,?000 of them at most"),
            ("many_size", 1001, "1,?000 of them at most"),
            ("many_matches", "email", "Compared With: It is one value"),
            ("many_matches", "{record}", "Compared With: It is one value"),
            ("many_matches", "{operation}", "Compared With: It is one value"),
            ("many_matches", "{id:number}", "Compared With: It is one value"),
            ("many_matches", "{email}{key}", "Compared With: It is one value"),
            ("many_matches", "{email:x}", "Compared With: .*after|follows the colon"),
            ("many_items", "data[", "List of Answers: "),
            ("many_refused", "nobody(knows)", "Refusal of One: "),
        ):
            with self.subTest(name, value=value):
                with self.assertRaisesRegex(ValidationError, sentence):
                    with self.env.cr.savepoint():
                        self.draft[name] = value
        for kind, body in (
            ("many_create", '{"record": "{record}"}'),
            ("many_update", '["x"]'),
        ):
            with self.assertRaises(ValidationError):
                with self.env.cr.savepoint():
                    self.draft.request_ids = commands((kind, "POST m", body))

    def test_what_has_worked_has_to_work_anew(self):
        before = self.draft._settings_digest()
        self.draft.write({"many_items": "@", "request_ids": commands(NEW)})
        self.assertNotEqual(self.draft._settings_digest(), before)


@tagged("post_install", "-at_install")
class TestManyDelivery(DeliveryCase):
    """A job for several records sends them in few requests; each counts for itself."""

    stream_options = {"batch_size": 6}

    def stream_values(self, backend):
        return stream_values(
            backend,
            request_ids=commands(NEW, CHANGED),
            many_items="data",
            many_size=3,
            **self.stream_options,
        )

    def setUp(self):
        super().setUp()
        self.change_backend(concurrency=1)

    def new_partners(self, *names):
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in names])
            self.partner_ids += partners.ids
        return partners.ids

    def sent(self):
        return [
            (f"{each.method} {each.path}", each.json and len(each.json["list"]))
            for each in self.destination.requests
        ]

    def answer_many(self, *ids, **options):
        data = [{"id": each} if each else {"error": "no"} for each in ids]
        self.destination.answer(200, {"data": data}, **options)

    def test_create_and_update(self):
        self.answer_many("a", "b", "c")
        self.answer_many("d", None, "f")
        ids = self.new_partners(*"ABCDEF")
        (chunk,) = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "done")
        self.assertEqual(self.sent(), [("POST /contacts/many", 3)] * 2)
        found = [self.binding(each)["external_id"] for each in ids]
        self.assertEqual(found, ["a", "b", "c", "d", False, "f"])
        [failed] = self.read(
            "sync.delivery", [("res_id", "=", ids[4])], ["state", "error", "request"]
        )
        self.assertEqual(failed["state"], "failed")
        self.assertIn("(3 items)", failed["request"])
        self.destination.requests.clear()
        self.answer_many("a", "b", "c")
        with self.transaction() as env:
            env["res.partner"].browse(ids[:3]).write({"email": "x@example.com"})
        self.assertEqual(self.run_pending(), ["done"])
        [request] = self.destination.requests
        self.assertEqual((request.method, request.path), ("PUT", "/contacts/many"))
        self.assertEqual([each["id"] for each in request.json["list"]], ["a", "b", "c"])

    def test_answer_that_is_lost_leaves_so_many_to_a_person(self):
        self.destination.lose_answers()
        ids = self.new_partners(*"ABCDEF")
        (chunk,) = self.job_uuids()
        self.run_job(chunk)
        self.assertEqual(self.sent(), [("POST /contacts/many", 3)])
        doubts = self.doubts(ids)
        self.assertEqual(doubts, ["maybe"] * 3 + [False] * 3)

    def test_one_key_for_all_tells_nothing_of_one_record(self):
        self.change_backend(repeats_are_safe=True)
        self.destination.lose_answers()
        ids = self.new_partners(*"ABC")
        (chunk,) = self.job_uuids()
        self.run_job(chunk)
        self.assertEqual(self.doubts(ids), ["maybe"] * 3)
        self.assertEqual(len(self.sent()), 1)

    def test_record_with_its_own_key_is_asked_for_again(self):
        self.change_backend(repeats_are_safe=True)
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            stream.request_ids[0].body = KEYED
        self.destination.lose_answers()
        ids = self.new_partners(*"ABC")
        (chunk,) = self.job_uuids()
        self.assertEqual(self.run_job(chunk), "pending")
        self.assertEqual(self.doubts(ids), [False] * 3)
        self.answer_many("a", "b", "c")
        self.assertEqual(self.run_job(chunk), "done")
        first, again = self.destination.requests
        self.assertEqual(first.json, again.json)
        self.assertEqual(self.binding(ids[0])["external_id"], "a")

    def doubts(self, ids):
        with self.transaction() as env:
            bindings = env["sync.binding"].search(
                [("stream_id", "=", self.stream_id), ("res_id", "in", ids)]
            )
            found = {each.res_id: each.doubt for each in bindings}
        return [found.get(each, False) for each in ids]
