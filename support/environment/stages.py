# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs the stages of a test run, several at a time, and tells them apart."""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import console


@dataclass(frozen=True)
class Count:
    """What became of the tests of a stage; ``names`` are those that failed."""

    passed: int
    failed: int
    skipped: int = 0
    names: tuple = ()


@dataclass(frozen=True)
class Stage:
    """A part of a test run.

    :param name: a few words, with which each of its lines begins
    :param run: function that is given a function to print a line by, and returns a
        :class:`Count`
    :param alone: whether nothing else may run meanwhile
    """

    name: str
    run: Callable
    alone: bool = False


@dataclass(frozen=True)
class Result:
    """A stage that has ended, its :class:`Count`, and how long it took."""

    name: str
    count: Count
    seconds: float


class Runner:
    """Runs stages.

    :param at_once: how many may run at the same time
    """

    def __init__(self, at_once):
        self._at_once = at_once
        self._lock = threading.Lock()
        self._waiting = deque()
        self._results = {}
        self._width = 0

    def run(self, stages):
        """Run stages, the first ones first, those that are to be alone at the end.

        A stage that ends with an exception has failed, and the others go on.

        :return: list of :class:`Result`, in the order of ``stages``
        """
        # one stage alone needs no telling apart
        self._width = max(len(stage.name) for stage in stages) if stages[1:] else 0
        beside = [stage for stage in stages if not stage.alone]
        self._run_together(beside, self._at_once)
        for stage in stages:
            if stage.alone:
                self._run_together([stage], 1)
        return [self._results[stage.name] for stage in stages]

    def _run_together(self, stages, lanes):
        self._waiting.extend(stages)
        threads = [
            threading.Thread(target=self._work, daemon=True)
            for _lane in range(min(lanes, len(stages)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        except BaseException as error:
            self._waiting.clear()
            console.end_all(error)
            for thread in threads:
                thread.join(console.PATIENCE)  # they drop their databases
            raise

    def _work(self):
        while True:
            try:
                stage = self._waiting.popleft()
            except IndexError:
                return
            self._results[stage.name] = self._run_one(stage)

    def _run_one(self, stage):
        def out(text):
            self._print(stage.name, text)

        out(f"== {stage.name}")
        start = time.monotonic()
        try:
            count = stage.run(out)
        except console.Failure as failure:
            out(f"  FAIL {failure}")
            count = Count(0, 1, names=(f"{stage.name}: {failure}",))
        except Exception as error:
            out(traceback.format_exc())
            said = f"{stage.name}: {type(error).__name__}: {error}"
            count = Count(0, 1, names=(said,))
        result = Result(stage.name, count, time.monotonic() - start)
        out(f"== {_told(result)}")
        return result

    def _print(self, name, text):
        prefix = f"{name:{self._width}} | " if self._width else ""
        with self._lock:
            for line in str(text).splitlines() or [""]:
                print(prefix + line, flush=True)


def total(results):
    """Return the :class:`Count` of all."""
    counts = [result.count for result in results]
    return Count(
        sum(count.passed for count in counts),
        sum(count.failed for count in counts),
        sum(count.skipped for count in counts),
        tuple(name for count in counts for name in count.names),
    )


def summary(results):
    """Return what a person has to know at the end, as lines."""
    lines = []
    if results[1:]:
        lines += ["Stages:", *(f"  {_told(result)}" for result in results)]
    names = total(results).names
    if names:
        lines += ["Failed:", *(f"  {name}" for name in names)]
    return lines


def words(count):
    """Return a count in words."""
    skipped = f", {count.skipped} skipped" if count.skipped else ""
    return f"{count.passed} passed, {count.failed} failed{skipped}"


def _told(result):
    return f"{result.name}: {words(result.count)} in {result.seconds:.0f} s"
