# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace

from odoo.tests import BaseCase, tagged

from ..exceptions import RateLimited, Rejected, Temporary, Throttled, Unreachable
from ..transports.base import (
    DONE,
    REFUSED,
    UNKNOWN,
    UNSENT,
    Message,
    Pace,
    Receipt,
    Route,
    SequentialTransport,
    not_sent,
)
from ..transports.postgresql import PostgresqlTransport
from .postgresql_case import PASSWORD, PostgresqlCase
from .test_delivery_errors import closed_port
from .transport_case import RestCase, message

NEW = Message("upsert", 7, {"name": "Ada"}, Route("contacts"))


class _Limit(Pace):
    """Lets some requests through, and no more.

    :param turns: how many
    """

    def __init__(self, turns):
        super().__init__(None)
        self.turns = turns

    def expect(self, count):
        """It is the same for any number."""

    def wait(self):
        self.turns -= 1
        if self.turns < 0:
            raise RateLimited("no more", 1)


class _Scripted(SequentialTransport):
    def __init__(self, *errors):
        self.errors = list(errors)

    def _deliver(self, message):
        return Receipt(message, error=self.errors.pop(0))

    def check(self):
        return "fine"


@tagged("-at_install", "post_install")
class TestFateOfReceipts(BaseCase):
    def test_what_a_transport_does_not_say_is_derived_safely(self):
        for error, fate in (
            (None, DONE),
            (Rejected("no"), REFUSED),
            (RateLimited("our own limit"), UNSENT),
            # behind a 503 there may be one who has passed it on
            (Throttled("slowly"), UNKNOWN),
            (Unreachable("no answer"), UNKNOWN),
            (Temporary("broke"), UNKNOWN),
        ):
            with self.subTest(error=error):
                self.assertEqual(Receipt(NEW, error=error).fate, fate)

    def test_what_it_says_counts(self):
        for fate in (REFUSED, UNKNOWN, UNSENT):
            receipt = Receipt(NEW, error=Unreachable("down"), fate=fate)
            self.assertEqual(receipt.fate, fate)
            self.assertEqual(replace(receipt, duration=1.0).fate, fate)

    def test_a_failure_is_never_done(self):
        confirmed = Receipt(NEW)
        failed = replace(confirmed, error=Temporary("no"))
        self.assertEqual(failed.fate, UNKNOWN)
        self.assertEqual(replace(failed, error=None).fate, DONE)

    def test_what_was_held_back_was_not_sent(self):
        for obstacle in (Throttled("slowly"), Unreachable("down")):
            self.assertEqual(not_sent(NEW, obstacle).fate, UNSENT)
            first, second = _Scripted(obstacle).send([NEW, NEW])
            self.assertEqual((first.fate, second.fate), (UNKNOWN, UNSENT))

    def test_what_found_no_turn_was_not_sent(self):
        transport = _Scripted(None)
        transport.pace = _Limit(1)
        receipts = transport.send([NEW, NEW])
        self.assertEqual([each.fate for each in receipts], [DONE, UNSENT])


