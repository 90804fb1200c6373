# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What would be sent to a REST API: what arrives here in place of the network."""

import requests
from requests.adapters import BaseAdapter

from ..http import HttpClient, auth_headers
from ..redact import MASK
from ..urls import loggable

# Proves who is sending, beside the header of the authentication.
SIGNATURE = "webhook-signature"


class Withheld(BaseAdapter):
    """Keeps the request that it is given, and sends nothing."""

    request = None

    def send(self, request, **_options):
        self.request = request
        # what comes after it depends on its answer
        raise requests.ConnectionError("not sent")

    def close(self):
        """There is nothing to give back."""


def readable(request: requests.PreparedRequest, client: HttpClient) -> str:
    """:return: method, address, headers and body as text, without secrets"""
    secret = {name.lower() for name in (*auth_headers(client.config), SIGNATURE)}
    lines = [f"{request.method} {loggable(request.url)}"]
    lines += [
        f"{name}: {MASK if name.lower() in secret else value}"
        for name, value in request.headers.items()
    ]
    body = (request.body or b"").decode("utf-8", "replace")
    return client.redact("\n".join([*lines, "", body]).rstrip())
