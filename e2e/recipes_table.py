# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table of what was judged, for a terminal and for docs/systems.md."""

import re

from support.environment import paths
from support.judges.judge import CASES, DOUBLE, SPECIFICATION

PAGE = paths.ROOT / "docs" / "systems.md"
BEGIN, END = "<!-- made by ./e2e/recipes --all --write -->", "<!-- until here -->"
TITLES = {"noop": "no-op"}
HEAD = ("recipe", *(TITLES.get(case, case) for case in CASES), "judge")
# Short, for a table that is read in a column; nothing for what was not judged.
SHORT = {"passed": "passed", "failed": "failed", None: ""}
KINDS = {DOUBLE: "double", SPECIFICATION: "specification"}


def told(judge):
    """Return what the table says of a judge: whether it is the real thing."""
    kind = KINDS.get(judge.kind)
    return f"{kind}: {judge.name}" if kind else judge.name


def row_of(name, judge, results):
    """Return the row of one recipe and one judge, as the JSON has it.

    :param results: "passed", "failed" or None by case
    """
    found = {case: results.get(case) for case in CASES}
    ok = "failed" not in found.values() and "passed" in found.values()
    return {"name": name, "judge": told(judge), **found, "ok": ok}


def _cells(row):
    return [row["name"], *(SHORT[row[case]] for case in CASES), row["judge"]]


def as_text(rows):
    """Return the table for a terminal."""
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def as_markdown(rows):
    """Return the table for a page."""
    lines = [HEAD, ["---"] * len(HEAD), *map(_cells, rows)]
    return "\n".join(
        "|".join(["", *(f" {cell} " if cell else " " for cell in line), ""])
        for line in lines
    )


def write(rows):
    """Put the table into the page."""
    text = PAGE.read_text()
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{as_markdown(rows)}\n\n{END}{after}")


def read():
    """Return the rows of the page, as the JSON has them.

    :raises ValueError: the page has no such table
    """
    found = re.search(
        f"{re.escape(BEGIN)}(.*){re.escape(END)}", PAGE.read_text(), re.DOTALL
    )
    if not found:
        raise ValueError(f"{PAGE} has no table of recipes")
    lines = [line for line in found[1].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = []
    for name, *words, judge in cells[2:]:
        results = dict(zip(CASES, (word or None for word in words), strict=True))
        ok = "failed" not in words and "passed" in words
        rows.append({"name": name, "judge": judge, **results, "ok": ok})
    return rows
