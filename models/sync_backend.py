# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError

from ..exceptions import SyncError


def is_told_of(record):
    """Return whether the current user may know of what belongs to a company, or to none

    For names: Odoo reads that of what a link leads to with all rights.
    """
    company = record.company_id
    user_id = record.env.uid
    return not company or user_id == SUPERUSER_ID or company in record.env.companies


class SyncBackend(models.Model):
    """One external system: where it is, how to talk to it, with which credentials.

    What each kind of system needs is in a file of its own, as ``sync_backend_rest.py``.
    """

    _name = "sync.backend"
    _description = "External System"
    _inherit = ["mail.thread", "sync.deletion"]
    _order = "name, id"

    name = fields.Char(
        required=True,
        tracking=True,
        help="What people here call this system, such as CRM or Web Shop.",
    )
    active = fields.Boolean(
        default=True,
        tracking=True,
        help="Archived: edits are no longer recorded for this system, and changes "
        "that are waiting stay where they are until it is unarchived.",
    )
    company_id = fields.Many2one(
        "res.company",
        tracking=True,
        # without its company it would send the records of all of them
        ondelete="restrict",
        help="Only records of this company, or of none, are sent. "
        "Empty: records of every company.",
    )
    transport = fields.Selection(
        [("rest", "REST"), ("postgresql", "PostgreSQL")],
        required=True,
        default="rest",
        tracking=True,
        help="How this system is reached: a REST interface with JSON, "
        "or rows written into a PostgreSQL database.",
    )
    stream_ids = fields.One2many(
        "sync.stream",
        "backend_id",
        string="Synchronizations",
        help="What is sent to this system.",
    )
    stream_count = fields.Integer(
        compute="_compute_stream_count",
        help="How many kinds of record are sent to this system.",
    )

    connect_timeout = fields.Integer(
        "Connect Within (s)",
        required=True,
        default=5,
        help="Seconds to wait for a connection before the system counts as "
        "unreachable.",
    )
    read_timeout = fields.Integer(
        "Answer Within (s)",
        required=True,
        default=30,
        help="Seconds to wait for an answer, or for an SQL statement to end.",
    )

    _positive_timeouts = models.Constraint(
        "CHECK (connect_timeout > 0 AND read_timeout > 0)",
        "Timeouts must be at least one second.",
    )

    @api.depends("name", "company_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_display_name(self):
        for backend in self:
            told = is_told_of(backend)
            backend.display_name = (
                backend.name if told else self.env._("System of another company")
            )

    def _compute_stream_count(self):
        counts = dict(
            self.env["sync.stream"]._read_group(
                [("backend_id", "in", self.ids)], ["backend_id"], ["__count"]
            )
        )
        for backend in self:
            backend.stream_count = counts.get(backend, 0)

    def _require_connection(self):
        """Raise unless all is there to reach these systems.

        To be extended for each kind of system.

        :raises ValidationError: something is missing or wrong, with the reason
        """

    @api.constrains("transport")
    def _check_streams(self):
        streams = self.with_context(active_test=False).stream_ids
        streams._check_route()
        streams._check_mapping()

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.keys() & self._secret_names() for vals in vals_list):
            raise UserError(
                self.env._(
                    "Secrets are no values of a system: set them by its method "
                    "set_secret."
                )
            )
        backends = super().create(vals_list)
        self.env.registry.clear_cache()
        return backends

    def write(self, vals):
        res = super().write(vals)
        if {"active", "company_id", "name", "transport"} & vals.keys():
            # what edits and jobs have to know of the streams is cached
            self.env.registry.clear_cache()
        return res

    def copy_data(self, default=None):
        return [
            dict(vals, name=self.env._("%s (copy)", backend.name))
            if "name" not in (default or {})
            else vals
            for backend, vals in zip(self, super().copy_data(default), strict=True)
        ]

    def _open_transport(self):
        """Return the transport that talks to this system.

        Another addon adds a kind of system by extending the ``transport`` selection
        and defining ``_transport_<name>()`` here and ``_route_<name>()`` on
        ``sync.stream``.

        :return: an object with ``send(messages)``, ``check()`` and ``close()``, as
            described by :class:`..transports.base.Transport`
        :raises SecretMissing: a secret is kept beside the database, and not there: a
            system that cannot be reached
        """
        self.ensure_one()
        return getattr(self, f"_transport_{self.transport}")()

    def action_test_connection(self):
        """Ask the system whether it is there and takes the credentials.

        Nothing is written at the destination.

        :return: a client action that shows the system's answer
        :raises UserError: the system does not work, with the reason
        """
        self.ensure_one()
        self.check_access("write")
        try:
            with self._open_transport() as transport:
                answer = transport.check()
        except SyncError as err:
            raise UserError(
                self.env._(
                    "%(system)s does not answer as it should.\n\n%(reason)s",
                    system=self.name,
                    reason=err.message,
                )
            ) from None
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.env._("%s answers", self.name),
                "message": answer,
            },
        }

    def action_open_streams(self):
        """Return an action that lists the synchronizations of this system."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_stream"
        )
        action["domain"] = [("backend_id", "=", self.id)]
        action["context"] = {"default_backend_id": self.id, "active_test": False}
        return action
