# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import config

from ..engine import secrets
from ..engine.run import BUDGET_PARAMETER
from ..engine.secrets import METRICS_TOKEN
from .queue_job import MAIL_OF_MANY, MAIL_OF_ONE
from .sync_delivery import KEEP_DAYS, KEEP_PARAMETER

# Characters of a token that is typed: nobody can guess it by trying.
TOKEN_LEAST = 16


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    job_failure_user_ids = fields.Many2many(
        related="company_id.job_failure_user_ids", readonly=False
    )
    job_failure_quiet_minutes = fields.Integer(
        related="company_id.job_failure_quiet_minutes", readonly=False
    )
    metrics_token_origin = fields.Char(
        "Token for Monitoring",
        groups="base.group_system",
        compute="_compute_metrics_token_origin",
        help="Whoever shows it may read the metrics. Not set: nobody may.",
    )
    job_failure_nobody = fields.Boolean(
        compute="_compute_job_failure_warnings",
        help="None of those who are to be told has an e-mail address.",
    )
    job_failure_unreachable = fields.Char(
        compute="_compute_job_failure_warnings",
        help="Who is to be told, and has no e-mail address.",
    )
    sync_delivery_days = fields.Integer(
        "Days to Keep Deliveries",
        config_parameter=KEEP_PARAMETER,
        default=KEEP_DAYS,
        help="What was sent, and the answers, are dropped when they are older.",
    )

    sync_run_seconds = fields.Integer(
        "Seconds of a Run",
        config_parameter=BUDGET_PARAMETER,
        help="After so many seconds a job starts no more requests, and goes on with "
        "the rest later. 0: 30 seconds, or a quarter of a worker's time limit.",
    )

    @api.constrains("sync_run_seconds")
    def _check_sync_run_seconds(self):
        limit = config["limit_time_real"]
        for settings in self:
            seconds = settings.sync_run_seconds
            if seconds < 0 or seconds > limit > 0:
                raise ValidationError(
                    self.env._(
                        "A run of %(seconds)s seconds does not fit into the time that "
                        "a worker has (limit_time_real = %(limit)s). 0 is what fits.",
                        seconds=seconds,
                        limit=limit,
                    )
                )

    # -- the token of the page of metrics --------------------------------------

    @api.model
    def _metrics_token(self):
        """Return the token that a monitoring system has to show, ``""`` for none.

        :raises SecretMissing: it is kept beside the database, and not there
        """
        kept = secrets.kept(self.env).get(METRICS_TOKEN)
        return secrets.resolved(self.env, kept).strip()

    @api.model
    def set_secret(self, name, value):
        """Set the token that a monitoring system has to show; nothing closes the page.

        :param name: ``metrics_token``
        :param value: as for ``set_secret`` of ``sync.backend``
        :return: where it is kept now, as a text for people, or False
        :raises AccessError: the user is no system administrator
        :raises UserError: it is too short, or cannot be used
        """
        if not self.env.is_system():
            raise AccessError(
                self.env._("Only system administrators may set the token.")
            )
        if name != METRICS_TOKEN:
            raise UserError(
                self.env._("There is no such secret. There are: %s.", METRICS_TOKEN)
            )
        text = secrets.checked(self.env, value).strip()
        if text and not secrets.parse_reference(text) and len(text) < TOKEN_LEAST:
            raise ValidationError(
                self.env._(
                    "The token for monitoring needs at least %s characters.",
                    TOKEN_LEAST,
                )
            )
        return secrets.keep(self.env, METRICS_TOKEN, text)

    # -- computes -------------------------------------------------------------

    @api.depends_context("lang", "tz")
    def _compute_metrics_token_origin(self):
        origins = secrets.origins(self.env, secrets.NO_BACKEND)
        key = (secrets.NO_BACKEND, METRICS_TOKEN)
        self.metrics_token_origin = origins.get(key, False)

    @api.depends("company_id", "job_failure_user_ids")
    def _compute_job_failure_warnings(self):
        for settings in self:
            users = settings.company_id._job_failure_users(
                settings.job_failure_user_ids
            )
            silent = users.filtered(lambda user: not user.email)
            settings.job_failure_nobody = users == silent
            settings.job_failure_unreachable = ", ".join(silent.mapped("name"))

    # -- constraints ----------------------------------------------------------

    @api.constrains("sync_delivery_days")
    def _check_sync_delivery_days(self):
        if any(settings.sync_delivery_days < 1 for settings in self):
            raise ValidationError(
                self.env._("Deliveries have to be kept for one day at least.")
            )

    # -- actions --------------------------------------------------------------

    def action_open_job_failure_template(self):
        """Open the text of the mail about one failed job."""
        return self._open_template(MAIL_OF_ONE)

    def action_open_job_failure_digest(self):
        """Open the text of the mail about several failed jobs."""
        return self._open_template(MAIL_OF_MANY)

    def _open_template(self, xmlid):
        self.check_access("read")
        template = self.env.ref(xmlid)
        return template._get_records_action(name=template.name, context={})
