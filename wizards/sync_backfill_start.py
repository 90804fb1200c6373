# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class SyncBackfillStart(models.TransientModel):
    """Ask which records of a stream to send in the background."""

    _name = "sync.backfill.start"
    _description = "Synchronize All"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        ondelete="cascade",
        help="The synchronization whose records are sent.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    scope = fields.Selection(
        lambda self: self.env["sync.backfill"]._fields["scope"].selection,
        "Records",
        required=True,
        default="all",
        help="Which records are sent.",
    )
    domain = fields.Char(
        "Filter",
        default="[]",
        help="Records that match it are sent, if the synchronization sends them at"
        " all.",
    )
    resend = fields.Boolean(
        "Also unchanged records",
        help="Records are sent even if the system holds them already as they are.",
    )
    priority = fields.Integer(
        default=10, required=True, help="1 goes first, 10 goes last."
    )

    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )

    def _check_domain(self):
        """Raise unless the filter works, and asks for nothing hidden from the user.

        The steps read without restriction, and how many records match tells something.
        """
        try:
            domain = ast.literal_eval(self.domain or "[]")
            with self.env.cr.savepoint():
                self.env[self.model_name].search(domain, limit=1)
        except AccessError:
            raise
        except Exception as err:
            raise UserError(
                self.env._("The filter cannot be used: %(reason)s", reason=err)
            ) from None

    def action_start(self):
        """Start, and show how far it is.

        :raises UserError: the filter does not work, the stream does not send, or it
            has one already
        """
        self.ensure_one()
        self.check_access("write")
        stream = self.stream_id
        stream.check_access("read")
        if not (stream.active and stream.backend_id.active):
            raise UserError(
                self.env._("%s is archived: unarchive it first.", stream.name)
            )
        if stream.state != "live":
            raise UserError(
                self.env._("%s is a draft: let it go live first.", stream.name)
            )
        if stream._open_backfills():
            raise UserError(
                self.env._(
                    "%s has a backfill already. Resume, finish or cancel that first.",
                    stream.name,
                )
            )
        values = {"scope": self.scope, "priority": self.priority, "resend": self.resend}
        if self.scope == "domain":
            self._check_domain()
            values["domain"] = self.domain
        backfill = self.env["sync.backfill"]._start(stream, **values)
        return backfill.get_formview_action()
