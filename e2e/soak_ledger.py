# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the editors of a soak did, as they know it: the checker's side of the story."""

import itertools
import threading
from collections import Counter

STAMP = "v"  # begins the field that holds the version


def stamp(version):
    """Return the text that carries a version number, for example ``v42``."""
    return f"{STAMP}{version}"


def version_of(text):
    """Return the version number in a text made by :func:`stamp`, or None."""
    digits = str(text or "").removeprefix(STAMP)
    return int(digits) if digits.isdecimal() else None


class Ledger:
    """Shared by all editors.

    ``confirmed``: by contact id, the version and state (active, archived, deleted)
    that Odoo has confirmed last. ``inactive``: by contact id, the versions that were to
    archive or delete it. ``failures``: what Odoo answered where it should not have.
    ``interrupted``: number of calls that a killed process left without an answer.
    ``seconds``: how long each answered edit took.
    """

    def __init__(self):
        self._versions = itertools.count(1)
        self._lock = threading.Lock()
        self.confirmed = {}
        self.inactive = {}
        self.failures = []
        self.interrupted = 0
        self.seconds = []
        self.kinds = Counter()

    @property
    def edits(self):
        """Number of changes of a contact that Odoo has confirmed."""
        return sum(self.kinds.values())

    def next_version(self):
        """Return a version number, higher than all before."""
        return next(self._versions)

    def attempt(self, contact, version):
        """Note that a version is about to archive or delete a contact."""
        with self._lock:
            self.inactive.setdefault(contact, []).append(version)

    def confirm(self, contact, version, state, kind):
        """Note a change that Odoo has confirmed."""
        with self._lock:
            self.confirmed[contact] = (version, state)
            self.kinds[kind] += 1

    def took(self, seconds):
        """Note how long an answered edit took."""
        with self._lock:
            self.seconds.append(seconds)

    def fail(self, text):
        """Note an error of a living server."""
        with self._lock:
            self.failures.append(text)

    def interrupt(self):
        """Note a call without an answer."""
        with self._lock:
            self.interrupted += 1

    def percentile(self, percent):
        """Return how many milliseconds that part of the edits took at most."""
        ordered = sorted(self.seconds)
        if not ordered:
            return None
        place = min(len(ordered) - 1, int(len(ordered) * percent / 100))
        return round(ordered[place] * 1000, 1)
