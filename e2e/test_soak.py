# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A short soak: nothing goes wrong under fire, and it says so."""

import json

WHOLE_RUN = 600  # seconds; about 120 on a quiet machine with two cores
ZERO = (
    "mismatches",
    "lost",
    "duplicates",
    "stale_overwrites",
    "editor_failures",
    "stuck",
    "crossed",
    "doubted_wrongly",
)
# Faults whose number is left to chance.
PLAYED = {
    *("crm_accepted", "crm_error_in_200", "crm_forbidden", "crm_in_progress"),
    *("crm_lost_route", "shop_cut", "shop_drop", "shop_error_in_200"),
}


def test_short_soak(soak):
    process = soak(
        *("--seconds", "30", "--seed", "11", "--editors", "4", "--contacts", "20"),
        *("--edits", "240", "--kills", "5", "--outages", "2", "--settle", "240"),
    )
    output, errors = process.communicate(timeout=WHOLE_RUN)
    assert output, errors
    result = json.loads(output.splitlines()[-1])
    assert {kind: result[kind] for kind in ZERO} == dict.fromkeys(ZERO, 0), output
    assert (result["ok"], process.returncode) == (True, 0), output

    # All that was to be shown has been there.
    assert result["edits"] >= 60
    assert result["contacts"] >= 15
    assert result["deliveries"] >= 60
    assert 0 < result["editor_p50_ms"] <= result["editor_p99_ms"]
    faults = result["faults"]
    killed = {kind: n for kind, n in faults.items() if kind.startswith("killed_")}
    assert sum(killed.values()) == 4, killed
    assert sum(n for kind, n in faults.items() if kind.startswith("postgres_")) == 1
    assert faults["connections_lost"] >= 1
    assert (faults["crm_down"], faults["warehouse_down"]) == (1, 1)
    assert faults["killed_worker_in_chunk"] == 1
    assert (faults["crm_slow"], faults["hot_contact"]) == (1, 1)
    assert result["hot_edits"] >= 5
    assert 0 < result["runs_per_delivery"] <= 1.5
    assert set(faults) >= PLAYED
    assert result["doubted"] >= 1
    assert faults["killed_odoo"] == faults["killed_runner"] == 1
