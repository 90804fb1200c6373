# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What gives messages to a transport, and notes whether it keeps to what was agreed."""

import threading


class Supply:
    """Gives the messages of a list, as :meth:`.base.Transport.deliver` takes them.

    :param messages: each about another record
    """

    def __init__(self, messages):
        self._left = list(messages)
        self._under_way = []
        self._thread = threading.current_thread()
        self._over = False
        #: how many were given each time
        self.given = []
        #: what went wrong, in words
        self.faults = []

    def add(self, messages):
        """Have more messages, from any thread."""
        self._left = self._left + messages

    def take(self, most):
        if threading.current_thread() is not self._thread:
            self.faults.append("taken in another thread")
        if self._over:
            self.faults.append("taken after the end")
        messages, self._left = self._left[:most], self._left[most:]
        self._under_way += messages
        self._over = not self._under_way
        self.given.append(len(messages))
        return messages

    def deliver_by(self, transport):
        """:return: the receipts, as they come in"""
        for receipt in transport.deliver(self.take):
            if receipt.message in self._under_way:
                self._under_way.remove(receipt.message)
            else:
                self.faults.append(f"no receipt was due for {receipt.message}")
            if receipt.holds_up_others:
                self._left = []
            yield receipt
        if not self._over:
            self.faults.append("not asked until there was no more")
        self.faults += [f"no receipt for {each}" for each in self._under_way]
