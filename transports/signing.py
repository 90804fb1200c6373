# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sign requests, so that a destination can tell who sent them and when.

The symmetric scheme of Standard Webhooks 1.0.0, https://www.standardwebhooks.com;
destinations verify it with the libraries found there.
"""

import base64
import hmac
from collections.abc import Iterable
from time import time

from .. import wording

PREFIX = "whsec_"
# Length of a key, in bytes.
MIN_KEY, MAX_KEY = 24, 64


def secret_problem(secret: str) -> str | None:
    """Say what is wrong with a secret for signatures.

    :return: as :func:`.urls.url_problem`; it never repeats the secret
    """
    if not secret.strip().startswith(PREFIX):
        problem = wording._lt("A signing secret begins with %(prefix)s.")
        return wording.Sentence(problem, prefix=PREFIX)
    try:
        count = len(_key(secret))
    except ValueError:
        problem = wording._lt("What follows %(prefix)s in a signing secret is base64.")
        return wording.Sentence(problem, prefix=PREFIX)
    if MIN_KEY <= count <= MAX_KEY:
        return None
    problem = wording._lt(
        "A signing secret holds %(least)s to %(most)s bytes, and this one %(count)s."
    )
    return wording.Sentence(problem, least=MIN_KEY, most=MAX_KEY, count=count)


def signature_headers(
    signing_secrets: Iterable[str], message_id: str, body: bytes
) -> dict[str, str]:
    """Sign one attempt to send a message, with the time of now.

    :param signing_secrets: without a :func:`secret_problem`; every one signs, so that
        the destination may change from one to the other at any time
    :param message_id: the same on every attempt; without a full stop, which
        separates it from the time
    :param body: the bytes that are sent
    :return: the headers to add; none without a secret
    """
    keys = list(dict.fromkeys(_key(secret) for secret in signing_secrets))
    if not keys:
        return {}
    timestamp = str(int(time()))
    content = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key, content, "sha256") for key in keys)
    signatures = [f"v1,{base64.b64encode(each).decode()}" for each in digests]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def spellings(secret: str) -> list[str]:
    """:return: how the secret may be written, without its prefix or its padding"""
    encoded = secret.strip().removeprefix(PREFIX).rstrip("=")
    found = [encoded, encoded.replace("+", "-").replace("/", "_")]
    # One that is not usable is no less secret, but has no key.
    return found if secret_problem(secret) else [*found, _key(secret).hex()]


def _key(secret):
    # A line end that came with copy and paste is no part of a value, and some write
    # base64 without padding.
    encoded = secret.strip().removeprefix(PREFIX).rstrip("=")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
