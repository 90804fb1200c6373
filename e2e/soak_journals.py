# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Reads the destinations' journals for what must not have happened.

An entry with the status 202 is about what was carried out later, which has an entry of
its own.
"""

from collections import Counter
from dataclasses import dataclass

from e2e.soak_ledger import version_of


@dataclass(frozen=True)
class Change:
    """Something that a destination did to its copy of a contact.

    ``contact`` is Odoo's id, ``version`` what was written, None when the copy was
    removed or marked as deleted.
    """

    number: int
    contact: int
    version: int | None


def crm_changes(journal):
    """Return what the CRM did, or the shop.

    :param journal: as :meth:`Crm.journal` returns it
    :return: list of :class:`Change`, and a ``Counter`` of how often each contact was
        created while the CRM already had it
    """
    changes, again = [], Counter()
    contact_of, alive = {}, {}
    for entry in journal:
        if entry["replayed"] or not _is_done(entry):
            continue
        key = entry["contact"]
        if entry["method"] == "POST":
            contact = contact_of[key] = entry["body"]["odoo_id"]
            here = alive.setdefault(contact, set())
            if here:
                again[contact] += 1
            here.add(key)
        elif entry["method"] == "DELETE":
            contact = contact_of[key]
            alive[contact].discard(key)
            changes.append(Change(entry["number"], contact, None))
            continue
        elif entry["method"] not in ("PUT", "PATCH"):
            continue
        version = version_of(entry["body"]["ref"])
        changes.append(Change(entry["number"], contact_of[key], version))
    return changes, again


def crossed(ids, journal):
    """Find the contacts that have, or had, the id of another one's record.

    :param ids: the CRM's ids as Odoo has them at the end, by contact
    :param journal: as :meth:`Crm.journal` returns it
    :return: list of (contact, the CRM's id, the contact that it was given to)
    """
    owners, used = {}, {(contact, key) for contact, key in ids.items() if key}
    for entry in journal:
        if not _is_done(entry):
            continue
        if entry["method"] == "POST":
            owners[entry["contact"]] = entry["body"]["odoo_id"]
        elif entry["method"] in ("PUT", "PATCH"):
            used.add((entry["body"]["odoo_id"], entry["contact"]))
    return [
        (contact, key, owners.get(key))
        for contact, key in sorted(used)
        if owners.get(key) != contact
    ]


def _is_done(entry):
    return 200 <= entry["status"] < 300 and entry["status"] != 202


def doubts(history, journal, crashes):
    """Find the records that were left to a person, and those that need not have been.

    There has to be a request that creates the record, since a person has decided about
    it the last time, of which Odoo cannot know whether it made one, or which. It was
    not answered, or with 202, 409 (still in progress) or 5xx; or Odoo has not kept the
    answer, since something crashed.

    :param history: of the system, as :func:`soak_runs.history` returns it
    :param journal: as :meth:`Crm.journal` returns it
    :param crashes: list of (start, end), in seconds since the epoch
    :return: how many there were, list of (contact, doubt) of the wrong ones
    """
    creations = {}
    for entry in journal:
        if entry["method"] == "POST":
            creations.setdefault(entry["body"]["odoo_id"], []).append(entry)
    count, wrong, before, since, ids = 0, [], {}, {}, {}
    for row in history:
        contact, doubt = row["contact"], row["doubt"]
        if doubt and doubt != before.get(contact):
            count += 1
            known = ids.get(contact, ())
            asked = [
                entry
                for entry in creations.get(contact, ())
                if since.get(contact, 0) <= entry["time"] <= row["time"]
                and not (entry["contact"] and entry["contact"] in known)
            ]
            if not any(_leaves_open(each, row["time"], crashes) for each in asked):
                wrong.append((contact, doubt))
        elif before.get(contact) and not doubt:
            since[contact] = row["time"]
        before[contact] = doubt
        if row["id"]:
            ids.setdefault(contact, set()).add(row["id"])
    return count, wrong


def _leaves_open(entry, until, crashes):
    """Tell whether a request that creates may have made a record unknown to Odoo.

    :param until: when Odoo has said that it does not know, as of ``crashes``
    """
    told = entry["answered"]
    if told is None or told in (202, 409) or told >= 500:
        return True
    return any(start <= until and entry["time"] <= end for start, end in crashes)


def warehouse_changes(journal):
    """Return what the warehouse did.

    :param journal: as :meth:`Warehouse.journal` returns it
    :return: list of :class:`Change`
    """
    return [
        Change(
            entry["number"],
            entry["odoo_id"],
            None
            if entry["content"]["deleted"] or entry["operation"] == "DELETE"
            else version_of(entry["content"]["ref"]),
        )
        for entry in journal
    ]


def stale_writes(changes, inactive):
    """Find the writes of a version older than what the destination had seen.

    A removal has no version of its own. It was for one of the versions that archived
    or deleted the contact, at least for the first one after what was seen before. One
    that follows another may have been sent for the same version again.

    :param changes: list of :class:`Change`, oldest first
    :param inactive: by contact, the versions that were to archive or delete it
    :return: list of sentences
    """
    found, seen, removed = [], {}, set()
    for change in changes:
        newest = seen.get(change.contact, 0)
        if change.version is None:
            if change.contact in removed:
                continue
            removed.add(change.contact)
            later = [v for v in inactive.get(change.contact, ()) if v > newest]
            seen[change.contact] = min(later, default=newest)
            continue
        removed.discard(change.contact)
        if change.version < newest:
            found.append(
                f"v{change.version} of contact {change.contact} was written after "
                f"v{newest} (entry {change.number} of the journal)"
            )
        else:
            seen[change.contact] = change.version
    return found
