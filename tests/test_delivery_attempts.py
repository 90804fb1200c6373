# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from functools import partial
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.queue_job_sync.transports.rest import RestTransport

from ..engine import waiting
from .common import DeliveryCase
from .servers import HttpDestination


class WorkerDied(BaseException):
    """What a killed worker looks like from inside: nothing after it runs."""


@tagged("post_install", "-at_install")
class TestDeliveryAttempts(DeliveryCase):
    """The destination gives the ids, and its first answer never arrives."""

    def lose_first_answer(self, **values):
        # a fresh connection that breaks is not retried by the transport
        self.destination.lose_answers()
        partner_id = self.new_partner(**values)
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(len(self.destination.records), 1)
        return partner_id

    def lose_update(self, partner_id, **values):
        self.edit(partner_id, **values)
        # a kept connection that breaks is tried once more
        self.destination.lose_answers(2)
        self.assertEqual(self.run_pending(), ["pending"])

    def attempts(self):
        return self.read("sync.attempt", [("stream_id", "=", self.stream_id)], [])

    def names_there(self):
        return [record["name"] for record in self.destination.records.values()]

    def test_edit_before_the_retry_makes_no_second_record(self):
        partner_id = self.lose_first_answer(name="Ada")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertEqual(
            [request.method for request in self.destination.requests],
            ["POST", "POST", "PUT"],
        )
        first, again, _update = self.destination.requests
        self.assertEqual(first.json, again.json)
        self.assertEqual(
            first.headers["Idempotency-Key"], again.headers["Idempotency-Key"]
        )
        self.assertEqual(self.binding(partner_id)["external_id"], "1")
        self.assertFalse(self.attempts())
        self.assertFalse(self.outbox())

    def test_delete_before_the_retry_leaves_nothing_there(self):
        partner_id = self.lose_first_answer(name="Ada")
        self.delete(partner_id)
        self.run_pending()
        self.assertFalse(self.destination.records)
        self.assertFalse(self.outbox())

    def test_addon_that_extends_how_long_requests_take(self):
        """As it could before one was followed by others."""
        asked = []

        def extended(backend, count):
            asked.append(count)
            return 60

        backends = self.registry["sync.backend"]
        with patch.object(backends, "_seconds_in_flight", extended):
            self.new_partner()
            self.assertEqual(self.run_pending(), ["done"])
        self.assertIn(1, asked)

    def test_answer_lost_again_is_asked_for_again(self):
        partner_id = self.lose_first_answer(name="Ada")
        self.edit(partner_id, name="Grace")
        self.destination.lose_answers()
        uuid = self.job_uuids("pending")[-1]
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.names_there(), ["Grace"])

    def test_refusal_of_the_retry_does_not_tell_that_it_is_not_there(self):
        partner_id = self.lose_first_answer(name="Ada")
        self.edit(partner_id, name="Grace")
        self.destination.answer(422, {"message": "no such name"})
        uuid = self.job_uuids("pending")[-1]
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "sync_wait_key", "state_reason", "retry")
        key = waiting.for_doubt(self.stream_id, partner_id)
        self.assertEqual((job["sync_wait_key"], job["retry"]), (key, 0))
        self.assertIn("may have it already", job["state_reason"])
        self.assertIn("no such name", job["state_reason"])
        self.assertEqual(len(self.outbox(partner_id)), 2)
        self.assertEqual(self.binding(partner_id)["doubt"], "maybe")
        # what is asked for again is answered after all
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.binding(partner_id)["doubt"])
        self.assertFalse(self.attempts())

    def test_who_insists_does_not_get_past_the_doubt(self):
        partner_id = self.lose_first_answer(name="Ada")
        with self.transaction() as env:
            partner = env["res.partner"].browse(partner_id)
            partner.name = "Grace"
            partner.action_sync_now()
        self.destination.answer(422, {"message": "no such name"})
        self.assertEqual(self.run_job(self.job_uuids("pending")[-1]), "pending")
        self.assertEqual(self.names_there(), ["Ada"])
        self.assertEqual(self.binding(partner_id)["doubt"], "maybe")

    def test_server_error_does_not_tell_that_it_is_not_there(self):
        partner_id = self.lose_first_answer(name="Ada")
        self.edit(partner_id, name="Grace")
        self.destination.answer(502)
        uuid = self.job_uuids("pending")[-1]
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.names_there(), ["Grace"])

    def test_content_that_comes_back_is_not_taken_for_unchanged(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.lose_update(partner_id, name="Grace")
        self.assertEqual(self.names_there(), ["Grace"])
        self.edit(partner_id, name="Ada")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])

    def test_content_that_comes_back_unanswered_has_another_key(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        for name in ("Grace", "Blaise", "Grace"):
            self.lose_update(partner_id, name=name)
            # one job at a time: what it sends is the state of now
            for uuid in self.job_uuids("pending"):
                with self.transaction() as env:
                    job = env["queue.job"].search([("uuid", "=", uuid)])
                    job.state = "done"
        keys = {}
        for request in self.destination.requests[1:]:
            keys.setdefault(request.headers["Idempotency-Key"], []).append(
                request.json["name"]
            )
        self.assertEqual(
            [set(names) for names in keys.values()],
            [{"Grace"}, {"Blaise"}, {"Grace"}],
        )

    def test_first_content_is_sent_again_byte_for_byte(self):
        partner_id = self.lose_first_answer(name="Ada", email="ada@example.com")
        self.edit(partner_id, name="Grace")
        self.run_pending()
        first, again, _update = self.destination.requests
        self.assertEqual(first.body, again.body)

    def test_refused_content_hides_no_earlier_unanswered_one(self):
        partner_id = self.new_partner(name="Ada")
        self.run_pending()
        self.lose_update(partner_id, name="Grace")
        self.edit(partner_id, name="x")
        self.destination.answer(422)
        self.assertEqual(self.run_job(self.job_uuids("pending")[-1]), "failed")
        self.edit(partner_id, name="Ada")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Ada"])

    def test_worker_killed_before_the_answer_leaves_a_note(self):
        partner_id = self.new_partner(name="Ada")
        (uuid,) = self.job_uuids()
        real_deliver = RestTransport.deliver

        def deliver_and_die(transport, take):
            list(real_deliver(transport, take))
            raise WorkerDied

        with (
            patch.object(RestTransport, "deliver", deliver_and_die),
            patch.object(waiting, "after_run"),
            self.assertRaises(WorkerDied),
        ):
            self.run_job(uuid)
        self.assertEqual(len(self.destination.records), 1)
        self.assertEqual(len(self.attempts()), 1)
        self.assertFalse(self.binding(partner_id))
        self.edit(partner_id, name="Grace")
        self.run_pending()
        self.assertEqual(self.names_there(), ["Grace"])
        self.assertFalse(self.attempts())

    def test_delivered_record_leaves_no_note(self):
        self.new_partner()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertFalse(self.attempts())

    def test_refused_record_leaves_no_note(self):
        self.destination.answer(422)
        self.new_partner()
        self.assertEqual(self.run_pending(), ["failed"])
        self.assertFalse(self.attempts())


@tagged("post_install", "-at_install")
class TestOdooIdAttempts(DeliveryCase):
    stream_options = {"id_policy": "odoo"}

    destination_class = partial(HttpDestination, upsert=True)

    def test_delete_after_a_lost_answer_leaves_nothing_there(self):
        self.destination.lose_answers()
        partner_id = self.new_partner(name="Ada")
        self.assertEqual(self.run_pending(), ["pending"])
        self.assertEqual(len(self.destination.records), 1)
        self.delete(partner_id)
        self.run_pending()
        self.assertFalse(self.destination.records)
