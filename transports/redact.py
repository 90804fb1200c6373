# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keep secrets out of everything that is shown or stored."""

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

from ..exceptions import SyncError

MASK = "***"


class Redactor:
    """Replace secrets in texts, also where a destination echoes them encoded.

    :param secrets: values to hide; empty ones are ignored
    """

    def __init__(self, secrets: Iterable[str | None]):
        spellings = {
            spelling
            for secret in secrets
            if secret and secret.strip()
            for spelling in _spellings(secret)
        }
        # The longest first, or a shorter one leaves the rest of it readable.
        ordered = sorted(spellings, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = (
            re.compile("|".join(map(re.escape, ordered)), re.IGNORECASE)
            if ordered
            else None
        )

    def __call__(self, text: str) -> str:
        """:return: the text with every secret replaced"""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def within(self, value: Any) -> Any:
        """:return: the value, as JSON holds it, with every secret in it replaced"""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.within(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self.within(item) for key, item in value.items()}
        return value

    def clean(self, error: SyncError) -> SyncError:
        """:return: the same error, its text without secrets"""
        error.message = self(error.message)
        error.args = (error.message,)
        return error

    def excerpt(self, text: str, limit: int, cut: bool = False) -> str:
        """Shorten after replacing, so that no half of a secret is left.

        :param limit: number of characters of the result at most
        :param cut: the text has been cut already and may end within a secret
        """
        if cut and self._longest:
            text = text[: -self._longest]
        return shorten(self(text), limit)


def shorten(text: str, limit: int) -> str:
    """:return: at most ``limit`` characters, with an ellipsis when cut"""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str) -> str:
    """:return: the text with line ends and repeated blanks made one blank"""
    return " ".join(text.split())


def _spellings(secret: str) -> set[str]:
    """How the secret looks in JSON, in a URL, in HTML and in base64."""
    found = set()
    for value in {secret, secret.strip()}:
        encoded = value.encode("utf-8", "surrogatepass")
        quoted = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        found |= {value, html.escape(value), value.encode("unicode_escape").decode()}
        # Some JSON writers also escape the slash.
        found |= quoted | {text.replace("/", "\\/") for text in quoted}
        found |= {quote(encoded, safe=""), quote(encoded), quote_plus(encoded)}
        for coder in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(coder(encoded).decode().rstrip("="))
    return found
