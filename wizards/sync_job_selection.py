# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import formatLang

from ..engine import standing
from . import sync_job_batches  # noqa: F401  # it is inherited

TABLE = Markup(
    '<table class="table table-sm"><thead><tr>'
    '<th>{system}</th><th class="text-end">{records}</th></tr></thead>'
    "<tbody>{rows}</tbody></table>"
)
ROW = Markup('<tr><td>{system}</td><td class="text-end">{records}</td></tr>')


class SyncJobSelection(models.AbstractModel):
    """Ask about the jobs that are selected in a list, on one page or on all.

    The web client tells the ids of what is selected, up to a number. It tells no more
    of them if somebody has selected all that there are: then it is the list's domain.
    """

    _name = "sync.job.selection"
    _inherit = "sync.job.batches"
    _description = "Selected Jobs"

    # in which states jobs are changed, and whether they are sent again
    _states = ()
    _again = False

    selection = fields.Json(
        default=lambda self: self._default_selection(),
        readonly=True,
        help="The domain of what was selected in the list.",
    )
    job_ids = fields.Many2many(
        "queue.job",
        string="Jobs",
        compute="_compute_job_ids",
        inverse="_inverse_job_ids",
        help="What was selected in the list.",
    )
    job_count = fields.Integer(
        "To Be Changed", compute="_compute_counts", help="Selected jobs that change."
    )
    other_count = fields.Integer(
        "Unchanged",
        compute="_compute_counts",
        help="Selected jobs that stay as they are.",
    )
    record_count = fields.Integer(
        "Records",
        compute="_compute_systems",
        help="Records that the jobs are about, counted in each system.",
    )
    systems = fields.Html(
        compute="_compute_systems",
        help="How many records that is in which system.",
    )

    @api.model
    def _default_selection(self):
        context = self.env.context
        ids = context.get("active_ids")
        if context.get("active_model") != "queue.job" or not ids:
            return []
        parameters = self.env["ir.config_parameter"].sudo()
        # as in the session of the web client
        limit = int(parameters.get_param("web.active_ids_limit", 20000))
        domain = context.get("active_domain")
        if domain is not None and len(ids) >= limit:
            return list(Domain(domain))
        return [("id", "in", ids)]

    def _selected_domain(self):
        self.ensure_one()
        # a record that is not saved yet has no default of what no screen shows
        chosen = self.selection or self._default_selection()
        return Domain(chosen) if chosen else Domain.FALSE

    def _jobs_domain(self):
        return self._selected_domain() & Domain("state", "in", self._states)

    @api.depends("selection")
    def _compute_job_ids(self):
        jobs = self.env["queue.job"]
        for wizard in self:
            wizard.job_ids = jobs.search(wizard._selected_domain(), order="id")

    def _inverse_job_ids(self):
        for wizard in self:
            wizard.selection = [("id", "in", wizard.job_ids.ids)]

    @api.depends("selection")
    def _compute_counts(self):
        jobs = self.env["queue.job"]
        for wizard in self:
            wizard.job_count = jobs.search_count(wizard._jobs_domain())
            selected = jobs.search_count(wizard._selected_domain())
            wizard.other_count = selected - wizard.job_count

    @api.depends("selection")
    @api.depends_context("lang")
    def _compute_systems(self):
        for wizard in self:
            found = standing.records_of_jobs(
                self.env, wizard._jobs_domain(), wizard._again
            )
            wizard.record_count = sum(count for _system, count in found)
            rows = [
                ROW.format(
                    system=system.name, records=formatLang(self.env, count, digits=0)
                )
                for system, count in found
            ]
            wizard.systems = rows and TABLE.format(
                system=self.env._("System"),
                records=self.env._("Records"),
                rows=Markup().join(rows),
            )
