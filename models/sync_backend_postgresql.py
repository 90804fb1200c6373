# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..transports import PostgresqlConfig, PostgresqlTransport


class SyncBackend(models.Model):
    """A system that is a PostgreSQL database."""

    _inherit = "sync.backend"

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

    @api.constrains("active", "transport", "db_host", "db_port", "db_name", "db_user")
    def _check_database(self):
        # one that is archived may lack what is not known yet
        self.filtered("active")._require_database()

    def _require_connection(self):
        res = super()._require_connection()
        self._require_database()
        return res

    def _require_database(self):
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

    def _transport_postgresql(self):
        return PostgresqlTransport(self._postgresql_config())

    def _postgresql_config(self):
        return PostgresqlConfig(
            host=self.db_host,
            port=self.db_port,
            dbname=self.db_name,
            user=self.db_user,
            password=self._secret("db_password"),
            sslmode=self.db_sslmode,
            connect_timeout=self.connect_timeout,
            statement_timeout=self.read_timeout,
        )
