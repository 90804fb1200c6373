# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, models

from odoo.addons.queue_job.exception import RetryableJobError

from ..engine import clock
from ..engine.store import read_committed
from ..exceptions import SyncError

# Seconds between two probes: doubled each time, up to the most.
PROBE_LEAST, PROBE_MOST = 15, 900


class SyncIncident(models.Model):
    """The job that asks a system from time to time whether it is back."""

    _inherit = "sync.incident"

    def _queue_probe(self):
        """Queue the job that asks the system whether it is back."""
        self.ensure_one()
        # not as the user of the job that found the system down: while that one holds
        # its locks, this would wait for whoever is deleting the user
        self.with_user(SUPERUSER_ID).with_delay(
            priority=0,
            max_retries=0,
            eta=clock.after(self.env.cr, self._probe_interval()),
            description=self.env._("%s: does it answer again?", self.backend_id.name),
        )._probe()

    def _probe_interval(self):
        """Return the seconds until the next probe."""
        self.ensure_one()
        return min(PROBE_LEAST * 2 ** min(self.probes, 10), PROBE_MOST)

    def _probe(self):
        """Ask the system whether it answers again, and go on if it does.

        :return: what was found out, in a sentence
        :raises RetryableJobError: it does not; to be asked again later
        """
        self.ensure_one()
        if not self.exists() or self.closed or self.kind != "outage":
            return self.env._("The incident is over.")
        doubt = self._doubt()
        if doubt:
            self._become_copy(doubt)
            return self._copy_text(doubt)
        with clock.keeping_etas(self.env.cr):
            return self._ask()

    def _ask(self):
        try:
            with self.backend_id._open_transport() as transport:
                answer = transport.check()
        except SyncError as err:
            with read_committed(self.env.registry) as cr:
                incident = self.with_env(self.env(cr=cr))
                incident.probes += 1
                incident._prolong()
                interval = incident._probe_interval()
            raise RetryableJobError(
                err.message, seconds=interval, ignore_retry=True
            ) from None
        self._close()
        return answer

    def _job_store_values(self, job):
        return {**super()._job_store_values(job), "sync_res_id": self.id}
