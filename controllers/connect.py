# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import re

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import STORED_SESSION_BYTES, request

from ..engine import tokens, words
from ..exceptions import SyncError
from ..text import storable
from ..transports.redact import one_line, shorten

# The most that is shown of what a system says.
MOST = 300
# As it is; or escaped, as an address to go on to after a login.
_PATH = re.escape(tokens.PATH).replace("/", "(?:/|%(?:25)*2F)")
_QUERY = re.compile(rf"({_PATH})(?:\?|%(?:25)*3F)\S*", re.IGNORECASE)


def _without_code(record):
    """Leave out of a server's log with what a user has been sent back."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            _QUERY.sub(r"\1", each) if isinstance(each, str) else each
            for each in record.args
        )
    return True


# Odoo logs the address of each request.
logging.getLogger("werkzeug").addFilter(_without_code)


class Connect(http.Controller):
    @http.route(tokens.PATH, type="http", auth="user", methods=["GET"])
    def connect(self, state="", code="", error="", error_description="", **_others):
        """Receive a user back from a system that has asked for consent.

        See RFC 6749 sections 4.1.2 and 10.12: who did not begin it, here and now, is
        not connected to what somebody else has consented to.
        """
        env = request.env
        session = request.session.sid[:STORED_SESSION_BYTES]
        consent = tokens.take_consent(env.registry, state, env.uid, session)
        backend = env["sync.backend"].browse(consent and consent.backend_id).exists()
        if not backend:
            return _page(
                env._("Nothing was connected"),
                env._(
                    "You have not begun this here within the last %(minutes)s minutes, "
                    "or it is over already. Open Odoo at %(address)s, and press "
                    "Connect in the system's form again.",
                    minutes=tokens.CONSENT_MINUTES,
                    address=env["sync.backend"].get_base_url(),
                ),
            )
        try:
            problem = None
            if error or not code:
                problem = _refusal(env, error, error_description)
            else:
                status = backend._connect(code, consent)
        except AccessError:
            return _page(
                env._("Nothing was connected"),
                env._("You are not allowed to connect this system."),
            )
        except SyncError as err:
            problem = words.said(env, err)
        if problem:
            title = env._("%s is not connected", backend.name)
            return _page(title, problem, backend)
        title = env._("%s is connected", backend.name)
        return _page(title, status, backend, connected=True)


def _refusal(env, error, description):
    """Return what a system says instead of a code, for people."""
    if error == "access_denied":
        return env._("Consent was denied at the system.")
    said = shorten(one_line(storable(f"{error} {description}")), MOST)
    if not said:
        return env._("The system has sent you back without a code.")
    return env._("The system says: %s", said)


def _page(title, text, backend=None, **more):
    values = {"title": title, "text": text, "backend": backend, **more}
    response = request.render("queue_job_sync.connect", values)
    # what is in its own address is for nobody else
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
