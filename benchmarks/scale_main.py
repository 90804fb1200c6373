# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Measures at scale in the environment that dev/setup has made."""

from benchmarks import arguments, main, scale_rows
from support.environment import console

if __name__ == "__main__":
    console.main(lambda: main.run(arguments.SCALE, scale_rows.ALL))
