# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID

from .common import DeliveryCase

MARK = "backfill"
# Runs of all pending jobs after which a test takes a backfill for stuck.
ROUNDS = 50


class BackfillCase(DeliveryCase):
    """Many contacts that nobody has edited, and what goes over them."""

    stream_options = {"domain": f"[('ref', '=', '{MARK}')]", "batch_size": 2}

    def _delete_everything(self):
        with self.transaction() as env:
            steps = [("model_name", "=", "sync.backfill")]
            env["queue.job"].search(steps).unlink()
            env.cr.execute("DELETE FROM res_partner WHERE ref = %s", (MARK,))
        return super()._delete_everything()

    def fill(self, count):
        """Commit contacts with plain SQL, which no synchronization notices.

        :return: their ids, in order
        """
        with self.registry.cursor() as cr:
            cr.execute(
                """
                INSERT INTO res_partner (name, complete_name, ref, active, type)
                SELECT 'P' || n, 'P' || n, %s, true, 'contact'
                  FROM generate_series(1, %s) AS n
                RETURNING id
                """,
                (MARK, count),
            )
            ids = sorted(id_ for (id_,) in cr.fetchall())
            cr.execute(
                "UPDATE res_partner SET commercial_partner_id = id WHERE ref = %s",
                (MARK,),
            )
        return ids

    def start(self, uid=SUPERUSER_ID, **values):
        """Begin to go over the stream, as a user does; remember which it is."""
        with self.transaction(uid) as env:
            stream = env["sync.stream"].browse(self.stream_id)
            wizard = env["sync.backfill.start"].create(
                {"stream_id": stream.id, **values}
            )
            self.backfill_id = wizard.action_start()["res_id"]
        return self.backfill_id

    def press(self, button, uid=SUPERUSER_ID):
        with self.transaction(uid) as env:
            getattr(env["sync.backfill"].browse(self.backfill_id), button)()

    def backfill(self):
        """Return what is committed of the backfill, as a dict."""
        (found,) = self.read("sync.backfill", [("id", "=", self.backfill_id)], [])
        return found

    def step(self):
        """Return the UUID of the only step that is to be done."""
        (uuid,) = self.steps("pending")
        return uuid

    def steps(self, *states):
        domain = [("model_name", "=", "sync.backfill")]
        if states:
            domain.append(("state", "in", states))
        return [each["uuid"] for each in self.read("queue.job", domain, ["uuid"])]

    def in_order(self):
        """Return the pending jobs in the order in which the runner takes them.

        Those that wait for a time come last, as if it had come.
        """
        jobs = self.read(
            "queue.job",
            [("state", "=", "pending"), ("sync_backend_id", "=", self.backend_id)],
            ["uuid", "eta"],
            order="priority, date_created, id",
        )
        return [job["uuid"] for job in sorted(jobs, key=lambda job: bool(job["eta"]))]

    def run_next(self, count=1):
        """Run jobs in the runner's order."""
        for _number in range(count):
            self.run_job(self.in_order()[0])

    def run_all(self):
        """Run everything, in the runner's order, until nothing is left.

        A step that waits for records has to be woken by what becomes of them.
        """
        asleep = [("sync_wait_key", "=like", "backfill:%"), ("state", "=", "pending")]
        for _round in range(ROUNDS):
            asleep_uuids = {
                job["uuid"] for job in self.read("queue.job", asleep, ["uuid"])
            }
            uuids = [uuid for uuid in self.in_order() if uuid not in asleep_uuids]
            if not uuids:
                self.assertFalse(asleep_uuids, "nobody wakes it")
                return
            for uuid in uuids:
                self.run_job(uuid)
        self.fail("the jobs never end")

    def sweep(self):
        """Do what the cron does."""
        with self.transaction() as env:
            env["sync.incident"]._cron_watch()

    def names_sent(self):
        return [each.json["name"] for each in self.destination.requests if each.body]

    def assertOnceEach(self, count):
        """Every contact has been sent, and none twice."""
        names = self.names_sent()
        self.assertEqual(len(names), count)
        self.assertEqual(set(names), {f"P{n}" for n in range(1, count + 1)})
        self.assertFalse(self.outbox())
