# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import socket
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import DeliveryCase, drop


def closed_port():
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@tagged("post_install", "-at_install")
class TestDeliveryErrors(DeliveryCase):
    """Which error costs a try, and when the next one comes."""

    def assertWaits(self, uuid, seconds, states=("pending",)):
        """The job waits for about so many seconds from now."""
        job = self.job(uuid, "state", "eta")
        self.assertIn(job["state"], states)
        wait = (job["eta"] - fields.Datetime.now()).total_seconds()
        # up to a tenth longer, so that what failed together does not return together
        self.assertGreater(wait, seconds - 5)
        self.assertLess(wait, seconds * 1.1 + 1)

    def sync_state(self, partner_id):
        with self.transaction() as env:
            return env["res.partner"].browse(partner_id).sync_state

    def deliveries(self, partner_id):
        return self.read("sync.delivery", [("res_id", "=", partner_id)], [], order="id")

    def test_three_tries_then_failed(self):
        self.destination.answer(500, {"message": "out of order"}, times=3)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        for retry, state in ((1, "pending"), (2, "pending"), (3, "failed")):
            self.assertEqual(self.run_job(uuid), state)
            job = self.job(uuid, "retry", "max_retries")
            self.assertEqual((job["retry"], job["max_retries"]), (retry, 3))
            if state == "pending":
                self.assertWaits(uuid, 600)
                self.assertEqual(self.sync_state(partner_id), "waiting")
        self.assertEqual(len(self.destination.requests), 3)
        self.assertEqual(self.sync_state(partner_id), "failed")
        binding = self.binding(partner_id)
        self.assertIn("out of order", binding["last_error"])
        self.assertTrue(binding["last_error_date"])
        self.assertFalse(binding["last_success"])
        # nothing is lost: the change is still owed
        self.assertEqual(len(self.outbox(partner_id)), 1)

    def test_a_job_that_fails_for_its_system_has_one_line_in_the_log(self):
        self.quiet_loggers = ()
        self.destination.answer(500, {"message": "out of order"}, times=3)
        self.destination.answer(422, {"message": "no such country"})
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_job(uuid)
        self.run_job(uuid)
        # tried in vain, then refused
        for _times in range(2):
            with self.assertLogs("odoo", "WARNING") as logs:
                self.assertEqual(self.run_job(uuid), "failed")
            (line,) = logs.output
            self.assertIn(f"<Job {uuid}", line)
            self.assertNotIn("Traceback", line)
            job = self.job(uuid, "exc_info", "exc_message")
            self.assertIn("Traceback", job["exc_info"])
            self.assertIn(job["exc_message"], line)
            with self.transaction() as env:
                env["queue.job"].search([("uuid", "=", uuid)]).requeue()
        self.assertIn("no such country", line)

    def test_success_after_a_failure_clears_the_error(self):
        self.change_stream(max_retries=1)
        self.destination.answer(500)
        partner_id = self.new_partner()
        self.assertEqual(self.run_pending(), ["failed"])
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        binding = self.binding(partner_id)
        self.assertFalse(binding["last_error"])
        self.assertFalse(binding["last_error_date"])
        self.assertEqual(self.sync_state(partner_id), "synced")
        self.assertFalse(self.outbox())

    def test_retry_delay_of_the_stream(self):
        self.change_stream(retry_delay=2)
        self.destination.answer(500)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_job(uuid)
        self.assertWaits(uuid, 120)

    def test_retry_pattern_wins_over_the_delay(self):
        self.change_stream(retry_pattern="{1: 10, 3: 60, 4: (100, 102)}", max_retries=9)
        self.destination.answer(500, times=4)
        self.new_partner()
        (uuid,) = self.job_uuids()
        for seconds in (10, 10, 60, 101):
            self.run_job(uuid)
            self.assertWaits(uuid, seconds)

    def test_no_limit_of_tries_never_fails(self):
        self.change_stream(max_retries=0)
        self.destination.answer(500, times=7)
        self.new_partner()
        (uuid,) = self.job_uuids()
        for retry in range(1, 8):
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(self.job(uuid, "retry")["retry"], retry)
        self.assertEqual(self.run_job(uuid), "done")

    def test_refused_record_fails_at_once(self):
        self.destination.answer(422, {"message": "email is taken"})
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "failed")
        job = self.job(uuid, "retry", "exc_name", "failure_reason")
        self.assertEqual(job["retry"], 1)
        self.assertTrue(job["exc_name"].endswith(".Rejected"))
        self.assertIn("email is taken", job["failure_reason"])
        self.assertIn("email is taken", self.binding(partner_id)["last_error"])
        self.assertEqual(self.sync_state(partner_id), "failed")
        self.assertEqual(len(self.outbox(partner_id)), 1)

    def test_request_for_patience_uses_no_try(self):
        self.destination.answer(429, headers={"Retry-After": "120"}, times=4)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        for _each in range(4):
            self.assertEqual(self.run_job(uuid), "pending")
            job = self.job(uuid, "retry", "sync_wait_key")
            # it comes back by itself
            self.assertEqual((job["retry"], job["sync_wait_key"]), (0, False))
            self.assertWaits(uuid, 120)
            self.outlast_patience()
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.sync_state(partner_id), "synced")

    def test_nothing_is_sent_to_a_system_that_has_asked_for_patience(self):
        self.destination.answer(429, headers={"Retry-After": "120"})
        asked_id, other_id = self.new_partner(), self.new_partner()
        asked, other = self.job_uuids()
        self.run_job(asked)
        self.assertEqual(self.run_job(other), "pending")
        job = self.job(other, "retry", "sync_wait_key")
        key = f"system:{self.backend_id}"
        self.assertEqual((job["retry"], job["sync_wait_key"]), (0, key))
        self.assertEqual(len(self.destination.requests), 1)
        self.outlast_patience()
        # who was asked comes back, and has the next one called
        self.assertEqual(self.run_job(asked), "done")
        self.assertEqual(self.awake(), [other])
        self.assertEqual(self.run_job(other), "done")
        for partner_id in (asked_id, other_id):
            self.assertEqual(self.sync_state(partner_id), "synced")

    def test_nobody_there_follows_the_pattern(self):
        self.change_stream(retry_pattern="{1: 30, 2: 90}")
        url = self.destination.url
        self.change_backend(url=f"http://127.0.0.1:{closed_port()}")
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        for retry, seconds in ((1, 30), (2, 90)):
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertEqual(self.job(uuid, "retry")["retry"], retry)
            self.assertWaits(uuid, seconds)
        self.assertFalse(self.destination.requests)
        (first, _second) = self.deliveries(partner_id)
        self.assertIn("refused", first["error"])
        self.assertFalse(first["status"])
        self.change_backend(url=url)
        self.assertEqual(self.run_job(uuid), "done")

    def test_connection_that_is_dropped_counts_as_a_try(self):
        self.destination.answer(drop=True)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)

    def test_refused_credentials_count_as_a_try(self):
        self.destination.answer(401)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertIn("credentials", self.deliveries(partner_id)[0]["error"])

    def test_answer_that_is_no_http_counts_as_a_try(self):
        self.destination.answer(raw=b"no http at all\r\n\r\n")
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertFalse(self.binding(partner_id))

    def test_answers_without_an_id_are_no_reason_to_create_it_again(self):
        for options in (
            {"status": 200, "body": "not json"},
            {"status": 201, "body": {"name": "no id"}},
            {"status": 201, "body": '{"id": "7', "announce": 1000},
        ):
            with self.subTest(options):
                self.destination.answer(**options)
                partner_id = self.new_partner()
                uuid = self.job_uuids()[-1]
                self.assertEqual(self.run_job(uuid), "done")
                self.assertEqual(self.binding(partner_id)["doubt"], "unknown_id")
                (delivery,) = self.deliveries(partner_id)
                self.assertIn("without an id", delivery["warning"])

    def test_failed_attempts_stay_in_the_log(self):
        self.destination.answer(500, {"message": "out of order"}, times=3)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        for count in (1, 2, 3):
            # the transaction of the job itself is rolled back each time
            self.run_job(uuid)
            self.assertEqual(len(self.deliveries(partner_id)), count)
        for delivery in self.deliveries(partner_id):
            self.assertEqual(delivery["state"], "failed")
            self.assertEqual(delivery["job_uuid"], uuid)
            self.assertEqual(
                delivery["request"], f"POST {self.destination.url}/contacts"
            )
            self.assertIn('"name":"Ada"', delivery["request_body"])
            self.assertEqual(delivery["status"], "500")
            self.assertIn("out of order", delivery["response"])
            self.assertIn("out of order", delivery["error"])
            self.assertGreater(delivery["duration"], 0)

    def test_synchronization_that_is_gone_sends_nothing(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        with self.transaction() as env:
            drop(env["sync.stream"].browse(self.stream_id))
        self.addCleanup(self._delete_jobs, uuid)
        self.assertEqual(self.run_job(uuid), "done")
        self.assertFalse(self.destination.requests)

    def _delete_jobs(self, *uuids):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "in", uuids)]).unlink()


