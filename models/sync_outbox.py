# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..engine import capture, delivery, jobs
from .loose_link import LooseMany2one, groups_there, record_link, stream_link


class SyncOutbox(models.Model):
    """A change that the destination has not confirmed yet.

    Rows are inserted in the transaction of the edit (the transactional outbox
    pattern), so that they exist exactly if the edit does. They are never updated or
    locked by an editor; only workers delete them, by id.

    Which edits make rows is in ``engine/capture.py``, and which job delivers them in
    ``engine/jobs.py``.
    """

    _name = "sync.outbox"
    _description = "Undelivered Change"
    _order = "id"
    _rec_name = "record_name"

    create_uid = LooseMany2one(
        "res.users", "Created by", readonly=True, help="Whose edit it was."
    )
    write_uid = LooseMany2one(
        "res.users",
        "Last Updated by",
        readonly=True,
        help="Who last gave it another job.",
    )
    stream_id = stream_link(help="What has to send the change.")
    backend_id = fields.Many2one(
        related="stream_id.backend_id",
        string="System",
        help="The system that does not know of it yet.",
    )
    model_name = fields.Char(related="stream_id.model_name")
    res_id = record_link(help="The record that was changed.")
    record_name = fields.Char(
        "Name", readonly=True, help="What people called the record when it was changed."
    )
    operation = fields.Selection(
        [("upsert", "Created or Edited"), ("delete", "Deleted")],
        required=True,
        readonly=True,
        help="Whether the record was written or deleted.",
    )
    force = fields.Boolean(
        readonly=True,
        help="Asked for by a person: sent at once and even if nothing has changed.",
    )
    job_uuid = fields.Char(
        "Job UUID", index=True, readonly=True, help="Of the job that is to deliver it."
    )
    backfill_id = LooseMany2one(
        "sync.backfill",
        readonly=True,
        index="btree_not_null",
        help="The backfill that asked for it; empty for an edit.",
    )
    problem = fields.Char(
        readonly=True,
        help="What went wrong when the change was recorded. It is sent all the same, "
        "as soon as that works.",
    )

    _record_index = models.Index("(stream_id, res_id)")
    _problem_index = models.Index("(stream_id, id) WHERE problem IS NOT NULL")

    @api.model
    def _cron_queue_orphans(self):
        """Look after changes without a job, jobs without a change, forgotten notes."""
        jobs.settle_covered(self.env)
        delivery.send_over_forgotten(self.env)
        capture.queue_orphans(self.env)

    @api.model
    def _problems(self, streams):
        """Return what last went wrong when changes were recorded, by id of a stream."""
        domain = [("stream_id", "in", streams._origin.ids), ("problem", "!=", False)]
        found = self._read_group(domain, ["stream_id"], ["id:max"])
        last = self.browse(id_ for _stream, id_ in found)
        return {change.stream_id.id: change.problem for change in last}

    def _read_group_postprocess_groupby(self, groupby_spec, raw_values):
        values = super()._read_group_postprocess_groupby(groupby_spec, raw_values)
        return groups_there(self, groupby_spec, values)

    def action_open_record(self):
        """Open the record that waits."""
        self.ensure_one()
        return self.stream_id._action_open_record(self.res_id)
