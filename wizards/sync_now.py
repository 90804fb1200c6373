# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..actions import closed, success, warning
from ..engine import gate, standing, words

# Records that the web client names, if no parameter says how many: as Odoo has it.
SELECTED_AT_MOST = 20000


class SyncNow(models.TransientModel):
    """Ask to which systems records are sent, when, and how urgently."""

    _name = "sync.now"
    _description = "Synchronize Now"

    res_model = fields.Char(
        required=True, readonly=True, help="What kind of records is sent."
    )
    res_ids = fields.Json(
        "Records", required=True, readonly=True, help="The ids of the records."
    )
    line_ids = fields.One2many(
        "sync.now.line",
        "wizard_id",
        "Systems",
        help="The systems that such records are sent to. Untick those to leave out.",
    )
    selected_count = fields.Integer(
        "Selected", readonly=True, help="How many records were selected."
    )
    hidden_count = fields.Integer(
        "Not Editable",
        readonly=True,
        help="Selected records that you may not edit: they are not sent.",
    )
    send_count = fields.Integer(
        "Will Be Sent",
        compute="_compute_send_count",
        help="Records that will be sent, counted in each system.",
    )
    priority = fields.Integer(
        default=5,
        required=True,
        help="1 goes first, 10 goes last. Several records go in bulk: single edits "
        "overtake them.",
    )
    eta = fields.Datetime(
        "Execute Only After",
        help="Nothing is sent before. Empty: it is sent as soon as a worker is free. A"
        " paused system is waited for all the same.",
    )

    _priority_range = models.Constraint(
        "CHECK (priority BETWEEN 1 AND 10)",
        "The priority goes from 1 (first) to 10 (last).",
    )

    @api.depends("line_ids.selected")
    def _compute_send_count(self):
        for wizard in self:
            wizard.send_count = sum(
                wizard.line_ids.filtered("selected").mapped("record_count")
            )

    @api.model
    def _open_for_selection(self):
        """Return the action that asks about what is selected in a list or form."""
        context = self.env.context
        model_name = context.get("active_model")
        if model_name not in self.env["sync.stream"]._syncable_models():
            raise UserError(self.env._("Select the records to send first."))
        return self._open(self._selected(self.env[model_name]))

    @api.model
    def _selected(self, model):
        """Return the records of a model that are selected in a list or form.

        Whoever selects all that a search finds, more than the page, has the web client
        send the ids of so many as ``web.active_ids_limit`` says; the rest is in the
        domain, which it sends for that (see ``action_menus.js`` of Odoo's web client).
        """
        context = self.env.context
        records = model.browse(context.get("active_ids") or [])
        domain = context.get("active_domain")
        parameters = self.env["ir.config_parameter"].sudo()
        limit = int(parameters.get_param("web.active_ids_limit", SELECTED_AT_MOST))
        if domain is not None and len(records) >= limit:
            found = model.search(domain)
            if found.ids[:limit] == records.ids:
                records = found
        return records

    @api.model
    def _open(self, records):
        """Return the action that asks about records.

        :raises AccessError: the user may edit none of them, or is no internal one
        :raises UserError: no system takes records of their kind
        """
        self.check_access("write")
        editable = self._editable(records)
        streams = standing.streams_of(self.env, records._name)
        if not streams:
            raise UserError(
                self.env._("No synchronization is set up for the selected records.")
            )
        lines = []
        for stream in streams:
            count = len(stream._matching(editable))
            lines.append(
                {
                    "stream_id": stream.id,
                    "record_count": count,
                    "left_out_count": len(editable) - count,
                    "selected": count > 0,
                }
            )
        # nobody makes one by hand: the systems in it are those that may be told of
        wizard = self.sudo().create(
            {
                "res_model": records._name,
                "res_ids": editable.ids,
                "selected_count": len(records),
                "hidden_count": len(records) - len(editable),
                "priority": min(stream._facts().priority for stream in streams),
                "line_ids": [fields.Command.create(line) for line in lines],
            }
        )
        return wizard._get_records_action(
            name=self.env._("Synchronize now"), target="new", context={}
        )

    @api.model
    def _editable(self, records):
        """Return those that the user may edit; raise ``AccessError`` if none."""
        editable = records.exists()._filtered_access("write")
        if not editable:
            records.check_access("write")
            raise AccessError(self.env._("You may edit none of these records."))
        return editable

    @api.model
    def _sent(self, counts):
        """Return the action that tells the user what becomes of what was queued.

        :param dict counts: numbers of records, by synchronization as superuser
        """
        waiting = {}
        for stream, count in counts.items():
            hold = count and gate.obstacle(stream, for_all=True)
            if hold:
                reason = words.said(self.env, hold)
                waiting[reason] = waiting.get(reason, 0) + count
        told = [
            self.env._("1 delivery waits. %(reason)s", reason=reason)
            if count == 1
            else self.env._(
                "%(count)s deliveries wait. %(reason)s", count=count, reason=reason
            )
            for reason, count in waiting.items()
        ]
        going = sum(counts.values()) - sum(waiting.values())
        if going == 1:
            told.insert(0, self.env._("1 delivery is on its way."))
        elif going:
            told.insert(0, self.env._("%s deliveries are on their way.", going))
        tell = warning if waiting else success
        reload = {"type": "ir.actions.client", "tag": "soft_reload"}
        return tell(" ".join(told), next=reload)

    def action_send(self):
        """Queue what was chosen.

        :raises AccessError: the user may edit none of the records
        :raises UserError: nothing is chosen, or no longer sent
        """
        self.ensure_one()
        self.check_access("write")
        if self.res_model not in self.env["sync.stream"]._syncable_models():
            raise UserError(self.env._("Select the records to send first."))
        records = self._editable(self.env[self.res_model].browse(self.res_ids))
        chosen = self.line_ids.filtered("selected").sudo().stream_id
        visible = standing.streams_of(self.env, self.res_model)
        later = self.eta and self.eta > fields.Datetime.now()
        action = records._sync_send(
            chosen & visible, priority=self.priority, eta=self.eta if later else None
        )
        action["params"]["next"] = closed(done=True)
        return action


