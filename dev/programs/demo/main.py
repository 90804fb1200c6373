# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the demo in the environment that dev/setup has made."""

import signal
import sys
import traceback
from contextlib import suppress

from dev.programs.demo import arguments
from dev.programs.demo.report import Report
from dev.programs.demo.scene import Scene
from dev.programs.demo.story import NotShown, Story
from support.environment import console
from support.processes import NotInTime

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Ctrl-C, or a signal to end."""


def main():
    """Run the demo.

    :return: exit status
    """
    asked = arguments.parse()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    report = Report()
    scene = Scene(report, asked.port)
    problem = None
    try:
        try:
            _play(report, scene, asked.once)
        finally:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # stopping takes some seconds
            report.title("Stopping everything.")
            scene.close()
    except (Interrupted, console.Failure, NotInTime, NotShown) as error:
        problem = str(error)
    except Exception as error:
        traceback.print_exc()
        problem = f"{type(error).__name__}: {error}"
    if problem:
        print(f"Error: {problem}", file=sys.stderr, flush=True)
    if asked.once:
        print(report.json(problem), flush=True)
    return 1 if problem else 0


def _play(report, scene, once):
    try:
        scene.open()
        Story(report, scene).tell()
    except (Interrupted, console.Failure):
        raise
    except Exception:
        # Now, for what stopping adds to the log says nothing of the reason.
        print(scene.explanation(), file=sys.stderr)
        raise
    if not once:
        with suppress(Interrupted):
            scene.serve()


def _interrupt(number, _frame):
    raise Interrupted(f"ended by {signal.Signals(number).name}")


if __name__ == "__main__":
    console.main(main)
