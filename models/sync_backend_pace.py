# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace
from functools import partial
from math import ceil

from odoo import fields, models
from odoo.tools import config

from ..transports.pace import MAX_DURATION, Pace
from .sync_rate import reserve

# Seconds that a destination may take to begin with a request that has arrived.
GRACE = 5


class SyncBackend(models.Model):
    """How much a system is asked at once, and per second."""

    _inherit = "sync.backend"

    concurrency = fields.Integer(
        "Requests at Once",
        required=True,
        default=8,
        help="How many requests a job for many records sends at the same time, "
        "from 1 to 64. Jobs that run at the same time send as many each.",
    )
    rate_limit = fields.Float(
        "Requests per Second",
        default=0,
        help="The most that all jobs of all servers together send to this system: "
        "requests, or statements of a database. 0: no limit.",
    )

    _concurrency_range = models.Constraint(
        "CHECK (concurrency BETWEEN 1 AND 64)",
        "The number of requests at once is from 1 to 64.",
    )
    _rate_limit_positive = models.Constraint(
        "CHECK (rate_limit >= 0)",
        "The requests per second cannot be fewer than 0.",
    )

    def _rest_config(self):
        return replace(super()._rest_config(), concurrency=self.concurrency)

    def _open_transport(self):
        transport = super()._open_transport()
        if self.rate_limit:
            transport.pace = Pace(partial(reserve, self.env.registry, self.id))
        return transport

    def _seconds_in_flight(self, count):
        """Return after how many seconds requests that begin to leave now are over.

        However slowly each is answered, and whatever became of the worker: Odoo ends
        one that works for longer than its limit.

        :param int count: how many
        """
        self.ensure_one()
        each = self.connect_timeout + self.read_timeout + GRACE
        seconds = each * ceil(count / self.concurrency)
        if self.rate_limit:
            seconds += MAX_DURATION
        limit = config["limit_time_real"]
        return max(each, min(seconds, limit + each)) if limit > 0 else seconds