class SyncNowLine(models.TransientModel):
    """One system that records can be sent to."""

    _name = "sync.now.line"
    _description = "System to Synchronize Now"

    wizard_id = fields.Many2one(
        "sync.now",
        required=True,
        ondelete="cascade",
        help="The request that this system is a part of.",
    )
    stream_id = fields.Many2one(
        "sync.stream",
        "Synchronization",
        required=True,
        ondelete="cascade",
        help="What says which fields are sent.",
    )
    # users who cannot read systems are told their names
    name = fields.Char(
        "System",
        compute="_compute_name",
        compute_sudo=True,
        help="Where the records are sent to.",
    )
    selected = fields.Boolean(
        "Send", default=True, help="Send the records to this system."
    )
    record_count = fields.Integer(
        "Records", readonly=True, help="How many of the records go to this system."
    )
    left_out_count = fields.Integer(
        readonly=True, help="How many of the records do not go to this system."
    )
    remark = fields.Char(
        compute="_compute_remark",
        compute_sudo=True,
        help="What keeps them from being sent now, and why some are left out.",
    )

    @api.depends("stream_id", "left_out_count")
    @api.depends_context("lang", "tz")
    def _compute_remark(self):
        for line in self:
            told = []
            hold = gate.obstacle(line.stream_id, for_all=True)
            if hold:
                told.append(words.said(self.env, hold))
            if line.left_out_count:
                told.append(
                    self.env._(
                        "%s left out: not among the records that it is for.",
                        line.left_out_count,
                    )
                )
            line.remark = " ".join(told)

    @api.depends("stream_id")
    def _compute_name(self):
        for line in self:
            streams = line.wizard_id.line_ids.stream_id
            system = line.stream_id.backend_id
            alone = len(streams.filtered(lambda s, b=system: s.backend_id == b)) < 2
            name = system.display_name
            line.name = name if alone else f"{name}: {line.stream_id.display_name}"
