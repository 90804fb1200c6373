# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..exceptions import SyncError
from ..transports.postgresql import PostgresqlConfig, PostgresqlTransport
from ..transports.rest import RestConfig, RestTransport
from ..transports.urls import url_problem


class SyncBackend(models.Model):
    """One external system: where it is, how to talk to it, with which credentials."""

    _name = "sync.backend"
    _description = "External System"
    _inherit = ["mail.thread"]
    _order = "name, id"
    _check_company_auto = True

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
    stream_ids = fields.One2many("sync.stream", "backend_id", string="Synchronizations")
    stream_count = fields.Integer(compute="_compute_stream_count")

    # REST
    url = fields.Char(
        "Address",
        tracking=True,
        help="Base address of the interface; each synchronization adds its endpoint.",
    )
    auth = fields.Selection(
        [
            ("none", "None"),
            ("bearer", "Bearer Token"),
            ("basic", "User and Password"),
            ("header", "Key in a Header"),
        ],
        "Authentication",
        required=True,
        default="none",
        help="How this system knows that a request comes from Odoo.",
    )
    auth_username = fields.Char("Username", help="User name for the basic scheme.")
    auth_header = fields.Char(
        "Header",
        default="X-API-Key",
        help="Name of the header that carries the key.",
    )
    auth_secret = fields.Char(
        "Secret",
        groups="base.group_system",
        copy=False,
        help="Token, password or key. env:NAME takes it from an environment variable "
        "of the server, config:key from the section [queue_job_sync] of the server's "
        "configuration file. Only system administrators can read it.",
    )

    # PostgreSQL
    db_host = fields.Char(
        "Host", tracking=True, help="Name or address of the database server."
    )
    db_port = fields.Integer("Port", default=5432, help="Usually 5432.")
    db_name = fields.Char(
        "Database", tracking=True, help="Name of the database that holds the tables."
    )
    db_user = fields.Char(
        "Login",
        help="Database role. Give it no more than select, insert, update and, where "
        "records are deleted, delete on the tables it fills.",
    )
    db_password = fields.Char(
        "Password",
        groups="base.group_system",
        copy=False,
        help="Password of the role. env:NAME takes it from an environment variable of "
        "the server, config:key from the section [queue_job_sync] of the server's "
        "configuration file. Only system administrators can read it.",
    )
    db_sslmode = fields.Selection(
        [
            ("disable", "Never encrypted"),
            ("allow", "Encrypted if the server insists"),
            ("prefer", "Encrypted if the server can"),
            ("require", "Encrypted"),
            ("verify-ca", "Encrypted, certificate verified"),
            ("verify-full", "Encrypted, certificate and host name verified"),
        ],
        "Encryption",
        required=True,
        default="prefer",
        help="The sslmode of the connection. Over a network that is not yours, "
        "choose one that verifies the certificate.",
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

    def _compute_stream_count(self):
        counts = dict(
            self.env["sync.stream"]._read_group(
                [("backend_id", "in", self.ids)], ["backend_id"], ["__count"]
            )
        )
        for backend in self:
            backend.stream_count = counts.get(backend, 0)

    @api.constrains("transport", "url")
    def _check_url(self):
        for backend in self:
            if backend.transport != "rest":
                continue
            problem = url_problem(backend.url or "")
            if problem:
                raise ValidationError(
                    backend.env._(
                        "The address of %(system)s cannot be used: %(problem)s",
                        system=backend.name,
                        problem=problem,
                    )
                )

    @api.constrains("transport", "auth", "auth_username", "auth_header")
    def _check_auth(self):
        for backend in self:
            if backend.transport != "rest":
                continue
            if backend.auth == "basic" and not backend.auth_username:
                raise ValidationError(
                    backend.env._("%s needs a username.", backend.name)
                )
            if backend.auth == "header" and not backend.auth_header:
                raise ValidationError(
                    backend.env._(
                        "%s needs the name of the header that carries its key.",
                        backend.name,
                    )
                )

    @api.constrains("transport", "db_host", "db_port", "db_name", "db_user")
    def _check_database(self):
        for backend in self:
            if backend.transport != "postgresql":
                continue
            if not (backend.db_host and backend.db_name and backend.db_user):
                raise ValidationError(
                    backend.env._(
                        "%s needs a host, a database and a login.", backend.name
                    )
                )
            if not 0 < backend.db_port < 65536:
                raise ValidationError(
                    backend.env._(
                        "%(port)s is not a port: %(system)s needs one "
                        "between 1 and 65535.",
                        port=backend.db_port,
                        system=backend.name,
                    )
                )

    @api.constrains("transport")
    def _check_streams(self):
        streams = self.with_context(active_test=False).stream_ids
        streams._check_route()
        streams._check_mapping()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        streams = self.with_context(active_test=False).stream_ids
        if streams:
            raise UserError(
                self.env._(
                    "%(system)s still has synchronizations (%(streams)s). "
                    "Delete them first, or archive the system.",
                    system=streams[0].backend_id.name,
                    streams=", ".join(streams.mapped("name")),
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
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
        """
        self.ensure_one()
        return getattr(self, f"_transport_{self.transport}")()

    def _transport_rest(self):
        return RestTransport(self._rest_config())

    def _rest_config(self):
        return RestConfig(
            url=self.url,
            auth=self.auth,
            username=self.auth_username or "",
            header=self.auth_header or "",
            # one that is not used need not be there
            secret=self._secret("auth_secret") if self.auth != "none" else "",
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )

    def _transport_postgresql(self):
        return PostgresqlTransport(
            PostgresqlConfig(
                host=self.db_host,
                port=self.db_port,
                dbname=self.db_name,
                user=self.db_user,
                password=self._secret("db_password"),
                sslmode=self.db_sslmode,
                connect_timeout=self.connect_timeout,
                statement_timeout=self.read_timeout,
            )
        )

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
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "queue_job_sync.action_sync_stream"
        )
        action["domain"] = [("backend_id", "=", self.id)]
        action["context"] = {"default_backend_id": self.id, "active_test": False}
        return action
