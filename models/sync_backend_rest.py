# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..transports import RestConfig, RestTransport
from ..transports.http import header_problem
from ..transports.urls import url_problem


class SyncBackend(models.Model):
    """A system with a REST interface."""

    _inherit = "sync.backend"

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

    @api.constrains(
        "active", "transport", "url", "auth", "auth_username", "auth_header"
    )
    def _check_rest(self):
        # one that is archived may lack what is not known yet
        self.filtered("active")._require_rest()

    def _require_connection(self):
        res = super()._require_connection()
        self._require_rest()
        return res

    def _require_rest(self):
        self._require_url()
        self._require_auth()

    def _require_url(self):
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

    def _require_auth(self):
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
            problem = backend.auth == "header" and header_problem(
                backend.auth_header.strip()
            )
            if problem:
                raise ValidationError(
                    backend.env._(
                        "%(system)s cannot carry its key there: %(problem)s",
                        system=backend.name,
                        problem=problem,
                    )
                )

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
