# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import UserError

from ..engine.jobs import is_own
from ..engine.retry_pattern import checked_retry_pattern


class QueueJobFunction(models.Model):
    _inherit = "queue.job.function"

    @api.constrains("retry_pattern")
    def _check_retry_pattern(self):
        """Refuse, for jobs of synchronizations, what none of them could be loaded with.

        queue_job accepts what it cannot read again (``{1: 2.5}``) or add to a time.
        """
        for function in self:
            if is_own(function.model_id.model, function.method):
                try:
                    function._require_whole_seconds()
                except (ValueError, OverflowError):
                    raise UserError(
                        function._retry_pattern_format_error_message()
                    ) from None
        return super()._check_retry_pattern()

    def _require_whole_seconds(self):
        """Raise ``ValueError`` unless the pattern says whole seconds, as JSON does."""
        counted = {int(count): wait for count, wait in self.retry_pattern.items()}
        for wait in checked_retry_pattern(counted).values():
            for seconds in wait if isinstance(wait, tuple) else (wait,):
                if not isinstance(seconds, int):
                    raise ValueError(seconds)
