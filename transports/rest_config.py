# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How to reach a REST API, and how to prove who is sending."""

import base64
import re
from dataclasses import dataclass, field

from ..exceptions import Unreachable

# A field name is a token (RFC 9110 section 5.6.2), a value has no control
# characters (section 5.5).
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Those that say where a request goes, where it ends and what it is: another value is
# another request. The others are ours, see :mod:`.rest_client` and :mod:`.signing`.
_RESERVED = {
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "accept",
    "accept-encoding",
    "content-type",
    "idempotency-key",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
}
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True)
class RestConfig:
    """How to reach a REST API.

    :param url: base of all requests, ``https://crm.example.com/api``
    :param auth: ``none``, ``bearer`` (RFC 6750), ``basic`` (RFC 7617) or
        ``header``
    :param username: for ``basic``
    :param header: name of the header that carries the secret, for ``header``
    :param secret: token, password or value of the header
    :param signing_secrets: those that sign each request, see :mod:`.signing`; none
        to send without signatures
    :param connect_timeout: seconds to connect
    :param read_timeout: seconds from a request to the end of its answer
    :param concurrency: requests that one transport sends at once
    """

    url: str
    auth: str = "none"
    username: str = ""
    header: str = ""
    secret: str = field(default="", repr=False)
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    connect_timeout: float = 5
    read_timeout: float = 30
    concurrency: int = 8

    def __post_init__(self):
        if self.connect_timeout <= 0 or self.read_timeout <= 0:
            raise ValueError("a timeout must be longer than 0 seconds")
        if self.concurrency < 1:
            raise ValueError("at least one request must be sent at once")


def header_problem(name: str) -> str | None:
    """Say what is wrong with the name of the header that carries a secret.

    :return: a sentence for the person who typed it, or ``None`` when it is fine
    """
    if not _HEADER_NAME.fullmatch(name):
        return "The name of the authentication header is not valid."
    if name.lower() in _RESERVED:
        return f"The header {name} has another meaning in each request."
    return None


def auth_headers(config: RestConfig) -> dict[str, str]:
    """:return: the header that proves who is sending

    :raise Unreachable: when the settings are not complete
    """
    if config.auth == "none":
        return {}
    if config.auth == "basic":
        if ":" in config.username:
            raise Unreachable("The user name must not contain a colon (RFC 7617).")
        pair = f"{config.username}:{config.secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    name = "Authorization" if config.auth == "bearer" else config.header.strip()
    problem = header_problem(name)
    if problem:
        raise Unreachable(problem)
    # A line end that came with copy and paste is no part of a value.
    secret = config.secret.strip()
    if not _HEADER_VALUE.fullmatch(secret):
        raise Unreachable(
            "The secret of the authentication is missing, or has characters that "
            "HTTP does not allow in a header."
        )
    return {name: f"Bearer {secret}" if config.auth == "bearer" else secret}
