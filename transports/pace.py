# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Keep to a number of requests per second that all senders share."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .. import wording
from ..exceptions import RateLimited

# Seconds to sleep for a turn at most: a worker that waits for longer is better used
# for something else.
MAX_WAIT = 10.0
# Seconds' worth of turns that are reserved at once.
SPAN = 0.5
# Seconds after which a turn that was not taken is void: turns that pile up while a
# slow answer is awaited would otherwise be a burst.
MAX_LATE = 1.0


@dataclass(frozen=True)
class Slots:
    """Turns that were reserved.

    :param delay: seconds from now to the first
    :param count: how many; 0 when the first would be further away than allowed
    :param rate: turns per second; 0 when there is no limit any more
    """

    delay: float
    count: int
    rate: float


class Pace:
    """Before each real request, any thread calls :meth:`wait`.

    :param reserve: is given the number of turns that are of use (at most), the
        seconds' worth of them that it may reserve (at most), and the seconds that the
        first may be away (at most); returns :class:`Slots`
    :param end: until when a turn may be waited for, by the clock of
        ``time.monotonic()``; ``None`` for no such time
    """

    def __init__(
        self,
        reserve: Callable[[int, float, float], Slots],
        end: float | None = None,
    ):
        self.end = end
        self._reserve = reserve
        self._lock = threading.Lock()
        self._turns = deque()
        self._expected = 0
        self._free_until = 0.0

    def expect(self, count: int) -> None:
        """Announce requests, so that their turns need not be asked for one by one."""
        with self._lock:
            self._expected = count

    def wait(self) -> None:
        """Sleep until it is the turn of one more request.

        :raise RateLimited: that is too far away, or after the end
        """
        with self._lock:
            turn = self._take()
        while (left := turn - time.monotonic()) > 0:
            time.sleep(left)

    def _take(self):
        """:return: when the next turn is, by this process's clock"""
        now = time.monotonic()
        if now < self._free_until:
            return now
        while self._turns and self._turns[0] < now - MAX_LATE:
            self._turns.popleft()
        if not self._turns:
            self._refill(now)
            now = time.monotonic()
        self._expected -= 1
        turn = self._turns.popleft() if self._turns else now
        if self.end is not None and turn > max(self.end, now):
            raise _limited(turn - now)
        return turn

    def _refill(self, now):
        patience = MAX_WAIT
        if self.end is not None:
            patience = max(0.0, min(patience, self.end - now))
        slots = self._reserve(max(self._expected, 1), SPAN, patience)
        # Read after the answer: rather a little late than a little early.
        now = time.monotonic()
        if not slots.rate:
            self._free_until = now + SPAN
        elif not slots.count:
            raise _limited(slots.delay)
        else:
            first = now + slots.delay
            self._turns.extend(first + n / slots.rate for n in range(slots.count))


def slots_within(rate: float, count: int, span: float) -> int:
    """:return: how many turns to reserve: those of use, up to ``span`` seconds' worth,
    and at least one"""
    return max(1, min(count, math.floor(rate * span)))


def _limited(seconds):
    sentence = wording._lt(
        "Not sent: this would be more requests per second than the system is to get."
    )
    return RateLimited(sentence, max(seconds, 1.0))
