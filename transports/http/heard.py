# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A client that tells of each request and its answer, for somebody who looks on."""

from collections.abc import Callable

from ...exceptions import SyncError
from ...text import storable_within
from ..base import Exchange
from .client import HttpClient, HttpConfig

# Characters of a body that are told of.
MAX_TOLD = 20_000
# Headers of an answer that may name a new record or its version.
_HEADERS = ("Location", "Content-Location", "OData-EntityId", "ETag")


class HeardClient(HttpClient):
    """:param hear: is told of each :class:`..base.Exchange`, which has no secrets"""

    def __init__(self, config: HttpConfig, hear: Callable[[Exchange], None]):
        super().__init__(config)
        self._hear = hear

    def request(self, trail, method, url, headers=None, body=None, *args, **kwargs):
        said = {}
        try:
            answer = super().request(trail, method, url, headers, body, *args, **kwargs)
            said = self._said(answer)
            return answer
        except SyncError as error:
            said = {"problem": self.redact.clean(error)}
            raise
        finally:
            sent = self._shown((body or b"").decode("utf-8", "replace"))
            request = self.redact(f"{method} {url}")
            self._hear(Exchange(request, sent, **said))

    def _said(self, answer):
        content = answer.json()
        told = content is not None and len(answer.body) <= MAX_TOLD
        found = {name: answer.headers.get(name) for name in _HEADERS}
        return storable_within(
            {
                "status": answer.told["status"],
                "headers": self.redact.within({k: v for k, v in found.items() if v}),
                "answer": self.redact.within(content)
                if told
                else self._shown(answer.body.decode("utf-8", "replace")),
            }
        )

    def _shown(self, text):
        return self.redact.excerpt(text, MAX_TOLD)
