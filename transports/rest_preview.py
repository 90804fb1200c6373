# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What would be sent to a REST API, and what it holds now."""

from ..exceptions import SyncError, Temporary
from .redact import MASK
from .rest_client import RestClient, Trail
from .rest_config import auth_headers
from .rest_meaning import raise_unless_ok, record_id
from .urls import join_url, loggable

# Headers that prove who is sending, beside that of the authentication.
SIGNATURE = "webhook-signature"


class RestPreview:
    """Mixed into the transport, whose own way to a request it goes."""

    def preview(self, message):
        client = _DryClient(self._config)
        dry = type(self)(self._config)
        dry._client = client
        try:
            dry._apply(Trail(), message)
        except _Ready as ready:
            return client.readable(ready.request)
        except SyncError as error:
            raise client.clean(error) from None
        return ""

    def held(self, message):
        try:
            known_id = record_id(message)
            if known_id is None:
                return None
            url = join_url(self._config.url or "", message.route.target, known_id)
            answer = self._client.request(Trail(), "GET", url, {})
            if answer.status in (404, 410):
                return None
            raise_unless_ok(answer)
            found = answer.json()
            if not isinstance(found, dict):
                raise Temporary(f"{answer.describe()} without a JSON object.")
        except SyncError as error:
            raise self._client.clean(error) from None
        return self._client.redact.within(found)


class _Ready(Exception):
    """A request is ready to be sent, and is not."""

    def __init__(self, request):
        super().__init__()
        self.request = request


class _DryClient(RestClient):
    """Makes the same requests and stops just before one would be sent."""

    def _send_fresh(self, trail, session, prepared):
        return self._send(_DrySession(), prepared)

    def readable(self, request):
        """:return: a request as text: method, address, headers and body"""
        secret = {name.lower() for name in (*auth_headers(self._config), SIGNATURE)}
        lines = [f"{request.method} {loggable(request.url)}"]
        lines += [
            f"{name}: {MASK if name.lower() in secret else value}"
            for name, value in request.headers.items()
        ]
        body = (request.body or b"").decode("utf-8", "replace")
        return self.redact("\n".join([*lines, "", body]).rstrip())


class _DrySession:
    def send(self, prepared, **_options):
        raise _Ready(prepared)