@tagged("-at_install", "post_install")
class TestFateOfRestRequests(RestCase):
    def assertFate(self, fate, sent=None, pace=None, **options):
        with self.transport(**options) as transport:
            if pace:
                transport.pace = pace
            (receipt,) = transport.send([sent or message()])
        self.assertEqual(receipt.fate, fate, receipt.error)

    def test_statuses(self):
        for status, headers, fate in (
            (201, {}, DONE),
            (400, {}, REFUSED),
            (401, {}, REFUSED),
            (403, {}, REFUSED),
            (404, {}, REFUSED),
            (409, {}, REFUSED),
            # the first of two with one key is still at work
            (409, {"Retry-After": "3"}, UNKNOWN),
            (422, {}, REFUSED),
            (425, {}, REFUSED),
            (429, {}, REFUSED),
            (429, {"Retry-After": "3"}, REFUSED),
            (307, {"Location": "http://elsewhere.example/"}, REFUSED),
            # what follows may be the result of what was done
            (303, {"Location": "/contacts/1"}, UNKNOWN),
            (408, {}, UNKNOWN),
            (500, {}, UNKNOWN),
            # nobody there knows the method
            (501, {}, REFUSED),
            (502, {}, UNKNOWN),
            (503, {}, UNKNOWN),
            (503, {"Retry-After": "3"}, UNKNOWN),
            (504, {}, UNKNOWN),
            (522, {}, UNKNOWN),
            (530, {}, UNKNOWN),
        ):
            with self.subTest(status=status, headers=headers):
                self.server.answer(status, {"id": "1"}, headers=headers)
                self.assertFate(fate)

    def test_created_without_an_id(self):
        self.server.answer(201, {})
        self.assertFate(DONE)

    def test_2xx_that_says_no(self):
        for body, fate in (
            ({"success": False}, REFUSED),
            ({"errors": ["no"]}, REFUSED),
            ({"data": [{"status": "error", "message": "no"}]}, REFUSED),
            # something came with it
            ({"errors": ["no"], "data": {"contact": {"id": 7}}}, UNKNOWN),
            ({"success": False, "id": 7}, UNKNOWN),
        ):
            with self.subTest(body):
                self.server.answer(200, body)
                self.assertFate(fate)
        self.send()
        self.server.answer(drop=True)
        self.server.answer(200, {"success": False})
        # the first of two with one key may have been carried out
        self.assertFate(UNKNOWN, repeats_are_safe=True)

    def test_no_answer(self):
        self.server.answer(drop=True)
        self.assertFate(UNKNOWN)
        self.server.answer(201, {"id": "1"}, delay=1.5)
        self.assertFate(UNKNOWN, read_timeout=1)
        self.server.answer(raw=b"what?\r\n\r\n")
        self.assertFate(UNKNOWN)

    def test_nothing_has_left(self):
        self.assertFate(UNSENT, url=f"http://127.0.0.1:{closed_port()}")
        self.assertFate(UNSENT, url="http://nowhere.invalid/")
        self.assertFate(UNSENT, url=self.server.url.replace("http:", "https:"))
        self.assertFate(UNSENT, url="no address")
        self.assertFate(UNSENT, auth="header", header="X", secret="line\nfeed")
        self.assertFate(UNSENT, message(payload={"name": object()}))
        self.assertFate(UNSENT, pace=_Limit(0))
        self.assertFalse(self.server.requests)

    def test_kept_connection_that_was_lost_may_have_carried_it_out(self):
        for answer, fate in (
            ({"status": 201, "body": {"id": "1"}}, DONE),
            ({"status": 422}, UNKNOWN),
            ({"status": 429}, UNKNOWN),
        ):
            with self.subTest(answer):
                self.send(repeats_are_safe=True)
                self.server.answer(drop=True)
                self.server.answer(**answer)
                self.assertFate(fate, repeats_are_safe=True)
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        self.assertFate(UNKNOWN, pace=_Limit(1), repeats_are_safe=True)

    def test_kept_connection_that_was_lost_where_repeats_are_not_safe(self):
        for options in ({}, {"external_id": "9", "update_method": "patch"}):
            self.send()
            self.server.requests.clear()
            self.server.answer(drop=True)
            self.assertFate(UNKNOWN, message(**options))
            self.assertEqual(len(self.server.requests), 1, "not sent again by itself")

    def test_redirect_that_is_followed(self):
        for answer, fate in (({"status": 422}, REFUSED), ({"drop": True}, UNKNOWN)):
            self.server.answer(307, headers={"Location": "/other"})
            # a kept connection may be tried twice
            self.server.answer(**answer, times=2)
            self.assertFate(fate)
            self.server._script.clear()

    def test_update_of_what_is_lost(self):
        known = message(external_id="9", proven={"update"})
        for answer, fate in (
            ({"status": 201, "body": {"id": "1"}}, DONE),
            ({"status": 422}, REFUSED),
            ({"status": 429}, REFUSED),
            ({"status": 500}, UNKNOWN),
            ({"status": 201, "body": {}}, DONE),
            ({"status": 200, "body": {"ok": False}}, REFUSED),
        ):
            with self.subTest(answer):
                self.server.answer(404)
                self.server.answer(**answer)
                self.assertFate(fate, known)
        self.server.answer(404)
        self.assertFate(REFUSED, known, pace=_Limit(1))

    def test_a_creation_anew_is_told_before_it_leaves(self):
        told = []

        def recreating(sent, key):
            told.append((sent.key, key, len(self.server.requests)))

        with self.transport() as transport:
            transport.recreating = recreating
            sent = message(external_id="9", proven={"update"})
            self.assertTrue(transport.send([sent])[0].ok)
        self.assertEqual(told, [(7, "key-1-recreate", 1)])
        self.assertEqual(self.lines(), ["PUT /contacts/9", "POST /contacts"])

    def test_a_creation_anew_that_may_not_leave(self):
        def recreating(sent, key):
            raise Temporary("not now")

        with self.transport() as transport:
            transport.recreating = recreating
            sent = message(external_id="9", proven={"update"})
            (receipt,) = transport.send([sent])
        self.assertEqual((receipt.fate, receipt.error.message), (REFUSED, "not now"))
        self.assertEqual(self.lines(), ["PUT /contacts/9"])


