# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What PostgreSQL and UTF-8 cannot hold is cleaned where it comes in."""

from odoo import SUPERUSER_ID
from odoo.tests import BaseCase, tagged

from ..exceptions import Throttled
from ..text import storable, storable_within
from ..transports.base import Receipt
from ..transports.urls import new_id, usable_id
from .common import DeliveryCase
from .servers import PasswordThief
from .transport_case import message

# Beside what is plain: NUL, and either half of a surrogate pair.
UNTIDY = "bad \0 \ud83d \udc00 name"
CLEAN = "bad � � � name"
# As JSON may spell it, and as bytes that are no UTF-8.
AS_JSON = rb"bad \u0000 \ud83d \udc00 name"
HEAD = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"


def answer(status, body, kind=b"application/json", headers=b""):
    """An answer as bytes."""
    return HEAD % (status, kind, len(body), headers) + body


@tagged("-at_install", "post_install")
class TestStorable(BaseCase):
    def test_text(self):
        self.assertEqual(storable(UNTIDY), CLEAN)
        for text in ("", "Ada", "Zoë 😀 \x01 \ufffe"):
            self.assertIs(storable(text), text)

    def test_texts_within(self):
        value = {UNTIDY: [UNTIDY, 1, None, (UNTIDY,)]}
        self.assertEqual(storable_within(value), {CLEAN: [CLEAN, 1, None, (CLEAN,)]})

    def test_errors_and_receipts(self):
        error = Throttled(UNTIDY, 5)
        self.assertEqual((error.message, str(error)), (CLEAN, CLEAN))
        receipt = Receipt(message(), UNTIDY, None, UNTIDY, UNTIDY, UNTIDY)
        told = (receipt.external_id, receipt.request, receipt.status, receipt.response)
        self.assertEqual(told, (CLEAN,) * 4)

    def test_no_id(self):
        for value in ("a\0", "\ud800", "\udfff1"):
            self.assertIsNone(usable_id(value), repr(value))
        self.assertIsNone(new_id("http://h/c/a%00", "http://h/c"))


