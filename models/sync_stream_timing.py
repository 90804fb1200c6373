# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ..engine import gate
from ..engine.retry_pattern import LONGEST_WAIT, parse_retry_pattern

_logger = logging.getLogger(__name__)


class SyncStream(models.Model):
    """When the jobs of a stream run, and when they run again."""

    _inherit = "sync.stream"

    priority = fields.Integer(
        default=5, required=True, help="1 goes first, 10 goes last."
    )
    delay_policy = fields.Selection(
        [
            ("none", "As soon as possible"),
            ("delay", "After a delay"),
            ("window", "Off-peak only"),
        ],
        "Execute",
        required=True,
        default="none",
        help="When a change is sent: at once, some minutes later so that further "
        "edits go along, or only between certain hours.",
    )
    delay_minutes = fields.Integer(
        "Delay (minutes)", help="Minutes after the edit before it is sent."
    )
    window_start = fields.Float(
        "From", default=22.0, help="Hour at which sending may begin."
    )
    window_end = fields.Float("Until", default=6.0, help="Hour at which it ends.")
    window_tz = fields.Selection(
        _tz_get,
        "Timezone",
        default=lambda self: self.env.user.tz or "UTC",
        help="Whose clock the hours are on.",
    )
    max_retries = fields.Integer(
        default=3,
        required=True,
        help="Tries before the job is failed and the administrators are told. "
        "0 tries for ever.",
    )
    retry_delay = fields.Integer(
        "Retry Every (minutes)",
        default=10,
        required=True,
        help="Minutes between two tries, unless a pattern is given.",
    )
    retry_pattern = fields.Char(
        help="Seconds to wait, from a number of tries on: {1: 10, 5: 60} waits 10 "
        "seconds after the first tries, and 60 from the fifth on. "
        "A pair, as in {1: (10, 20)}, waits a random time between the two. From one "
        "second to a year.",
    )
    channel_id = fields.Many2one(
        "queue.job.channel",
        required=True,
        ondelete="restrict",
        default=lambda self: self.env.ref("queue_job_sync.channel_sync"),
        help="The channel limits how many jobs run at once.",
    )
    batch_size = fields.Integer(
        default=100,
        required=True,
        help="When one operation changes more records than this, they are sent by "
        "jobs of this many each, rather than one by one.",
    )

    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )
    _positive_numbers = models.Constraint(
        "CHECK (max_retries >= 0 AND retry_delay > 0 AND batch_size > 0)",
        "Max retries cannot be negative; retry delay and batch size start at 1.",
    )

    @api.constrains("retry_pattern")
    def _check_retry_pattern(self):
        for stream in self:
            stream._parsed_retry_pattern()

    @api.constrains("delay_policy", "delay_minutes", "window_start", "window_end")
    def _check_delay(self):
        for stream in self:
            if stream.delay_policy == "delay" and stream.delay_minutes < 1:
                raise ValidationError(
                    stream.env._("The delay must be at least one minute.")
                )
            if stream.delay_policy == "window" and not (
                0 <= stream.window_start <= 24
                and 0 <= stream.window_end <= 24
                and stream.window_start % 24 != stream.window_end % 24
            ):
                raise ValidationError(
                    stream.env._(
                        "The off-peak hours must be two different hours of a day."
                    )
                )

    def _parsed_retry_pattern(self):
        """Return ``{count of tries: seconds or (least, most)}``, or ``{}``.

        :raises ValidationError: it is none
        """
        self.ensure_one()
        try:
            return parse_retry_pattern(self.retry_pattern or "{}")
        except ValueError:
            raise ValidationError(
                self.env._(
                    "%(pattern)s is not a retry pattern. It names seconds, from 1 to "
                    "%(most)s (a year), by number of tries, such as %(example)s.",
                    pattern=self.retry_pattern,
                    most=LONGEST_WAIT,
                    example="{1: 10, 5: 60}",
                )
            ) from None

    def _eta(self):
        """Return when a job made now may run: ``None``, or a time (UTC, naive)."""
        self.ensure_one()
        return gate.eta(self)

    def _retry_seconds(self, current_try):
        """Return the seconds to wait after a try that failed.

        :param int current_try: 1 for the first
        :return: seconds, or ``(least, most)`` for queue_job to choose from
        """
        self.ensure_one()
        seconds = self.retry_delay * 60
        try:
            pattern = self._parsed_retry_pattern()
        except ValidationError as err:
            # written past the check: a record that failed is not left without a retry
            _logger.warning("Synchronization %s: %s", self.id, err)
            pattern = {}
        for count, after in sorted(pattern.items()):
            if current_try >= count:
                seconds = after
        return seconds
