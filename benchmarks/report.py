# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The table and the JSON of a run."""

import json
import os
import platform
import time
from importlib.metadata import version

import psutil

from support.environment import postgres


def machine(arguments):
    """Return what the figures depend on, as a dict."""
    ((server,),) = postgres.sql("SHOW server_version")
    return {
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "odoo": version("odoo"),
        "postgresql": server,
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "load": [round(load, 2) for load in os.getloadavg()],
        "quick": arguments.quick,
    }


def as_json(rows, about):
    """Return the last line of a run.

    :param rows: pairs of ``Row`` and ``Result``
    :param about: the answer of :func:`machine`
    """
    return json.dumps(
        {
            "rows": [
                {
                    "id": row.id,
                    "value": _rounded(result.value),
                    "goal": row.goal,
                    "met": row.met(result.value),
                    "peers": {k: _rounded(v) for k, v in result.peers.items()},
                    "rounds": result.rounds,
                    "unit": result.unit,
                    "note": result.note,
                }
                for row, result in rows
            ],
            "machine": about,
        }
    )


def table(rows):
    """Return the table of a run: ratios first."""
    lines = []
    for row, result in rows:
        met = {True: "reached", False: "NOT REACHED", None: "-"}[row.met(result.value)]
        value = "-" if result.value is None else f"{_rounded(result.value):g}"
        sign = ">=" if row.at_least else "<="
        goal = f"{sign} {row.goal:g}"
        lines.append(f"{row.id:18}{value:>9}  {goal:<9}{met:<12} {row.title}")
        figures = ", ".join(
            f"{name} {_rounded(figure):g} {result.unit}".rstrip()
            for name, figure in result.peers.items()
        )
        rounds = f"{result.rounds} rounds" if result.rounds else ""
        told = "; ".join(filter(None, (figures, rounds, result.note)))
        lines.append(f"{'':18}{told}")
    return "\n".join(lines)


def _rounded(figure):
    """Four digits say all that a measurement can."""
    return None if figure is None else float(f"{figure:.4g}")
