# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import psycopg2
import psycopg2.pool

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..controllers import run_job
from ..controllers.run_job import RunJobController
from ..engine import store
from ..engine.delivery import Delivery
from .common import DeliveryCase
from .servers import HttpDestination

QUIET = (
    *DeliveryCase.quiet_loggers,
    run_job.__name__,
    "odoo.addons.queue_job_sync.engine",
    "odoo.sql_db",
)
LOST = (
    "The connection to Odoo's database was lost while the job worked. It is tried"
    " again."
)


class MeddlingDestination(HttpDestination):
    """A destination that has something done before it answers."""

    def __init__(self):
        super().__init__()
        self.meanwhile = lambda: None

    def reply(self, request):
        answer = super().reply(request)
        self.meanwhile()
        return answer


@tagged("post_install", "-at_install")
class TestJobConnection(DeliveryCase):
    """A job outlives its own connection to the database."""

    destination_class = MeddlingDestination

    @contextmanager
    def worker(self, uuid, limit=None):
        """Start a job; yield what runs the rest of it, and its connection's cursor.

        Its connection is closed afterwards as the HTTP layer does.

        :param limit: setting of the server that ends the connection after 0.3 s
        """
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued',"
                " date_enqueued = now() AT TIME ZONE 'utc' WHERE uuid = %s",
                (uuid,),
            )
        cr = self.registry.cursor()
        try:
            if limit:
                cr.execute(SQL("SET %s = '300ms'", SQL.identifier(limit)))
                cr.commit()  # pylint: disable=invalid-commit
            env = api.Environment(cr, SUPERUSER_ID, {})
            job = RunJobController._acquire_job(env, uuid)
            with mute_logger(*QUIET):
                yield lambda: RunJobController._runjob(env, job), cr
            if not cr.closed:
                cr.commit()  # pylint: disable=invalid-commit
        finally:
            cr.close()

    def terminate(self, pid):
        """End a connection of Odoo's to its database, as a restart does."""
        with self.registry.cursor() as cr:
            cr.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    def run_and_lose(self, uuid, also=lambda: None, chunk_too=True):
        """Run a job whose connections are ended while the destination answers.

        :param also: what happens besides, just afterwards
        :param bool chunk_too: not only its own is ended, but also the one that confirms
        """
        with self.worker(uuid) as (go_on, cr):
            own = cr.connection.get_backend_pid()

            def meddle():
                self.destination.meanwhile = lambda: None
                for pid in self.at_work() if chunk_too else [own]:
                    self.terminate(pid)
                also()

            self.destination.meanwhile = meddle
            go_on()

    def at_work(self):
        """Return the numbers of the connections whose transactions are open."""
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
            )
            pids = [pid for (pid,) in cr.fetchall()]
        self.assertEqual(len(pids), 2)
        return pids

    def assertPutBack(self, uuid):
        job = self.job(uuid, "state", "retry", "result", "eta", "worker_pid")
        self.assertEqual((job["state"], job["retry"]), ("pending", 0))
        self.assertEqual(job["result"], LOST)
        self.assertFalse(job["worker_pid"])
        soon = fields.Datetime.now() + timedelta(seconds=run_job.SOON[1] + 1)
        self.assertLessEqual(job["eta"], soon)

    def test_job_that_loses_its_connection_is_put_back_without_a_try(self):
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        for _time in range(4):  # more often than it has tries
            self.run_and_lose(uuid)
            self.assertPutBack(uuid)
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)
        self.assertFalse(self.outbox(partner_id))
        self.assertEqual(len(self.destination.records), 1)

    def test_what_was_answered_is_confirmed_although_the_job_is_put_back(self):
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_and_lose(uuid, chunk_too=False)
        self.assertPutBack(uuid)
        self.assertEqual(self.binding(partner_id)["external_id"], "1")
        self.assertFalse(self.outbox())
        self.assertEqual(self.run_job(uuid), "done")
        self.assertEqual(len(self.destination.requests), 1)

    def test_others_are_confirmed_although_the_job_is_put_back(self):
        self.takes_along = True
        partner_ids = [self.new_partner(), self.new_partner()]
        uuid, other = self.job_uuids()
        self.run_and_lose(uuid, chunk_too=False)
        self.assertPutBack(uuid)
        for partner_id in partner_ids:
            self.assertTrue(self.binding(partner_id)["external_id"])
        # it was not told of it, and finds out by itself
        self.assertEqual(self.run_job(other), "done")
        self.assertIn("already delivered", self.job(other, "result")["result"])
        self.assertEqual(len(self.destination.requests), 2)

    def test_tries_that_were_used_before_are_kept(self):
        self.destination.answer(500)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.assertEqual(self.run_job(uuid), "pending")
        self.run_and_lose(uuid)
        self.assertEqual(self.job(uuid, "retry")["retry"], 1)

    def test_failure_at_the_destination_is_forgotten_with_the_connection(self):
        self.destination.answer(422)
        self.new_partner()
        (uuid,) = self.job_uuids()
        self.run_and_lose(uuid)
        self.assertPutBack(uuid)

    def test_job_that_another_worker_has_taken_up_is_left_to_it(self):
        self.new_partner()
        (uuid,) = self.job_uuids()

        def take_up():
            with self.registry.cursor() as cr:
                cr.execute(
                    "UPDATE queue_job SET state = 'enqueued' WHERE uuid = %s", (uuid,)
                )

        self.run_and_lose(uuid, also=take_up)
        self.assertEqual(self.job(uuid, "state")["state"], "enqueued")

    def test_server_that_restarts_is_waited_for(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        with patch.object(run_job, "PAUSE", 0.01):
            self.run_and_lose(uuid, also=self._be_away_for_two_looks)
        self.assertPutBack(uuid)

    def _be_away_for_two_looks(self):
        """Refuse the next two connections, as a server does that starts."""
        cursor, refused = Registry.cursor, []

        def refuse(registry, *args, **kwargs):
            if len(refused) < 2:
                refused.append(psycopg2.OperationalError("the server is starting up"))
                raise refused[-1]
            return cursor(registry, *args, **kwargs)

        patcher = patch.object(Registry, "cursor", refuse)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_job_of_another_addon_is_treated_as_ever(self):
        with self.transaction() as env:
            uuid = env["queue.job"].with_delay()._test_job().uuid
        self.addCleanup(self._delete_job, uuid)
        with self.worker(uuid) as (go_on, cr):
            cr.execute("SELECT pg_backend_pid()")
            ((pid,),) = cr.fetchall()
            self.terminate(pid)
            with self.assertRaises(psycopg2.Error):
                go_on()
        self.assertEqual(self.job(uuid, "state")["state"], "failed")

    def _delete_job(self, uuid):
        with self.transaction() as env:
            env["queue.job"].search([("uuid", "=", uuid)]).unlink()

    def test_no_connection_for_its_notes_does_not_undo_a_delivery(self):
        """They are dropped after the commit, on a connection of their own."""
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        full = psycopg2.pool.PoolError("The Connection Pool Is Full")
        with (
            patch.object(store, "close_notes", side_effect=full),
            mute_logger("odoo.addons.queue_job_sync.engine.delivery"),
        ):
            self.assertEqual(self.run_job(uuid), "done")
        self.assertFalse(self.outbox(partner_id))
        # and what has stayed is seen to
        self.edit(partner_id, name="Grace")
        self.assertEqual(self.run_pending(), ["done"])
        # once more, for it might have come late
        self.outlast_requests()
        self.assertEqual(self.run_pending(), ["done"])
        self.assertEqual(
            [record["name"] for record in self.destination.records.values()], ["Grace"]
        )
        self.assertFalse(self.read("sync.attempt", [], []))

    def test_error_of_another_database_is_not_taken_for_a_lost_connection(self):
        self.new_partner()
        (uuid,) = self.job_uuids()
        error = psycopg2.OperationalError("server closed the connection unexpectedly")
        with patch.object(Delivery, "run", side_effect=error):
            self.assertEqual(self.run_job(uuid), "failed")
        reason = self.job(uuid, "failure_reason")["failure_reason"]
        self.assertIn("server closed the connection", reason)

    # -- time limits of the server --------------------------------------------

    def assertOutlives(self, setting):
        """Run a job at a destination that is slower than a time limit of the server."""
        with self.registry.cursor() as cr:
            cr.execute("SELECT current_setting(%s, true)", (setting,))
            if cr.fetchone() == (None,):
                self.skipTest(f"this PostgreSQL has no {setting}")
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids()
        self.destination.answer(201, {"id": "1"}, delay=1)
        with self.worker(uuid, limit=setting) as (go_on, _cr):
            go_on()
        self.assertEqual(self.job(uuid, "state")["state"], "done")
        self.assertEqual(self.binding(partner_id)["external_id"], "1")

    def test_destination_slower_than_the_idle_timeout(self):
        self.assertOutlives("idle_in_transaction_session_timeout")

    def test_destination_slower_than_the_transaction_timeout(self):
        self.assertOutlives("transaction_timeout")
