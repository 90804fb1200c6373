# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Draws the figures of a run; started by benchmarks/plot."""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COLORS = {"ours": "#714b67", "full": "#a06a94"}
OTHER = "#b8b8c0"
# Picture: its title and the rows in it.
PICTURES = {
    "editors": ("What people wait for", ("create_bulk", "edit_one", "edit_hang")),
    "imports": ("Import of a file", ("import_csv",)),
    "drain": ("Contacts per second from a full queue", ("drain_rest", "drain_sql")),
    "limits": ("Contacts per second, beside the limit", ("drain_sql_limit",)),
    "outage": ("Job runs while a destination is down", ("outage_runs",)),
}
GOALS = "goals"


def main(file, folder):
    """Draw what a run has measured.

    :param file: path of its output, the last line of which is the JSON object
    :param folder: path of where the pictures go
    """
    run = json.loads(file.read_text().strip().splitlines()[-1])
    rows = {row["id"]: row for row in run["rows"] if row["value"] is not None}
    folder.mkdir(exist_ok=True)
    for name, (title, ids) in PICTURES.items():
        shown = [rows[id_] for id_ in ids if id_ in rows and rows[id_]["peers"]]
        if shown:
            _save(folder, name, _bars(title, shown))
    if rows:
        _save(folder, GOALS, _goals(list(rows.values())))


def _bars(title, rows):
    """A panel for each row, a bar for each peer."""
    figure, panels = pyplot.subplots(
        1, len(rows), figsize=(3.6 * len(rows) + 1, 3.4), squeeze=False
    )
    figure.suptitle(title)
    for panel, row in zip(panels[0], rows, strict=True):
        names, values = zip(*row["peers"].items(), strict=True)
        colors = [COLORS.get(name, OTHER) for name in names]
        lines = [name.replace(", ", ",\n") for name in names]
        bars = panel.bar(lines, values, color=colors)
        panel.bar_label(bars, fmt="{:.4g}")
        panel.set_title(row["id"], fontsize=10)
        panel.set_ylabel(row["unit"])
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _goals(rows):
    """How near each row is to its goal, on one scale: 1 is just reached."""
    figure, panel = pyplot.subplots(figsize=(7, 0.42 * len(rows) + 1.2))
    rows = rows[::-1]
    nearness = [_nearness(row) for row in rows]
    colors = ["#3a9a5b" if row["met"] else "#c9563c" for row in rows]
    bars = panel.barh([row["id"] for row in rows], nearness, color=colors)
    texts = [f"{row['value']:g} (goal {row['goal']:g})" for row in rows]
    panel.bar_label(bars, texts, padding=4, fontsize=8)
    panel.axvline(1, color="black", linewidth=1)
    panel.set_xscale("log")
    panel.set_xlabel("goal = 1; to the right is better")
    panel.spines[["top", "right"]].set_visible(False)
    panel.margins(x=0.35)
    return figure


def _nearness(row):
    """Above 1 where the goal is reached, whichever way is better."""
    value = max(row["value"], 1e-3)
    reached = row["goal"] / value
    return reached if (reached >= 1) == bool(row["met"]) else 1 / reached


def _save(folder, name, figure):
    figure.tight_layout()
    path = folder / f"performance_{name}.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    print(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks/plot")
    parser.add_argument("file", type=Path)
    parser.add_argument("--into", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    main(arguments.file, arguments.into)
