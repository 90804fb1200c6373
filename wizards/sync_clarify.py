# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..actions import closed, success


class SyncClarify(models.TransientModel):
    """Ask whether records are in their systems already, and under which IDs."""

    _name = "sync.clarify"
    _description = "Clarify"

    line_ids = fields.One2many(
        "sync.clarify.line",
        "wizard_id",
        "Records",
        help="The records of which it is not known what they are in their systems.",
    )
    maybe_count = fields.Integer(
        "May Be There",
        compute="_compute_counts",
        help="How many of them may be there already, or not.",
    )
    found_count = fields.Integer(
        "Found",
        compute="_compute_counts",
        help="Of how many something was found that may be another record.",
    )
    unknown_count = fields.Integer(
        "Without an ID",
        compute="_compute_counts",
        help="How many of them are there, under an ID that is not known here.",
    )
    decided_count = fields.Integer(
        "Decided", compute="_compute_counts", help="About how many you have decided."
    )

    @api.depends("line_ids.decision", "line_ids.doubt")
    def _compute_counts(self):
        for wizard in self:
            doubts = wizard.line_ids.mapped("doubt")
            wizard.maybe_count = doubts.count("maybe")
            wizard.found_count = doubts.count("found")
            wizard.unknown_count = doubts.count("unknown_id")
            wizard.decided_count = len(
                wizard.line_ids.filtered(lambda line: line.decision != "leave")
            )

    @api.model
    def _open(self, bindings):
        """Return the action that asks about records, those that are in doubt.

        :param bindings: the ``sync.binding`` of each
        :raises AccessError: the user may not say so, or may not see one of them
        :raises UserError: there is no doubt about any
        """
        self.check_access("write")
        bindings.check_access("read")
        bindings = bindings.filtered("doubt")
        if not bindings:
            raise UserError(self.env._("There is nothing to clarify any more."))
        # nobody makes one by hand: the records in it are those that may be seen
        lines = [fields.Command.create({"binding_id": each.id}) for each in bindings]
        wizard = self.sudo().create({"line_ids": lines})
        return wizard._get_records_action(
            name=self.env._("Clarify"), target="new", context={}
        )

    def action_apply(self):
        """Do what has been decided about each record.

        :raises AccessError: the user may not see one of the records
        :raises UserError: nothing is decided, or it cannot be so
        """
        self._check_may_decide()
        lines = self.line_ids.sudo()
        there = lines.filtered(lambda line: line.decision == "there")
        absent = lines.filtered(lambda line: line.decision == "absent")
        if not (there or absent):
            raise UserError(self.env._("Decide about a record first."))
        bindings = self.env["sync.binding"].sudo()
        bindings._is_there({each.binding_id: each.external_id for each in there})
        absent.binding_id._is_not_there()
        return self._done(len(there | absent))

    def action_create_all(self):
        """Have all of the records created, since none of them has been found.

        :raises AccessError: the user may not see one of the records
        :raises UserError: it cannot be so
        """
        self._check_may_decide()
        bindings = self.line_ids.binding_id.sudo()
        bindings._is_not_there()
        return self._done(len(bindings))

    def _check_may_decide(self):
        self.ensure_one()
        self.check_access("write")
        self.line_ids.check_access("write")
        self.line_ids.binding_id.check_access("read")
        if not self.line_ids:
            # of what may no longer be seen, there is no line
            raise UserError(self.env._("There is nothing to clarify any more."))

    def _done(self, count):
        return success(
            self.env._("1 record is clarified.")
            if count == 1
            else self.env._("%s records are clarified.", count),
            next=closed(done=True),
        )


class SyncClarifyLine(models.TransientModel):
    """One record of which a system has to be looked at."""

    _name = "sync.clarify.line"
    _description = "Record to Clarify"

    wizard_id = fields.Many2one(
        "sync.clarify",
        required=True,
        ondelete="cascade",
        help="The dialog that this record is a part of.",
    )
    binding_id = fields.Many2one(
        "sync.binding",
        "Synchronized Record",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
        help="The record in its synchronization.",
    )
    record_name = fields.Char(
        "Record", compute="_compute_record_name", help="What people call the record."
    )
    gone = fields.Boolean(
        "Deleted in Odoo",
        compute="_compute_record_name",
        help="The record was deleted here: if it is there, it is deleted there too.",
    )
    backend_id = fields.Many2one(
        related="binding_id.backend_id",
        related_sudo=False,
        help="The system to look in.",
    )
    page = fields.Char(
        "Look There", compute="_compute_page", help="Where the system can be searched."
    )
    doubt = fields.Selection(
        related="binding_id.doubt",
        related_sudo=False,
        help="What is not known of the record.",
    )
    doubt_reason = fields.Text(
        "Why",
        related="binding_id.doubt_reason",
        related_sudo=False,
        help="Why it is not known.",
    )
    found_ids = fields.Char(
        related="binding_id.found_ids",
        related_sudo=False,
        help="The IDs of what was found there, one of which it may have.",
    )
    decision = fields.Selection(
        [
            ("leave", "Leave it for now"),
            ("there", "It is there, with the ID"),
            ("absent", "It is not there: create it"),
        ],
        required=True,
        default="leave",
        help="What you have found in the system. A record that you leave stays in "
        "doubt, and nothing is sent of it.",
    )
    external_id = fields.Char(
        "ID in the System", help="What the system calls the record."
    )

    @api.depends("binding_id")
    def _compute_record_name(self):
        for line in self:
            binding = line.binding_id
            line.record_name = binding.record_name
            model = self.env.get(binding.model_name)
            line.gone = model is None or not model.browse(binding.res_id).exists()

    @api.depends("binding_id")
    def _compute_page(self):
        for line in self:
            binding = line.binding_id
            line.page = binding.stream_id._search_page(binding.res_id)

    @api.onchange("external_id")
    def _onchange_external_id(self):
        if self.external_id:
            self.decision = "there"

    @api.onchange("decision")
    def _onchange_decision(self):
        if self.decision != "there":
            self.external_id = False
