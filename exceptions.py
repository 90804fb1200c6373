# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong when a record is delivered, sorted by what to do next."""

from .text import storable


class SyncError(Exception):
    """A destination did not take a message.

    :param message: one sentence for a person: what was wrong and, where it
        helps, what to change. It must not contain a secret.
    """

    def __init__(self, message):
        # most of it is what the destination says, and all of it is stored
        message = storable(message)
        super().__init__(message)
        self.message = message


class Rejected(SyncError):
    """The destination refuses this record; sending it again changes nothing."""


class Throttled(SyncError):
    """The destination works but asks to be left alone for a while.

    :param message: see :class:`SyncError`
    :param retry_after: seconds to wait before anything else is sent to it
    """

    def __init__(self, message, retry_after=60.0):
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(Throttled):
    """Our own limit on requests per second: the message was not sent."""


class Unreachable(SyncError):
    """The destination as a whole does not work: no record would get through."""


class Temporary(SyncError):
    """This attempt failed; the same message may well succeed later."""
