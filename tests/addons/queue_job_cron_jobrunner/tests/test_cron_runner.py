# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job_sync.engine import health
from odoo.addons.queue_job_sync.tests.common import DeliveryCase
from odoo.addons.queue_job_sync.tests.health_case import be_server


@tagged("post_install", "-at_install")
class TestCronRunner(DeliveryCase):
    """Contacts go by a scheduled action where queue_job's runner does not last."""

    def setUp(self):
        super().setUp()
        be_server(self, loaded=False)

    def run_cron(self):
        with self.transaction() as env, mute_logger(*self.quiet_loggers):
            env["queue.job"]._job_runner()

    def test_contacts_are_delivered(self):
        for name in ("Ada", "Grace"):
            self.new_partner(name=name)
        self.run_cron()
        self.assertEqual(
            sorted(each["name"] for each in self.destination.records.values()),
            ["Ada", "Grace"],
        )
        self.assertFalse(self.outbox())
        self.edit(self.partner_ids[0], name="Ada L.")
        self.run_cron()
        self.assertFalse(self.outbox())
        self.assertEqual(self.destination.requests[-1].json["name"], "Ada L.")

    def test_what_is_refused_fails_and_the_next_one_goes(self):
        self.destination.answer(422, {"message": "email is taken"})
        for name in ("Ada", "Grace"):
            self.new_partner(name=name)
        self.run_cron()
        states = [self.job(uuid, "state")["state"] for uuid in self.job_uuids()]
        self.assertEqual(states, ["failed", "done"])

    def test_a_new_job_calls_the_cron(self):
        with self.transaction() as env:
            cron = env.ref("queue_job_cron_jobrunner.ir_cron_run_jobs")
            before = env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        self.new_partner()
        with self.transaction() as env:
            after = env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        self.assertGreater(after, before)

    def test_nobody_misses_a_runner(self):
        with self.transaction() as env:
            # before the first job as well
            env["queue.job"].search([]).unlink()
            self.assertFalse(health.problems(env))
            job = env["queue.job"].with_delay()._test_job().db_record()
            env.cr.execute(
                "UPDATE queue_job SET date_created = now() AT TIME ZONE 'utc'"
                " - interval '6 minutes' WHERE id = %s",
                (job.id,),
            )
            now = env.cr.now()
            other = {"name": "other:8069", "workers": 4, "capacity": 0, "noted": now}
            env["sync.node"].create({**other, "since": now - timedelta(hours=1)})
            env.flush_all()
            # it runs none, though
            self.assertEqual([each.kind for each in health.problems(env)], ["stuck"])
            env.cr.rollback()
