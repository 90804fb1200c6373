# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.modules.registry import DummyRLock, Registry
from odoo.tools import SQL

from ..engine import gate, tokens
from .common import DeliveryCase, backend_values
from .token_server import CLIENT_ID, CLIENT_SECRET, TokenDestination


class OAuthCase(DeliveryCase):
    """A system that is reached by OAuth 2."""

    auth = "oauth_code"

    def setUp(self):
        self.token_server = self.enterContext(TokenDestination())
        # the runner of the tests holds it, and would keep every other thread out
        self.enterContext(patch.object(Registry, "_lock", DummyRLock()))
        super().setUp()
        if self.auth == "oauth_code":
            self.change_backend(oauth_refresh_token=self.token_server.begin())

    @property
    def destination_class(self):
        """The same server: it knows the tokens that it has given."""
        return lambda: _Kept(self.token_server)

    def backend_values(self):
        return backend_values(
            url=f"{self.token_server.url}/api",
            auth=self.auth,
            oauth_token_url=f"{self.token_server.url}/token",
            oauth_authorize_url=f"{self.token_server.url}/consent?prompt=consent",
            oauth_client_id=CLIENT_ID,
            oauth_client_secret=CLIENT_SECRET,
        )

    def held(self):
        """Return what is known of the access, as committed."""
        with self.transaction() as env:
            return tokens.read(env.cr, self.backend_id)

    def refresh(self):
        """Return the token to renew with, as committed."""
        with self.transaction() as env:
            return env["sync.backend"].browse(self.backend_id)._secret(tokens.REFRESH)

    def current(self, spent=None):
        """Return the access that a worker has, renewed if it has to be."""
        return tokens.current(self.registry, self.backend_id, spent).access

    def let_pass(self, seconds):
        """Let time pass for what is known of the access."""
        with self.transaction() as env:
            env.cr.execute(
                SQL(
                    "UPDATE sync_token SET granted = granted - %(time)s,"
                    " expires = expires - %(time)s, failed = failed - %(time)s"
                    " WHERE backend_id = %(id)s",
                    time=SQL("%s * interval '1 second'", seconds),
                    id=self.backend_id,
                )
            )

    def be_a_copy(self):
        """Be a copy of a database that has sent so far."""
        self.addCleanup(self.be_the_original)
        with self.transaction() as env:
            here = gate.look(env).here
            gate.remember(env, here._replace(database="production"))

    def be_the_original(self):
        """Be one that has not sent yet."""
        with self.transaction() as env:
            env["ir.config_parameter"].search([("key", "=", gate.ORIGIN)]).unlink()

    def sent(self):
        """Return what arrived beside what the token server was asked."""
        return [
            f"{each.method} {each.path}"
            for each in self.token_server.requests
            if each.path != "/token"
        ]

    def open_incident(self):
        """Return kind and reason of the open incident of the system, as a tuple."""
        found = self.read(
            "sync.incident",
            [("backend_id", "=", self.backend_id), ("closed", "=", False)],
            ["kind", "reason", "stream_id"],
        )
        return found and (found[0]["kind"], found[0]["reason"])


class _Kept:
    """A server that whoever enters it does not own."""

    def __init__(self, server):
        self._server = server

    def __enter__(self):
        return self._server

    def __exit__(self, *exc_info):
        """Whoever has started it stops it."""
