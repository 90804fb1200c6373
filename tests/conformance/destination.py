# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the kit asks of a destination for tests."""

import abc

# What can be wrong with a destination, from then on until it is mended.
DOWN = "down"  # it takes no connection
SILENT = "silent"  # it takes requests and never answers
LOCKED = "locked"  # it does not take the credentials
REFUSE = "refuse"  # it refuses content whose name begins with REFUSED
ECHO = "echo"  # it refuses everything, and repeats the credentials in its reason
STUMBLE = "stumble"  # it fails, and may well succeed later
THROTTLE = "throttle"  # it asks to be left alone for RETRY_AFTER
THROTTLE_DATE = "throttle_date"  # the same, by naming the date when that is over
BUSY = "busy"  # the same, since it is overloaded: over HTTP it is 503, and not 429
BUSY_DATE = "busy_date"  # the same, by naming the date
LOSE = "lose"  # it does what it is asked, and breaks off before it answers
DENY = "deny"  # it refuses the same, and answers like a success
BLOCK = "block"  # something before it refuses the same, as a firewall does
NAMELESS = "nameless"  # it creates records, and answers with nothing that can be an id
FORGET = "forget"  # it loses all records that it holds, at once
MISLEAD = "mislead"  # there is nothing where known records are changed and deleted
BABBLE = "babble"  # as REFUSE, and its answers are megabytes, nested deeply, or no text
# What some kinds of destination have no way to say, or can never do.
OPTIONAL = {
    LOCKED,
    ECHO,
    STUMBLE,
    THROTTLE,
    THROTTLE_DATE,
    BUSY,
    BUSY_DATE,
    LOSE,
    DENY,
    BLOCK,
    NAMELESS,
    FORGET,
    MISLEAD,
    BABBLE,
}
FAULTS = OPTIONAL | {DOWN, SILENT, REFUSE}

REFUSED = "Refused"
RETRY_AFTER = 120  # seconds


class Destination(abc.ABC):
    """A real destination that listens while it is used in a ``with`` statement."""

    #: credentials as configured, which nothing may show
    secrets: tuple[str, ...] = ()
    #: why it cannot have some of the ``OPTIONAL`` faults, by fault
    cannot: dict[str, str] = {}

    @abc.abstractmethod
    def start(self) -> None:
        """Listen."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Listen no more, and leave nothing behind; harmless when it never did."""

    @abc.abstractmethod
    def backend_values(self) -> dict:
        """:return: values of the ``sync.backend`` that leads here, its secrets among
        them by their names; the kit sets the name and the timeouts"""

    @abc.abstractmethod
    def stream_values(self) -> dict:
        """:return: where records go, as values of the ``sync.stream``"""

    @abc.abstractmethod
    def records(self) -> list[dict]:
        """:return: what it holds: name, email and city of each record, and deleted
        where the record is marked so"""

    @abc.abstractmethod
    def fault(self, kind: str) -> None:
        """Have one of the ``FAULTS``, until :meth:`mend`."""

    @abc.abstractmethod
    def mend(self) -> None:
        """Work again."""

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_exception):
        self.stop()
