# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The benchmarks run and tell what they measured; nothing is said about time here."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import requests

from support.databases import query
from support.destinations.lean_process import Destination
from support.figures import Result, Row, in_turns, ratio

ROOT = Path(__file__).parents[1]
RUN = ROOT / "benchmarks" / "run"
PLOT = ROOT / "benchmarks" / "plot"
SCALE = ROOT / "benchmarks" / "scale"
WHOLE_RUN = 600  # seconds; about 60 on a quiet machine with two cores
ROWS = ("edit_hang", "pickup_ms")


def _databases():
    found = query(
        "postgres", "SELECT datname FROM pg_database WHERE datname ~ '_bench_'"
    )
    return {name for (name,) in found}


def test_fastest_rows(tmp_path):
    before = _databases()
    command = [RUN, "--quick", "--json", "--rounds", "1", "--rows", ",".join(ROWS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WHOLE_RUN)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert [row["id"] for row in result["rows"]] == list(ROWS)
    hang, pickup = result["rows"]
    idle = {"ours, idle", "bare, idle"}
    assert set(hang["peers"]) == {"ours", "bare", "naive", *idle}
    assert set(pickup["peers"]) == {"ours", "naive"}
    for row in result["rows"]:
        assert all(figure > 0 for figure in row["peers"].values())
        assert (row["met"], row["rounds"]) == (row["value"] <= row["goal"], 1)
    ours, bare, ours_idle, bare_idle = (
        hang["peers"][name] for name in ("ours", "bare", "ours, idle", "bare, idle")
    )
    less = ours / bare - ours_idle / bare_idle
    assert hang["value"] == pytest.approx(less, abs=0.01)
    assert pickup["value"] == pickup["peers"]["ours"]
    assert result["machine"]["cpus"] > 0
    assert result["machine"]["quick"] is True
    assert _databases() <= before

    saved = tmp_path / "run.json"
    saved.write_text(done.stdout)
    subprocess.run([PLOT, saved, "--into", tmp_path], check=True, timeout=WHOLE_RUN)
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {"performance_editors.png", "performance_goals.png"}


def test_screens_at_scale():
    rows = ("deliveries", "filters", "dashboard")
    command = [SCALE, "--quick", "--json", "--rows", ",".join(rows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WHOLE_RUN)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert [row["id"] for row in result["rows"]] == list(rows)
    for row in result["rows"]:
        assert row["value"] == pytest.approx(
            max(
                figure / max(1, 1.3 * row["peers"].get(f"{name}, bare", 0))
                for name, figure in row["peers"].items()
                if not name.endswith(", bare")
            ),
            rel=0.01,
        )


def test_what_is_wrong_with_the_arguments_is_told():
    command = [RUN, "--rows", "edit_one,speed"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'speed'" in done.stderr


def test_turns_go_both_ways():
    order = []

    def action(name, figure):
        order.append(name)
        return figure

    samples = in_turns(
        3, {"a": lambda: action("a", 3.0), "b": lambda: action("b", 2.0)}
    )
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert ratio(samples, "a", "b") == 1.5
    assert ratio({"a": [1, 8, 3], "b": [1, 2, 2]}, "a", "b") == 1.5


@pytest.mark.parametrize(
    ("at_least", "value", "met"),
    [(False, 1.2, True), (False, 1.3, False), (True, 1.3, True), (True, None, None)],
)
def test_a_goal_is_reached_from_its_side(at_least, value, met):
    row = Row("row", "", 1.2, (), lambda _scene: Result(value), at_least)
    assert row.met(row.measure(None).value) is met


@pytest.fixture
def destination():
    """A running destination."""
    running = Destination()
    running.start()
    yield running
    running.stop()


def _send(destination, email, **options):
    body = {"name": "Ada", "email": email}
    url = f"{destination.url}/contacts"
    return requests.post(url, json=body, timeout=5, **options)


def test_destination_notes_when_a_contact_arrives(destination):
    before = time.monotonic()
    with destination.with_latency(0.3):
        first, second = (_send(destination, "a@example.com") for _again in range(2))
    assert first.status_code == 201
    assert first.json()["id"] != second.json()["id"]
    arrived = destination.first_arrivals()["a@example.com"]
    assert before <= arrived < before + 0.3
    assert destination.first_arrival("a@example.com") == arrived
    assert destination.first_arrival("b@example.com") is None
    assert destination.last_arrivals()["a@example.com"] >= arrived + 0.3
    counts = destination.counts()
    assert (counts["contacts"], counts["requests"]) == (1, 2)
    assert counts["answered_at"] >= before + 0.6
    destination.tell(reset=True)
    assert destination.counts()["requests"] == 0
    assert destination.wait_for(0, 1) is None


def test_destination_hangs_on_one_contact(destination):
    destination.tell(hang=["a@example.com"])
    assert _send(destination, "b@example.com").ok
    with pytest.raises(requests.ReadTimeout):
        requests.put(
            f"{destination.url}/contacts/1",
            json={"email": "a@example.com"},
            timeout=0.3,
        )
    destination.tell(hang=[])
    assert _send(destination, "a@example.com").ok


def test_destination_comes_back_where_it_was(destination):
    url = destination.url
    destination.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    destination.start()
    assert destination.url == url
    assert destination.counts()["requests"] == 0
