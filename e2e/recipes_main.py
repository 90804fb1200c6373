# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Judges recipes in the environment that dev/setup has made; started by e2e/recipes."""

import itertools
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

from e2e import recipes_arguments, recipes_judges, recipes_table
from e2e.recipes_cases import Trial
from e2e.recipes_scene import Scene, names, recipe
from support.environment import console, postgres

AT_ONCE = 6  # trials, most of whose time is a wait for jobs


def main():
    """Judge recipes.

    :return: exit status
    """
    arguments = recipes_arguments.parse()
    known = names() | recipes_judges.without_recipe()
    unknown = set(arguments.names) - known
    if unknown:
        raise console.Failure(f"There is no recipe {', '.join(sorted(unknown))}.")
    start = time.monotonic()
    pairs, left_out = recipes_judges.chosen(arguments.names, arguments.all)
    judged = {name for name, _judge in pairs}
    if arguments.write and (left_out or known - judged):
        missing = "; ".join((*left_out, *sorted(known - judged)))
        raise console.Failure(
            f"Not all can be judged, so nothing is written: {missing}"
        )
    with postgres.running() as variables:
        os.environ.update(variables)
        rows, reasons = _judged(pairs)
    rows.sort(key=lambda row: (row["name"].casefold(), row["judge"]))
    print(recipes_table.as_text(rows))
    for line in (*left_out, *reasons):
        print(line)
    print(f"It took {time.monotonic() - start:.0f} s.")
    if arguments.write:
        recipes_table.write(rows)
    ok = bool(rows) and all(row["ok"] for row in rows)
    print(json.dumps({"recipes": rows, "ok": ok}), flush=True)
    return 0 if ok else 1


def _judged(pairs):
    """Have each recipe judged.

    :return: rows, and sentences about what has failed
    """
    opened = ExitStack()
    try:
        return _told(pairs, _tried(pairs, opened))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping takes some seconds
        opened.close()


def _tried(pairs, opened):
    """Start everything and try each recipe.

    :param opened: the ``ExitStack`` that stops it
    :return: list of results and reasons, see :class:`.recipes_cases.Trial`
    """
    start = time.monotonic()
    # kept open: what a thread has started is told to end when the thread does
    pool = opened.enter_context(ThreadPoolExecutor(len(pairs) + 1))
    scene = pool.submit(opened.enter_context, Scene())
    starting = [pool.submit(opened.enter_context, judge) for _name, judge in pairs]
    scene = scene.result()
    wait(starting)
    print(f"Everything runs after {time.monotonic() - start:.0f} s.", flush=True)

    def try_one(number, pair, started):
        name, judge = pair
        start = time.monotonic()
        try:
            started.result()
            stream = scene.connect(name, judge, number)
        except Exception as error:
            reason = f"not set up: {type(error).__name__}: {error}"
            return {"create": "failed"}, {"create": reason}
        trial = Trial(scene, stream, judge)
        results = trial.run()
        scene.disconnect(stream)
        print(f"{judge.name}: {time.monotonic() - start:.0f} s", flush=True)
        return results, trial.reasons

    with ThreadPoolExecutor(AT_ONCE) as lanes:
        return [*lanes.map(try_one, itertools.count(1), pairs, starting)]


def _told(pairs, tried):
    """Return the rows, and sentences about what has failed."""
    rows, told = [], []
    for (name, judge), (results, reasons) in zip(pairs, tried, strict=True):
        title = "no recipe" if judge.form else recipe(name)["name"]
        rows.append(recipes_table.row_of(title, judge, results))
        told += [f"{title}, {case}: {reason}" for case, reason in reasons.items()]
    return rows, told


if __name__ == "__main__":
    console.main(main)
