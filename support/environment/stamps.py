# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stamps say what a finished step was made from, so that it is not done again.

A stamp is written after its step and removed before it: a step that was
interrupted has none and is done again from the start.
"""

import hashlib
from contextlib import contextmanager

from . import paths


def key(*parts):
    """A short hash of what a step depends on; a path stands for its content."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if hasattr(part, "read_bytes") else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:24]


def fresh(name, wanted):
    """Whether the step was finished from the same things."""
    stamp = paths.STAMPS / name
    return stamp.is_file() and stamp.read_text() == wanted


@contextmanager
def made(name, wanted):
    """Around a step: its stamp is there only once the step is through."""
    stamp = paths.STAMPS / name
    stamp.unlink(missing_ok=True)
    yield
    stamp.write_text(wanted)