@tagged("-at_install", "post_install")
class TestFateOfBatches(RestCase):
    def send_batch(self, *keys, pace=None, **options):
        with self.transport(repeats_are_safe=True) as transport:
            if pace:
                transport.pace = pace
            return transport.send(
                [
                    message(
                        key=key,
                        idempotency_key=f"key-{key}",
                        batch_target="batch",
                        **options,
                    )
                    for key in keys
                ]
            )

    def assertFates(self, receipts, *fates):
        self.assertEqual([each.fate for each in receipts], list(fates))

    def answer_items(self, *statuses):
        items = [
            {"key": key, "status": status, "id": f"c-{key}"}
            for key, status in enumerate(statuses, 1)
            if status
        ]
        self.server.answer(207, {"items": items})

    def test_items(self):
        self.answer_items(201, 422, 429, 500, None)
        receipts = self.send_batch(1, 2, 3, 4, 5)
        self.assertFates(receipts, DONE, REFUSED, REFUSED, UNKNOWN, UNKNOWN)

    def test_whole_request(self):
        for answer, fate in (
            ({"status": 429}, REFUSED),
            ({"status": 401}, REFUSED),
            ({"status": 503}, UNKNOWN),
            ({"status": 503, "headers": {"Retry-After": "5"}}, UNKNOWN),
            ({"drop": True, "times": 2}, UNKNOWN),
        ):
            with self.subTest(answer):
                self.server.answer(**answer)
                self.assertFates(self.send_batch(1, 2), fate, fate)
                self.server._script.clear()
        self.assertFates(self.send_batch(1, 2, pace=_Limit(0)), UNSENT, UNSENT)

    def test_2xx_that_says_no(self):
        self.server.answer(200, {"errors": [{"index": 1, "message": "bad"}]})
        self.assertFates(self.send_batch(1, 2), UNKNOWN, UNKNOWN)
        items = [
            {"key": 1, "status": 200, "success": False},
            {"key": 2, "status": 201, "id": "c-2", "errors": ["no"]},
        ]
        self.server.answer(207, {"items": items})
        self.assertFates(self.send_batch(1, 2), REFUSED, UNKNOWN)

    def test_request_that_left_twice(self):
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        self.answer_items(201, 422)
        self.assertFates(self.send_batch(1, 2), DONE, UNKNOWN)
        self.send(repeats_are_safe=True)
        self.server.answer(drop=True)
        self.server.answer(400)
        # not alone: whether the first one was carried out is to be asked with its key
        self.assertFates(self.send_batch(1, 2), UNKNOWN, UNKNOWN)

    def test_each_alone_after_a_refusal(self):
        self.server.answer(404)
        self.server.answer(422)
        first, second = self.send_batch(1, 2)
        self.assertEqual({first.fate, second.fate}, {REFUSED, DONE})

    def test_item_that_cannot_be_written(self):
        receipts = self.send_batch(1, 2, payload={"name": object()})
        self.assertFates(receipts, UNSENT, UNSENT)

    def test_lost_items_are_told(self):
        told = []
        self.answer_items(200, 404)
        with self.transport() as transport:
            transport.recreating = lambda sent, key: told.append((sent.key, key))
            receipts = transport.send(
                [
                    message(
                        key=key,
                        idempotency_key=f"key-{key}",
                        batch_target="batch",
                        external_id=f"c-{key}",
                    )
                    for key in (1, 2)
                ]
            )
        self.assertFates(receipts, DONE, DONE)
        self.assertEqual(told, [(2, "key-2-recreate")])


@tagged("-at_install", "post_install")
class TestFateOfStatements(PostgresqlCase):
    def fate(self, name, target="scripted", pace=None, **options):
        sent = Message("upsert", 7, {"name": name}, Route(target))
        with PostgresqlTransport(self.config(**options)) as transport:
            if pace:
                transport.pace = pace
            (receipt,) = transport.send([sent])
        return receipt.fate

    def test_errors_of_the_server(self):
        # the transaction was rolled back
        for sqlstate in ("23505", "22001", "40001", "40P01", "53100", "55P03"):
            with self.subTest(sqlstate):
                self.assertEqual(self.fate(sqlstate), REFUSED)
        # it may have been committed
        for sqlstate in ("08006", "40003", "57P01", "58030", "XX000"):
            with self.subTest(sqlstate):
                self.assertEqual(self.fate(sqlstate), UNKNOWN)

    def test_done(self):
        self.assertEqual(self.fate("Ada", "contacts"), DONE)

    def test_statement_that_takes_too_long(self):
        # the server itself gave it up
        self.assertEqual(self.fate("Ada", "slow", statement_timeout=0.3), REFUSED)

    def test_nothing_has_left(self):
        self.assertEqual(self.fate("Ada", port=closed_port()), UNSENT)
        self.assertEqual(self.fate("Ada", password=PASSWORD + "?"), UNSENT)
        self.assertEqual(self.fate("Ada", pace=_Limit(0)), UNSENT)
        self.assertEqual(self.fate(object(), "contacts"), UNSENT)

    def test_rows_beside_a_bad_one(self):
        sent = [
            Message("upsert", key, {"name": name}, Route("contacts"))
            for key, name in ((1, "Ada"), (2, None), (3, "Grace"))
        ]
        receipts = self.send(*sent)
        self.assertEqual([each.fate for each in receipts], [DONE, REFUSED, DONE])