@tagged("post_install", "-at_install")
class TestDeliveryGate(DeliveryCase):
    """When a job must wait although it has nothing to complain about."""

    def assertWaitsUntried(self, uuid):
        self.assertEqual(self.run_job(uuid), "pending")
        job = self.job(uuid, "retry", "eta")
        self.assertEqual(job["retry"], 0)
        self.assertFalse(self.destination.requests)
        return job["eta"]

    def close_window(self):
        """Let the stream send only between two and three hours from now."""
        now = fields.Datetime.now()
        opens = (now + timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
        self.change_stream(
            delay_policy="window",
            window_start=opens.hour,
            window_end=(opens.hour + 1) % 24,
            window_tz="UTC",
        )
        return opens

    def test_job_waits_for_the_window(self):
        opens = self.close_window()
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertAlmostEqual(
            self.job(uuid, "eta")["eta"], opens, delta=timedelta(seconds=5)
        )

    def test_job_outside_the_window_waits_without_a_try(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        opens = self.close_window()
        eta = self.assertWaitsUntried(uuid)
        self.assertAlmostEqual(eta, opens, delta=timedelta(seconds=5))
        self.change_stream(delay_policy="none")
        self.assertEqual(self.run_job(uuid), "done")

    def test_what_a_person_asks_for_does_not_wait_for_the_window(self):
        self.close_window()
        partner_id = self.new_partner()
        with self.transaction() as env:
            env["res.partner"].browse(partner_id).action_sync_now()
        _first, asked = self.job_uuids()
        self.assertFalse(self.job(asked, "eta")["eta"])
        self.assertEqual(self.run_job(asked), "done")
        self.assertEqual(len(self.destination.requests), 1)
        self.assertFalse(self.outbox())

    def test_archived_system_waits_without_a_try(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.change_backend(active=False)
        self.assertWaitsUntried(uuid)
        self.assertEqual(len(self.outbox()), 1)
        self.change_backend(active=True)
        self.assertEqual(self.run_job(uuid), "done")

    def test_archived_synchronization_waits_without_a_try(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.change_stream(active=False)
        self.assertWaitsUntried(uuid)
        self.change_stream(active=True)
        self.assertEqual(self.run_job(uuid), "done")
