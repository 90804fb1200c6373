# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the benchmarks in the environment that dev/setup has made."""

import signal
import sys
import traceback

from benchmarks import arguments, report, rows, sizes
from benchmarks.progress import tell
from benchmarks.scene import Scene
from support.environment import console
from support.figures import Result


def main():
    """Run the benchmarks; see :func:`run`."""
    return run(arguments.RUN, rows.ALL)


def run(command, every):
    """Measure the rows that the command line names.

    :param command: the :class:`~benchmarks.arguments.Command`
    :param every: ``Row`` by id, all that there are
    :return: exit status, 0 when every row could be measured
    """
    asked = arguments.parse(command)
    chosen = [every[name] for name in asked.rows]
    names = {name for row in chosen for name in row.peers}
    scene = Scene(names, sizes.of(asked), asked.keep, asked.before)
    measured, failed = [], []
    try:
        # What steps say is progress too: the result has stdout for itself.
        output, sys.stdout = sys.stdout, sys.stderr
        scene.open()
        for row in chosen:
            tell(f"measuring {row.id}")
            result = _measure(row, scene, failed)
            measured.append((row, result))
            print(report.table([(row, result)]), flush=True)
        about = report.machine(asked)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping takes some seconds
        tell("stopping everything")
        scene.close()
        sys.stdout = output
    print(report.table(measured))
    if asked.json:
        print(report.as_json(measured, about), flush=True)
    return 1 if failed else 0


def _measure(row, scene, failed):
    """Measure a row; one that fails does not keep the others from being measured."""
    try:
        return row.measure(scene)
    except (console.Failure, KeyboardInterrupt):
        raise
    except Exception as error:
        traceback.print_exc()
        failed.append(row.id)
        return Result(None, note=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    console.main(main)
