# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What can go wrong when a record is delivered, sorted by what to do next."""

from .wording import Sentence


class SyncError(Exception):
    """A destination did not take a message.

    Its ``message`` is a :class:`.wording.Sentence`: an error made of that of another
    one says the same.

    :param message: one sentence for a person, in English: what was wrong and, where it
        helps, what to change. It must not contain a secret. With ``values`` it names
        them, as in ``"%(where)s closed the connection"``; what is marked with
        :func:`.wording._lt` is said in the language of whoever reads it
    :param reason: a short name for what was wrong, for programs; none is needed
    :param values: texts and numbers that the sentence names, or a
        :class:`SyncError` for a sentence within it
    """

    def __init__(self, message, reason="", **values):
        self.message = Sentence(message, **values)
        self.reason = reason
        super().__init__(self.message)

    @property
    def template(self):
        return self.message.template

    @property
    def values(self):
        return self.message.values


class Rejected(SyncError):
    """The destination refuses this record; sending it again changes nothing."""


class Blocked(Rejected):
    """This record is refused, and perhaps not for its content.

    By a proxy or a firewall, for a missing right, or since an address that has worked
    is gone. It is the record's failure, unless different records meet the same in a
    row: then the destination does not work.
    """


class Unclear(Rejected):
    """Nobody but a person can say whether a new record is there, and under which id.

    Nothing was sent that may have created it, or only what was answered with the id of
    another record.

    :param message: see :class:`SyncError`
    :param found: ids there of what it may be
    """

    def __init__(self, message, found=(), reason="", **values):
        super().__init__(message, reason, **values)
        self.found = tuple(found)


class NotThere(Rejected):
    """A new record was only looked for, and is not there: nothing was sent of it."""


class Misconfigured(SyncError):
    """A setting is wrong: each record would meet the same, until a person changes it.

    Nothing has been carried out at the destination, and nothing more is sent by the
    same synchronization.

    :param message: see :class:`SyncError`
    :param setting: what to look at: ``mapping``, ``address`` (endpoint or table),
        ``method``, ``key`` (the column that holds Odoo's key) or ``id`` (where an
        answer holds the id there)
    """

    def __init__(self, message, setting, reason="", **values):
        super().__init__(message, reason, **values)
        self.setting = setting


class Throttled(SyncError):
    """The destination works but asks to be left alone for a while.

    :param message: see :class:`SyncError`
    :param retry_after: seconds to wait before anything else is sent to it
    """

    def __init__(self, message, retry_after=60.0, reason="", **values):
        super().__init__(message, reason, **values)
        self.retry_after = retry_after


class RateLimited(Throttled):
    """Our own limit on requests per second: the message was not sent."""


class Unreachable(SyncError):
    """The destination as a whole does not work: no record would get through."""


class Temporary(SyncError):
    """This attempt failed; the same message may well succeed later."""
