# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Gathers what a soak is judged by, once everything has come to rest."""

import dataclasses
import json

from e2e import soak_runs
from e2e.soak_checker import Evidence
from e2e.soak_configure import CRM, MAPPING, SHOP
from e2e.soak_ledger import STAMP
from support.environment import paths

FILE = paths.LOGS / "soak-evidence.json"


def gather(scene, ledger, stuck, crashes):
    """Read Odoo and the destinations.

    :param scene: the open :class:`soak_scene.Scene`
    :param ledger: the editors' :class:`soak_ledger.Ledger`
    :param stuck: what has not come to its end, as sentences
    :param crashes: as in :class:`soak_faults.Faults`
    :return: :class:`soak_checker.Evidence`
    """
    return Evidence(
        odoo=_contacts(scene.admin),
        crm=scene.crm.contacts(),
        crm_journal=scene.crm.journal(),
        shop=scene.shop.contacts(),
        shop_journal=scene.shop.journal(),
        warehouse=scene.warehouse.contacts(),
        warehouse_journal=scene.warehouse.journal(),
        confirmed=ledger.confirmed,
        inactive=ledger.inactive,
        editor_failures=ledger.failures,
        stuck=stuck,
        ids=_ids(scene, CRM),
        shop_ids=_ids(scene, SHOP),
        history=soak_runs.history(scene),
        crashes=list(crashes),
    )


def save(evidence):
    """Keep the evidence of a run that failed, for who wants to know why.

    :return: the file
    """
    FILE.write_text(json.dumps(dataclasses.asdict(evidence), default=str, indent=1))
    return FILE


def _ids(scene, system):
    """Return the ids of a system by contact, as Odoo has them."""
    return dict(
        scene.query(
            """
            SELECT held.res_id, held.external_id
              FROM sync_binding held
              JOIN sync_stream stream ON stream.id = held.stream_id
              JOIN sync_backend system ON system.id = stream.backend_id
             WHERE system.name = %s AND held.external_id IS NOT NULL
            """,
            system,
        )
    )


def _contacts(admin):
    """Return Odoo's contacts with what a destination should hold of them."""
    countries = {
        row["id"]: row["code"] for row in admin.search_read("res.country", [], ["code"])
    }
    tags = {
        row["id"]: row["name"]
        for row in admin.search_read("res.partner.category", [], ["name"])
    }
    names = {path.split(".")[0] for path in MAPPING} | {"active"}
    rows = admin.search_read(
        "res.partner",
        [("ref", "=like", f"{STAMP}%")],
        sorted(names),
        context={"active_test": False},
    )
    contacts = {}
    for row in rows:
        country = row.pop("country_id")
        row["country"] = countries[country[0]] if country else None
        row["tags"] = [tags[tag] for tag in row.pop("category_id")]
        contacts[row.pop("id")] = row
    return contacts
