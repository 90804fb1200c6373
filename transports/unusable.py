# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The way to a destination whose settings are not complete."""

from ..exceptions import SyncError
from .base import Message, Receipt, SequentialTransport


class UnusableTransport(SequentialTransport):
    """Sends nothing, and says why.

    :param error: what is wrong, as each message and the check are answered
    """

    def __init__(self, error: SyncError):
        self._error = error

    def check(self) -> str:
        raise self._error

    def _deliver(self, message: Message) -> Receipt:
        return Receipt(message, external_id=message.external_id, error=self._error)