@tagged("-at_install", "post_install")
class TestUntidyText(DeliveryCase):
    """One answer of a batch must not undo what was delivered with it."""

    stream_options = {"batch_size": 3}

    def setUp(self):
        super().setUp()
        # the answers of a test are meant for one record after the other
        self.change_backend(concurrency=1)

    def new_partners(self):
        with self.transaction() as env:
            partners = env["res.partner"].create([{"name": name} for name in "ABC"])
            self.partner_ids += partners.ids
        return partners.ids

    def deliveries(self, *partner_ids):
        return self.read(
            "sync.delivery",
            [("stream_id", "=", self.stream_id), ("res_id", "in", partner_ids)],
            ["state", "response", "error", "warning", "request_body"],
            order="id",
        )

    def assertOthersDelivered(self, good, bad):
        """The batch is done, only the one that failed has a job of its own."""
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "done")
        for partner_id in good:
            self.assertTrue(self.binding(partner_id)["external_id"])
            self.assertFalse(self.outbox(partner_id))
        logged = self.deliveries(*good)
        self.assertEqual([each["state"] for each in logged], ["success"] * len(good))
        self.assertEqual([row["res_id"] for row in self.outbox()], bad)

    def assertFailedCleaned(self, partner_id, words):
        (delivery,) = self.deliveries(partner_id)
        self.assertEqual(delivery["state"], "failed")
        self.assertIn(words, delivery["error"])

    def test_reason_of_a_refusal(self):
        for kind, body in (
            (b"application/json", b'{"message": "%s"}' % AS_JSON),
            (b"application/json", b'{"errors": {"%s": "%s"}}' % (AS_JSON, AS_JSON)),
            (b"text/plain", "bad \0 � � name".encode()),
        ):
            with self.subTest(body):
                first, bad, last = self.new_partners()
                own = self.job_uuids("pending")
                self.destination.answer(201, {"id": f"a{first}"})
                self.destination.answer(
                    raw=answer(b"422 bad \0 name", body, kind, b"X-Bad: a\0b\r\n")
                )
                self.assertEqual([self.run_job(uuid) for uuid in own], ["done"])
                for partner_id in (first, last):
                    self.assertTrue(self.binding(partner_id)["external_id"])
                    (delivery,) = self.deliveries(partner_id)
                    self.assertEqual(delivery["state"], "success")
                self.assertFailedCleaned(bad, CLEAN)
                # the job of its own that it has got is told
                uuid = self.job_uuids("failed")[-1]
                job = self.job(uuid, "failure_reason", "exc_info")
                self.assertIn(CLEAN, job["failure_reason"])
                self.assertIn(CLEAN, self.binding(bad)["last_error"])

    def test_answer_to_a_success(self):
        ids = self.new_partners()
        body = b'{"id": "7", "name": "a\0b", "x": "%s"}' % AS_JSON
        self.destination.answer(raw=answer(b"201 Yes\0", body))
        self.destination.answer(
            raw=answer(b"201 Yes", b"a\0b", b"text/plain", b"Location: /contacts/8\r\n")
        )
        (uuid,) = self.job_uuids()
        # the first is no JSON, since a NUL would have to be escaped
        self.assertEqual(self.run_job(uuid), "done")
        bad, *good = ids
        self.assertEqual(self.binding(good[0])["external_id"], "8")
        (delivery,) = self.deliveries(good[0])
        self.assertEqual(delivery["response"], "a�b")
        self.assertIn("a�b", self.deliveries(bad)[0]["response"])

    def test_id_is_refused_and_not_cleaned(self):
        for place in (b'{"id": "a\\u0000b"}', b'{"id": "a\\ud800"}', b"{}"):
            with self.subTest(place):
                bad, *good = self.new_partners()
                headers = b"Location: /contacts/a%00b\r\n"
                self.destination.answer(raw=answer(b"201 Yes", place, headers=headers))
                (uuid,) = self.job_uuids("pending")
                self.assertEqual(self.run_job(uuid), "done")
                # the record is there, and nobody knows its id
                (delivery,) = self.deliveries(bad)
                self.assertEqual(delivery["state"], "success")
                self.assertIn("without an id", delivery["warning"])
                self.assertFalse(self.binding(bad)["external_id"])
                for partner_id in good:
                    self.assertTrue(self.binding(partner_id)["external_id"])

    def test_answer_of_a_batch_route(self):
        self.change_stream(batch_endpoint="batch")
        first, bad, last = self.new_partners()
        items = b", ".join(
            b'{"key": %d, "status": %d, "id": "%d", "error": "%s"}'
            % (id_, 422 if id_ == bad else 201, id_, AS_JSON)
            for id_ in (first, bad, last)
        )
        body = b'{"items": [%s]}' % items
        self.destination.answer(raw=answer(b"200 Fine", body))
        self.assertOthersDelivered([first, last], [bad])
        self.assertFailedCleaned(bad, CLEAN)

    def test_reason_of_an_incident(self):
        self.change_backend(outage_threshold=1)
        self.destination.answer(
            raw=answer(b"503 No", b'{"message": "%s"}' % AS_JSON), times=2
        )
        self.new_partners()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        with self.transaction() as env:
            incident = env["sync.backend"].browse(self.backend_id)._open_incident()
            self.assertIn(CLEAN, incident.reason)
            incident._close()

    def test_error_of_a_database(self):
        """A server that does not speak UTF-8 though it is asked to."""
        words = b"kein Zugang f\xfcr Sie \xed\xa0\x80"
        thief = self.enterContext(PasswordThief(refusal=words))
        self.change_stream(table="contacts")
        self.change_backend(
            transport="postgresql",
            db_host="127.0.0.1",
            db_port=thief.port,
            db_name="crm",
            db_user="crm",
            db_sslmode="disable",
        )
        ids = self.new_partners()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertIn("kein Zugang f�r Sie", self.deliveries(*ids)[0]["error"])

    def test_content_that_cannot_be_sent(self):
        first, bad, last = self.new_partners()
        partners = self.registry["res.partner"]
        original = partners._sync_payload

        def payload(record, stream):
            found = original(record, stream)
            return {**found, "name": UNTIDY} if record.id == bad else found

        self.patch(partners, "_sync_payload", payload)
        self.assertOthersDelivered([first, last], [bad])
        self.assertFailedCleaned(bad, "cannot be written as JSON")
        self.assertIn("�", self.deliveries(bad)[0]["request_body"])

    def test_name_of_a_record(self):
        partners = self.registry["res.partner"]
        self.patch(partners, "_rec_name", None)
        self.patch(
            partners,
            "_compute_display_name",
            lambda records: [setattr(each, "display_name", UNTIDY) for each in records],
        )
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        job = self.job(uuid, "name", "sync_record_name")
        self.assertEqual(job["sync_record_name"], CLEAN)
        self.assertIn(CLEAN, job["name"])
        (row,) = self.read(
            "sync.outbox", [("res_id", "=", partner_id)], ["record_name"]
        )
        self.assertEqual(row["record_name"], CLEAN)
        self.assertEqual(self.run_job(uuid), "done")
        self.delete(partner_id)
        (uuid,) = self.job_uuids("pending")
        self.assertEqual(self.job(uuid, "sync_record_name")["sync_record_name"], CLEAN)

    def test_what_is_there_is_shown(self):
        (partner_id, *_others) = self.new_partners()
        self.run_pending()
        path = f"/contacts/{self.binding(partner_id)['external_id']}"
        self.destination.records[path] = {"name": UNTIDY, "email": UNTIDY}
        with self.transaction() as env:
            wizard = env["sync.preview"].create(
                {"stream_id": self.stream_id, "res_id": partner_id}
            )
            wizard.action_preview()
            env.flush_all()
            self.assertIn(CLEAN, wizard.comparison)


@tagged("-at_install", "post_install")
class TestUntidyJob(DeliveryCase):
    """A job of anybody says something that cannot be stored."""

    def run_foreign_job(self, work):
        # queue_job finds it by its name
        work.__name__ = "_test_job"
        self.patch(self.registry["queue.job"], "_test_job", work)
        with self.transaction() as env:
            uuid = env["queue.job"].with_delay(max_retries=1)._test_job().uuid
        self.addCleanup(self._delete_job, uuid)
        return uuid, self.run_job(uuid)

    def _delete_job(self, uuid):
        with self.transaction(SUPERUSER_ID) as env:
            env["queue.job"].search([("uuid", "=", uuid)]).unlink()

    def test_result(self):
        uuid, state = self.run_foreign_job(lambda jobs: UNTIDY)
        self.assertEqual((state, self.job(uuid, "result")["result"]), ("done", CLEAN))

    def test_failure(self):
        def fail(jobs):
            raise ValueError(UNTIDY)

        uuid, state = self.run_foreign_job(fail)
        self.assertEqual(state, "failed")
        self.assertIn(CLEAN, self.job(uuid, "exc_message")["exc_message"])
        self.assertIn(CLEAN, self.job(uuid, "exc_info")["exc_info"])
