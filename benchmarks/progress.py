# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Says on stderr what is going on."""

import sys
import time

_start = time.monotonic()


def tell(text):
    """Print a line with the time since the start."""
    seconds = int(time.monotonic() - _start)
    print(f"{seconds // 60:3}:{seconds % 60:02} {text}", file=sys.stderr, flush=True)
