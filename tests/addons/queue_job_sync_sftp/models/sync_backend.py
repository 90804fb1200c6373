# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models

from ..connection import SftpConfig, host_key_problem
from ..transport import SftpTransport


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    transport = fields.Selection(
        selection_add=[("sftp", "SFTP")], ondelete={"sftp": "cascade"}
    )
    sftp_host = fields.Char(
        "SFTP Host", tracking=True, help="Name or address of the SSH server."
    )
    sftp_port = fields.Integer("SFTP Port", default=22, help="Usually 22.")
    sftp_user = fields.Char("SFTP Login", help="User that may write the folders.")
    sftp_password_origin = fields.Char(
        "SFTP Password",
        compute="_compute_secret_origins",
        help="Password of the user. Nobody can read it, only set another one.",
    )
    sftp_host_key = fields.Char(
        "Host Key",
        tracking=True,
        help="Public key that the server has to show, such as ssh-ed25519 AAAA…; "
        "a server with another one gets neither password nor data.",
    )

    @api.model
    def _secret_names(self):
        return super()._secret_names() | {"sftp_password"}

    @api.constrains("sftp_host", "sftp_port", "sftp_user", "sftp_host_key")
    def _check_sftp(self):
        self._check_connection()

    def _connection_problem(self):
        if self.transport != "sftp":
            return super()._connection_problem()
        if not (self.sftp_host and self.sftp_user):
            return self.env._("%s needs a host and a login.", self.name)
        if not 0 < self.sftp_port < 65536:
            return self.env._("%s needs a port.", self.name)
        return host_key_problem(self.sftp_host_key or "")

    def _transport_sftp(self):
        return SftpTransport(self._sftp_config())

    def _sftp_config(self):
        return SftpConfig(
            host=self.sftp_host,
            port=self.sftp_port,
            user=self.sftp_user,
            password=self._secret("sftp_password"),
            host_key=self.sftp_host_key,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )
