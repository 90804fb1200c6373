# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a transport over HTTP is built on, REST's and that of any other addon.

Inherit from :class:`HttpTransport`, which makes an :class:`HttpClient` of an
:class:`HttpConfig`. Of each message, send requests with its :class:`Trail`, judge the
:class:`Answer`, and return an :class:`Outcome`. Whatever goes wrong on the way is a
``SyncError``; one that does not end in a receipt, as of what a person asks, goes
through ``client.redact.cleaning()``. There is a whole transport in
``docs/develop.md``.
"""

from ..base import deliver_all
from .answer import Answer
from .client import (
    KEY_HEADER,
    FurtherHeader,
    HttpClient,
    HttpConfig,
    Trail,
    auth_headers,
    further_problem,
    header_problem,
    names_problem,
    proxy_problem,
    to_json,
    value_problem,
)
from .heard import HeardClient
from .transport import HttpTransport, Outcome
