# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Stages of a test run side by side: nothing is swallowed, none hides another."""

import re
import threading
import time

import pytest

from support.environment import console, paths, selection
from support.environment.stages import Count, Runner, Stage, summary, total

PATIENCE = 20  # seconds that stages may take to meet


def stage(name, *lines, count=None, **options):
    """A stage that prints lines."""

    def run(out):
        for line in lines:
            out(line)
        return count or Count(1, 0)

    return Stage(name, run, **options)


def fails(error):
    def run(_out):
        raise error

    return run


def test_stages_run_beside_each_other_and_lines_stay_whole(capsys):
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def meet(out):
        barrier.wait()
        for number in range(200):
            out(f"line {number}\nand its end {number}")
        return Count(200, 0)

    results = Runner(2).run([Stage("one", meet), Stage("other", meet)])
    assert [result.count.passed for result in results] == [200, 200]
    printed = capsys.readouterr().out.splitlines()
    for name in ("one", "other"):
        own = [line for line in printed if line.startswith(f"{name:5} | ")]
        texts = [line.partition(" | ")[2] for line in own]
        assert texts[0] == f"== {name}"
        assert re.fullmatch(rf"== {name}: 200 passed, 0 failed in \d+ s", texts[-1])
        pairs = [[f"line {n}", f"and its end {n}"] for n in range(200)]
        assert texts[1:-1] == [line for pair in pairs for line in pair]
    assert all(re.match(r"(one  |other) \| ", line) for line in printed)


def test_one_stage_alone_prints_its_lines_as_they_are(capsys):
    Runner(2).run([stage("only", "as it is")])
    assert "as it is" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(
    "error", [ValueError("broken"), console.Failure("no database"), OSError("full")]
)
def test_a_stage_that_breaks_fails_and_hides_no_other(error, at_once, capsys):
    stages = [stage("before"), Stage("broken", fails(error)), stage("after")]
    results = Runner(at_once).run(stages)
    assert [result.name for result in results] == ["before", "broken", "after"]
    assert [result.count.failed for result in results] == [0, 1, 0]
    assert (total(results).passed, total(results).failed) == (2, 1)
    told = "\n".join(summary(results))
    assert str(error) in told.partition("Failed:")[2]
    assert str(error) in capsys.readouterr().out


def test_every_stage_and_every_failed_test_is_in_the_summary():
    results = Runner(2).run(
        [
            stage("one", count=Count(3, 1, 2, ("test_a",))),
            stage("other", count=Count(4, 1, 0, ("test_b",)), alone=True),
        ]
    )
    told = summary(results)
    assert told[0] == "Stages:"
    assert told[1].startswith("  one: 3 passed, 1 failed, 2 skipped in ")
    assert told[2].startswith("  other: 4 passed, 1 failed in ")
    assert told[3:] == ["Failed:", "  test_a", "  test_b"]
    assert total(results) == Count(7, 2, 2, ("test_a", "test_b"))


def test_what_is_to_be_alone_runs_when_nothing_else_does():
    running, seen = set(), {}

    def run(name):
        def inner(_out):
            running.add(name)
            time.sleep(0.1)
            seen[name] = set(running)
            running.discard(name)
            return Count(1, 0)

        return inner

    stages = [Stage("a", run("a")), Stage("soak", run("soak"), alone=True)]
    Runner(3).run([*stages, Stage("b", run("b"))])
    assert seen["soak"] == {"soak"}
    assert set(seen) == {"a", "b", "soak"}


def test_the_parts_of_the_addons_tests_are_all_of_them():
    parts = selection.parts()
    chosen = [set(tags) for name, tags in parts.items() if name != "second"]
    assert not chosen[0] & chosen[1]
    # the second is all but those of the others
    every, *left_out = parts["second"]
    assert every == f"/{paths.ADDON}"
    assert set(left_out) == {f"-{tag}" for tags in chosen for tag in tags}
    tours = {file.name for file in (paths.ROOT / "tests").glob("test_tours*.py")}
    assert tours <= {tag.rpartition("/")[2] for tag in parts["browser"]}
