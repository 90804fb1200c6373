# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..actions import window
from ..engine import words
from ..engine.task import Held, Owed, TaskBuilder
from ..exceptions import SyncError
from ..mapping.comparison import Line, compare
from ..text import storable_within
from ..transports.redact import shorten

# Characters of a request that are shown.
MAX_REQUEST = 20_000
# Of a record that nobody has changed: sent nevertheless.
FORCED = Owed([], force=True)
# What a look finds.
FOUND = ("request", "request_problem", "held_problem", "comparison_lines")
# In place of the key, which is made when a request is sent.
ANY_KEY = "(a random one)"


class SyncPreview(models.TransientModel):
    """Show what would be sent of a record, and what the system holds of it now.

    The system is only asked: nothing is sent, and nothing is recorded.
    """

    _name = "sync.preview"
    _description = "Preview"

    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        ondelete="cascade",
        help="What would send the record.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = fields.Many2oneReference(
        "Record",
        model_field="model_name",
        help="The record of which it is shown what would be sent.",
    )
    request = fields.Text(
        "What would be sent",
        readonly=True,
        help="The request or the SQL statement, without secrets; it is not sent.",
    )
    request_problem = fields.Text(
        readonly=True, help="Why there is nothing to show, or why it could not be sent."
    )
    held_problem = fields.Text(
        readonly=True, help="Why it is not known what the system holds."
    )
    comparison_lines = fields.Json(
        readonly=True,
        help="The fields, each with what would be sent and what is held, as text.",
    )
    comparison = fields.Html(
        "Field by field",
        compute="_compute_comparison",
        help="What would be sent, beside what the system holds now.",
    )

    # Kept as text, and made HTML for whoever looks: HTML that is kept could be written.
    @api.depends("comparison_lines")
    def _compute_comparison(self):
        for wizard in self:
            lines = [Line(*line) for line in wizard.comparison_lines or ()]
            wizard.comparison = lines and self.env["ir.qweb"]._render(
                "queue_job_sync.content_comparison", {"lines": lines}
            )

    @api.model
    def default_get(self, fields):
        self.check_access("create")
        values = super().default_get(fields)
        stream = self.env["sync.stream"].browse(values.get("stream_id")).exists()
        if stream and not values.get("res_id"):
            model = self.env[stream.model_name]
            if model.has_access("read"):
                values["res_id"] = model.search([], limit=1).id
        return values

    def action_preview(self):
        """Show what would be sent of the chosen record, in the same dialog.

        :raises UserError: there is no such record
        :raises AccessError: the user may not read it
        """
        self.ensure_one()
        self.check_access("write")
        self.stream_id.check_access("read")
        self._look(self.env[self.model_name].browse(self.res_id))
        return window(
            self, "queue_job_sync.action_sync_preview", res_id=self.id, context={}
        )

    def _look(self, record):
        """Keep for the screen what there is to see of a record, if its user may."""
        if not record.exists():
            raise UserError(record.env._("Choose a record first."))
        record.check_access("read")
        kept_back = next(self.stream_id.sudo().mapping_ids._kept_back(), None)
        if kept_back:
            # it is for nobody's eyes: neither the system's, nor this user's
            found = {**dict.fromkeys(FOUND, False), "request_problem": kept_back}
        else:
            found = self._found(self._message(record))
        self.write(storable_within(found))

    def _message(self, record):
        """Return the message that a job would send of a record, ``None`` if none.

        What is sent does not depend on who looks: it is read as a job reads it.
        """
        stream = self.stream_id.sudo()
        present = stream._matching(record)
        binding = stream.env["sync.binding"].search(
            [("stream_id", "=", stream.id), ("res_id", "=", record.id)]
        )
        task = TaskBuilder(stream).build(
            Held(
                binding.id,
                record.id,
                binding.external_id,
                binding.content_hash,
                binding.version,
                version_token=binding.version_token or None,
                looked=binding.looked,
            ),
            FORCED,
            present._sync_payload(stream) if present else None,
        )
        return task.message and replace(task.message, idempotency_key=ANY_KEY)

    def _found(self, message):
        """Return what there is to see of a message, as values of this wizard."""
        found = dict.fromkeys(FOUND, False)
        if message is None:
            found["request_problem"] = self.env._(
                "The synchronization does not send this record, and the system does "
                "not hold it: nothing would be sent."
            )
            return found
        found["comparison_lines"] = compare(message.payload, None, False)
        try:
            transport = self.stream_id.backend_id._open_transport()
        except SyncError as err:
            found["request_problem"] = found["held_problem"] = words.said(self.env, err)
            return found
        with transport:
            try:
                text = transport.preview(message)
                if isinstance(text, words.Sentence):
                    text = words.said(self.env, text)
                found["request"] = shorten(text, MAX_REQUEST)
            except NotImplementedError:
                found["request_problem"] = self.env._(
                    "This kind of system cannot show its requests."
                )
            except SyncError as err:
                found["request_problem"] = words.said(self.env, err)
            try:
                held = transport.held(message)
                found["comparison_lines"] = compare(message.payload, held, True)
                not_yet = self.env._("The system does not hold it yet.")
                found["held_problem"] = held is None and not_yet
            except NotImplementedError:
                found["held_problem"] = self.env._(
                    "This kind of system cannot be asked what it holds."
                )
            except SyncError as err:
                found["held_problem"] = words.said(self.env, err)
        return found
