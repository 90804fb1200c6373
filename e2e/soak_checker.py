# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Judges a soak by what Odoo, the destinations and their journals hold at the end.

Nothing is asked of the addon: it is what is judged.
"""

from collections import Counter
from dataclasses import dataclass, field, fields

from e2e.soak_configure import CRM, SHOP
from e2e.soak_journals import (
    crm_changes,
    crossed,
    doubts,
    stale_writes,
    warehouse_changes,
)


@dataclass
class Evidence:
    """What was found when everything had come to rest.

    ``odoo``: contacts in Odoo by id, archived ones too, as dicts with ``active`` and
    what a destination should hold, by the names it has there. ``crm``: the CRM's
    contacts by its ids, ``shop``: the shop's. ``warehouse``: rows by Odoo's id. The
    journals are those of ``Crm`` and ``Warehouse``. ``confirmed`` and ``inactive`` are
    the editors', see :class:`soak_ledger.Ledger`. ``editor_failures`` and ``stuck`` are
    texts, one for each. ``ids`` and ``shop_ids`` are the ids of CRM and shop as Odoo
    has them, by contact. ``history`` and ``crashes`` are those of
    :func:`soak_journals.doubts`.
    """

    odoo: dict
    crm: dict
    crm_journal: list
    shop: dict
    shop_journal: list
    warehouse: dict
    warehouse_journal: list
    confirmed: dict
    inactive: dict
    editor_failures: list = field(default_factory=list)
    stuck: list = field(default_factory=list)
    ids: dict = field(default_factory=dict)
    shop_ids: dict = field(default_factory=dict)
    history: list = field(default_factory=list)
    crashes: list = field(default_factory=list)

    @property
    def stores(self):
        """What CRM and shop hold, their journals, and their ids as Odoo has them."""
        return {
            CRM: (self.crm, self.crm_journal, self.ids),
            SHOP: (self.shop, self.shop_journal, self.shop_ids),
        }

    def doubts(self, place):
        """Return what :func:`soak_journals.doubts` finds for the CRM or the shop."""
        _held, journal, _ids = self.stores[place]
        history = [row for row in self.history if row["system"] == place]
        return doubts(history, journal, self.crashes)

    @property
    def doubted(self):
        """How often a record was left to a person, who had to look for it."""
        return sum(self.doubts(place)[0] for place in self.stores)


@dataclass
class Findings:
    """What is wrong: a sentence for each thing, by kind. All empty when all is well."""

    mismatches: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    duplicates: list = field(default_factory=list)
    stale_overwrites: list = field(default_factory=list)
    editor_failures: list = field(default_factory=list)
    stuck: list = field(default_factory=list)
    crossed: list = field(default_factory=list)
    doubted_wrongly: list = field(default_factory=list)

    @property
    def counts(self):
        """How many there are of each kind, as a dict."""
        return {kind.name: len(getattr(self, kind.name)) for kind in fields(self)}

    @property
    def ok(self):
        """Whether nothing at all is wrong."""
        return not any(self.counts.values())


def check(evidence):
    """Judge.

    :param evidence: :class:`Evidence`
    :return: :class:`Findings`
    """
    findings = Findings(
        editor_failures=list(evidence.editor_failures), stuck=list(evidence.stuck)
    )
    _check_odoo(evidence, findings)
    active = {
        contact: {key: value for key, value in content.items() if key != "active"}
        for contact, content in evidence.odoo.items()
        if content["active"]
    }
    rows = [
        (contact, row)
        for contact, row in evidence.warehouse.items()
        if not row["deleted"]
    ]
    _compare("warehouse", active, rows, findings)
    journals = {"warehouse": warehouse_changes(evidence.warehouse_journal)}
    for place, (held, journal, ids) in evidence.stores.items():
        rows = [(row.get("odoo_id"), row) for row in held.values()]
        _compare(place, active, rows, findings)
        journals[place], created_twice = crm_changes(journal)
        findings.duplicates += _worse(
            _held_twice(rows), created_twice, f"created again in the {place}"
        )
        findings.crossed += [
            f"the {place}'s {key} is contact {contact}'s in Odoo and contact {owner}'s"
            " there"
            for contact, key, owner in crossed(ids, journal)
        ]
        _count, wrong = evidence.doubts(place)
        findings.doubted_wrongly += [
            f"contact {contact} was in doubt ({doubt}) for no reason, in the {place}"
            for contact, doubt in wrong
        ]
    for place, changes in journals.items():
        for text in stale_writes(changes, evidence.inactive):
            findings.stale_overwrites.append(f"{place}: {text}")
    return findings


def _compare(place, active, rows, findings):
    """Compare what a destination holds with the active contacts of Odoo."""
    for contact in active.keys() - {contact for contact, _row in rows}:
        findings.lost.append(f"contact {contact} is not in the {place}")
    for contact, row in rows:
        if contact not in active:
            text = f"contact {contact} is gone in Odoo and still in the {place}"
            findings.lost.append(text)
            continue
        for key, value in active[contact].items():
            if _plain(row.get(key)) != _plain(value):
                findings.mismatches.append(
                    f"contact {contact}: {key} is {value!r} in Odoo "
                    f"and {row.get(key)!r} in the {place}"
                )


def _check_odoo(evidence, findings):
    """See that Odoo itself holds what it has confirmed to the editors."""
    for contact, (version, state) in evidence.confirmed.items():
        row = evidence.odoo.get(contact)
        later = [v for v in evidence.inactive.get(contact, ()) if v > version]
        if row is None:
            wrong = state != "deleted" and not later
        else:
            held = int(row["ref"][1:])
            wrong = state == "deleted" or held < version
        if wrong:
            text = f"Odoo has forgotten v{version} of contact {contact} ({state})"
            findings.lost.append(text)


def _held_twice(rows):
    counts = Counter(contact for contact, _row in rows)
    return Counter({contact: n - 1 for contact, n in counts.items() if n > 1})


def _worse(found, journaled, text):
    """What is there twice now, and what the journal says was there twice."""
    return [
        f"contact {contact} was {text}" for contact in (found | journaled).elements()
    ]


def _plain(value):
    """A value as it is compared: nothing is nothing, tags have no order."""
    if isinstance(value, list):
        return sorted(value)
    return None if value is False or value == "" else value
