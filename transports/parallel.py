# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Send several messages at once, by threads that know nothing of Odoo."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from .base import Message, Receipt, not_sent, obstacle_in


def deliver_all(
    deliver: Callable[[Message], Receipt], messages: Iterable[Message], threads: int
) -> list[Receipt]:
    """Deliver the messages, up to ``threads`` at a time.

    Messages about the same record are sent one after the other. Once the destination
    is found unreachable or asks to wait, no further message is started, as in
    :class:`.base.SequentialTransport`; those under way are finished.

    :param deliver: called by several threads; a fault of the destination goes into
        the receipt that it returns
    :return: one receipt for each message, in the same order
    """
    work = _Work(deliver, list(messages))
    threads = min(threads, work.left)
    if threads <= 1:
        work.run()
    else:
        with ThreadPoolExecutor(threads, thread_name_prefix="sync-send") as executor:
            try:
                for future in [executor.submit(work.run) for _number in range(threads)]:
                    future.result()
            finally:
                work.stop()  # also when this thread is interrupted
    return work.receipts()


class _Work:
    def __init__(self, deliver, messages):
        self._deliver = deliver
        self._messages = messages
        self._receipts = [None] * len(messages)
        self._lock = threading.Lock()
        self._obstacle = None
        self._stopped = False
        by_record = {}
        for number, message in enumerate(messages):
            by_record.setdefault((message.route.target, message.key), []).append(number)
        self.left = len(by_record)
        self._records = iter(by_record.values())

    def run(self):
        """Deliver until nothing is left, or nothing more may be started."""
        try:
            while numbers := self._next():
                for number in numbers:
                    if self._obstacle is not None or self._stopped:
                        break
                    receipt = self._deliver(self._messages[number])
                    self._receipts[number] = receipt
                    self._note(obstacle_in([receipt]))
        except BaseException:
            self.stop()  # a bug: the others need not go on
            raise

    def stop(self):
        self._stopped = True

    def receipts(self):
        return [
            receipt or not_sent(message, self._obstacle)
            for message, receipt in zip(self._messages, self._receipts, strict=True)
        ]

    def _next(self):
        with self._lock:
            if self._obstacle is not None or self._stopped:
                return None
            return next(self._records, None)

    def _note(self, obstacle):
        if obstacle is not None:
            with self._lock:
                self._obstacle = self._obstacle or obstacle
