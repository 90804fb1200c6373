# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The soak's checker finds what is planted, and nothing where all is well."""

import random

import pytest

from e2e import soak_plan
from e2e.soak_checker import Evidence, check
from e2e.soak_configure import CRM, SHOP
from e2e.soak_journals import Change, stale_writes
from e2e.soak_log import retries_of_editors

AT_THE_CRM = ("accepted", "error_in_200", "forbidden", "in_progress")
AT_THE_SHOP = ("accepted", "cut", "drop", "error_in_200", "forbidden", "lie")
ADA = {"name": "Ada", "email": None, "tags": ["Press", "VIP"]}


def post(number, contact, version, key="C-1", **extra):
    body = {**ADA, "odoo_id": contact, "ref": f"v{version}"}
    entry = {"number": number, "time": number, "method": "POST", "replayed": False}
    told = {"status": 201, "answered": 201}
    return {**entry, **told, "contact": key, "body": body, **extra}


def put(number, contact, version, key="C-1", **extra):
    accepted = {"method": "PUT", "status": 200, "answered": 200}
    return post(number, contact, version, key, **{**accepted, **extra})


def delete(number, key="C-1", **extra):
    entry = {"number": number, "method": "DELETE", "status": 204, "replayed": False}
    return {**entry, "contact": key, "body": "", **extra}


def known(time, contact, key, doubt=None, system=SHOP):
    """What Odoo knew of a contact at a system from then on."""
    return dict(system=system, contact=contact, time=time, id=key, doubt=doubt)


def row(number, contact, version, deleted=False):
    content = {**ADA, "odoo_id": contact, "ref": f"v{version}", "deleted": deleted}
    entry = {"number": number, "operation": "UPDATE", "odoo_id": contact}
    return {**entry, "content": content}


@pytest.fixture
def evidence():
    """A soak in which all went well: 1 was edited, 2 archived, 3 deleted.

    The shop's answer to the creation of 1 was lost, and a person has found it; nothing
    of 2 has got there.
    """
    return Evidence(
        odoo={
            1: {**ADA, "email": False, "ref": "v4", "active": True},
            2: {**ADA, "ref": "v5", "active": False},
        },
        crm={"C-1": {**ADA, "id": "C-1", "odoo_id": 1, "ref": "v4"}},
        crm_journal=[
            post(1, 1, 1),
            post(2, 1, 1, replayed=True),  # the answer to the first was lost
            post(3, 2, 2, "C-2"),
            put(4, 1, 4, status=500),
            put(5, 1, 4),
            delete(6, "C-2"),
        ],
        shop={"S-1": {**ADA, "id": "S-1", "odoo_id": 1, "ref": "v4"}},
        shop_journal=[
            post(1, 1, 1, "S-1", answered=None),
            put(9, 1, 4, "S-1"),
            post(10, 2, 2, None, status=422, answered=200),  # a 200 that says no
            post(11, 2, 2, None, status=403, answered=403),
        ],
        warehouse={
            1: {**ADA, "tags": ["VIP", "Press"], "ref": "v4", "deleted": False},
            2: {**ADA, "ref": "v2", "deleted": True},
        },
        warehouse_journal=[
            row(1, 1, 1),
            row(2, 2, 2),
            row(3, 1, 4),
            row(4, 2, 2, deleted=True),
        ],
        confirmed={1: (4, "active"), 2: (5, "archived"), 3: (6, "deleted")},
        inactive={2: [5], 3: [6]},
        ids={1: "C-1"},
        shop_ids={1: "S-1"},
        history=[
            known(2, 1, "C-1", system=CRM),
            known(3, 1, None, "maybe"),
            known(8, 1, "S-1"),
        ],
    )


def found(evidence):
    """The kinds of findings, with how many there are."""
    findings = check(evidence)
    counts = {kind: count for kind, count in findings.counts.items() if count}
    assert findings.ok is not bool(counts)
    return counts


def test_all_is_well(evidence):
    assert found(evidence) == {}


@pytest.mark.parametrize("place", ["crm", "shop", "warehouse"])
def test_mismatch(evidence, place):
    copies = getattr(evidence, place)
    copies[next(iter(copies))]["name"] = "Eve"
    copies[next(iter(copies))]["tags"] = ["VIP"]
    assert found(evidence) == {"mismatches": 2}


def test_missing_at_the_crm(evidence):
    del evidence.crm["C-1"]
    assert found(evidence) == {"lost": 1}


def test_missing_in_the_shop(evidence):
    del evidence.shop["S-1"]
    assert found(evidence) == {"lost": 1}


def test_missing_in_the_warehouse(evidence):
    evidence.warehouse[1]["deleted"] = True
    assert found(evidence) == {"lost": 1}


def test_archived_and_still_in_the_warehouse(evidence):
    evidence.warehouse[2]["deleted"] = False
    assert found(evidence) == {"lost": 1}


def test_deleted_and_still_in_the_crm(evidence):
    evidence.crm["C-3"] = {**ADA, "odoo_id": 3, "ref": "v3"}
    assert found(evidence) == {"lost": 1}


@pytest.mark.parametrize(
    ("contact", "confirmed"),
    [(1, (7, "active")), (1, (4, "deleted")), (9, (3, "active"))],
)
def test_forgotten_by_odoo(evidence, contact, confirmed):
    evidence.confirmed[contact] = confirmed
    assert found(evidence) == {"lost": 1}


def test_an_unanswered_delete_may_have_happened(evidence):
    evidence.confirmed[9] = (3, "active")
    evidence.inactive[9] = [8]
    assert found(evidence) == {}


def test_duplicate(evidence):
    evidence.crm["C-9"] = {**evidence.crm["C-1"], "id": "C-9"}
    evidence.crm_journal.append(post(7, 1, 4, "C-9"))
    assert found(evidence) == {"duplicates": 1}


def test_duplicate_in_the_shop(evidence):
    # as of who asks again for what was not answered
    evidence.shop["S-9"] = {**evidence.shop["S-1"], "id": "S-9"}
    evidence.shop_journal.append(post(12, 1, 4, "S-9"))
    assert found(evidence) == {"duplicates": 1}


def test_deletion_that_was_answered_by_a_lost_route(evidence):
    # believed, it leaves what was to be deleted
    evidence.shop["S-2"] = {**ADA, "id": "S-2", "odoo_id": 2, "ref": "v2"}
    lost = {"status": 404, "answered": 404}
    evidence.shop_journal += [post(12, 2, 2, "S-2"), delete(13, "S-2", **lost)]
    assert found(evidence) == {"lost": 1}


@pytest.mark.parametrize("kind", ["refused", "forbidden", "in_progress"])
def test_change_that_was_not_carried_out_and_is_believed(evidence, kind):
    told = {"refused": (422, 200), "forbidden": (403, 403), "in_progress": (409, 409)}
    status, answered = told[kind]
    evidence.crm["C-1"]["ref"] = "v3"
    evidence.crm_journal[4] |= {"status": status, "answered": answered}
    assert found(evidence) == {"mismatches": 1}


def test_what_is_accepted_is_done_when_it_is_carried_out(evidence):
    accepted = put(7, 1, 5, status=202, answered=202)
    evidence.crm_journal += [accepted, put(8, 1, 4), put(9, 1, 5, answered=202)]
    # the second is not older than what had only been accepted
    evidence.odoo[1]["ref"] = "v5"
    evidence.crm["C-1"]["ref"] = "v5"
    evidence.shop["S-1"]["ref"] = evidence.warehouse[1]["ref"] = "v5"
    assert found(evidence) == {}
    evidence.crm_journal.append(put(10, 1, 4))
    assert found(evidence) == {"stale_overwrites": 1}


def test_creation_that_was_accepted_and_is_asked_for_again(evidence):
    accepted = post(12, 3, 3, None, status=202, answered=202)
    carried_out = post(13, 3, 3, "S-3", answered=202)
    evidence.shop_journal += [accepted, carried_out, delete(20, "S-3")]
    evidence.history.append(known(12.5, 3, None, "unknown_id"))
    assert found(evidence) == {}
    evidence.shop_journal[-1:] = [post(14, 3, 4, "S-4"), delete(20, "S-3")]
    assert found(evidence)["duplicates"] == 1


def test_doubts_are_counted(evidence):
    assert evidence.doubted == 1
    evidence.history.append(known(9, 1, None, "unknown_id"))
    assert evidence.doubted == 2


@pytest.mark.parametrize(
    "told",
    [
        {"status": 422, "answered": 200},
        {"status": 403, "answered": 403},
        {"status": 404, "answered": 404},
        {"status": 429, "answered": 429},
    ],
)
def test_doubt_about_what_was_refused(evidence, told):
    evidence.shop_journal[2:] = [post(10, 2, 2, None, **told)]
    evidence.history.append(known(12, 2, None, "maybe"))
    assert found(evidence) == {"doubted_wrongly": 1}


def test_doubt_about_what_was_answered(evidence):
    evidence.shop_journal[0]["answered"] = 201
    assert found(evidence) == {"doubted_wrongly": 1}


@pytest.mark.parametrize("answered", [500, 503, 409, 202, None])
def test_doubt_about_what_was_not_answered(evidence, answered):
    evidence.shop_journal[0]["answered"] = answered
    assert found(evidence) == {}


def test_doubt_about_what_has_never_left(evidence):
    evidence.history.append(known(12, 4, None, "maybe"))
    assert found(evidence) == {"doubted_wrongly": 1}


def test_doubt_about_what_comes_later(evidence):
    evidence.shop_journal[0]["time"] = 4
    assert found(evidence) == {"doubted_wrongly": 1}


def test_doubt_about_what_a_person_has_clarified(evidence):
    evidence.history.append(known(9, 1, "S-1", "maybe"))
    assert found(evidence) == {"doubted_wrongly": 1}


@pytest.mark.parametrize(
    ("crash", "count"), [((2, 2), 0), ((0.5, 0.6), 1), ((3.5, 4), 1)]
)
def test_doubt_since_a_crash(evidence, crash, count):
    # after the answer, and before it was known to Odoo
    evidence.shop_journal[0]["answered"] = 201
    evidence.crashes.append(crash)
    assert check(evidence).counts["doubted_wrongly"] == count


def test_doubt_since_a_crash_about_what_odoo_has_kept(evidence):
    evidence.shop_journal[0]["answered"] = 201
    evidence.crashes.append((2, 2))
    evidence.history.insert(1, known(1.5, 1, "S-1"))
    assert found(evidence) == {"doubted_wrongly": 1}


def test_duplicate_that_is_gone_again(evidence):
    evidence.crm_journal += [post(7, 1, 4, "C-9"), delete(8, "C-9")]
    evidence.inactive[1] = [4]
    assert found(evidence) == {"duplicates": 1}


def test_created_again_after_it_was_removed_is_no_duplicate(evidence):
    evidence.crm_journal += [post(7, 2, 6, "C-9"), delete(8, "C-9")]
    evidence.inactive[2] = [5, 7]
    assert found(evidence) == {}


def test_removed_twice_for_one_version(evidence):
    gone = [delete(8, "C-9"), delete(9, "C-9")]
    evidence.crm_journal += [post(7, 1, 4, "C-9"), *gone, post(10, 1, 6, "C-9")]
    evidence.inactive[1] = [5, 7]
    # it was created anew meanwhile: it is held twice, and nothing older came back
    assert "stale_overwrites" not in found(evidence)


def test_older_state_after_it_was_removed_twice(evidence):
    gone = [delete(8, "C-9"), delete(9, "C-9")]
    evidence.crm_journal += [post(7, 1, 4, "C-9"), *gone, post(10, 1, 4, "C-9")]
    evidence.inactive[1] = [5]
    assert found(evidence)["stale_overwrites"] == 1


def test_stale_overwrite_at_the_crm(evidence):
    evidence.crm_journal += [put(7, 1, 3), put(8, 1, 4)]
    assert found(evidence) == {"stale_overwrites": 1}


def test_stale_overwrite_in_the_warehouse(evidence):
    evidence.warehouse_journal += [row(5, 1, 3), row(6, 1, 4)]
    assert found(evidence) == {"stale_overwrites": 1}


def test_archived_contact_raised_from_an_older_state(evidence):
    evidence.crm_journal += [post(7, 2, 4, "C-9"), delete(8, "C-9")]
    assert found(evidence) == {"stale_overwrites": 1}


def test_editor_failure(evidence):
    evidence.editor_failures.append("SerializationFailure: could not serialize")
    assert found(evidence) == {"editor_failures": 1}


def test_stuck(evidence):
    evidence.stuck.append("job 1 is started")
    assert found(evidence) == {"stuck": 1}


def test_id_of_another_contact(evidence):
    evidence.ids[2] = "C-1"
    assert found(evidence) == {"crossed": 1}


def test_id_that_the_crm_has_not_given(evidence):
    evidence.ids[1] = "C-7"
    assert found(evidence) == {"crossed": 1}


def test_id_of_another_contact_in_the_shop(evidence):
    evidence.shop_ids[2] = "S-1"
    assert found(evidence) == {"crossed": 1}


def test_id_of_another_contact_that_has_been_put_right(evidence):
    evidence.crm_journal += [put(7, 2, 4), put(8, 1, 4)]
    assert found(evidence)["crossed"] == 1


def test_refused_change_of_another_contact_is_not_crossed(evidence):
    evidence.crm_journal.append(put(7, 2, 4, status=500))
    assert found(evidence) == {}


def test_stale_writes_of_other_contacts_do_not_mix():
    changes = [Change(1, 1, 5), Change(2, 2, 3), Change(3, 2, None), Change(4, 2, 8)]
    assert stale_writes(changes, {2: [7]}) == []
    assert len(stale_writes([*changes, Change(5, 2, 7)], {2: [7]})) == 1


LOG = """\
2026-11-23 14:00:00,001 11 INFO soak odoo.service.model: SERIALIZATION_FAILURE, \
4 tries left, try again in 0.1000 sec...
2026-11-23 14:00:00,002 12 INFO soak odoo.service.model: LOCK_NOT_AVAILABLE, \
4 tries left, try again in 0.1000 sec...
2026-11-23 14:00:00,003 11 INFO soak werkzeug: 127.0.0.1 - - [23/Nov/2026 14:00:00] \
"POST /json/2/res.partner/write HTTP/1.1" 200 - 9 0.010 0.090
2026-11-23 14:00:00,004 12 INFO soak werkzeug: 127.0.0.1 - - [23/Nov/2026 14:00:00] \
"GET /queue_job/runjob?db=soak&job_uuid=1 HTTP/1.1" 200 - 9 0.010 0.090
2026-11-23 14:00:00,005 11 INFO soak werkzeug: 127.0.0.1 - - [23/Nov/2026 14:00:00] \
"POST /json/2/res.partner/write HTTP/1.1" 200 - 9 0.010 0.090
"""


def test_log_tells_whose_request_ran_again():
    assert retries_of_editors(LOG.splitlines()) == ["SERIALIZATION_FAILURE"]


def test_plan_follows_from_the_seed_and_mends_what_it_breaks():
    plan = soak_plan.make_plan(random.Random(3), 60, kills=8, outages=3)
    assert plan == soak_plan.make_plan(random.Random(3), 60, kills=8, outages=3)
    assert plan != soak_plan.make_plan(random.Random(4), 60, kills=8, outages=3)
    assert plan == sorted(plan, key=lambda event: event.at)
    actions = [event.action for event in plan]
    assert sum(action.startswith("kill_") for action in actions) == 8
    assert {f"kill_{kind}" for kind in soak_plan.KILLS} <= set(actions)
    downs = [action for action in actions if action.endswith("_down")]
    assert len(downs) == 3
    for where in soak_plan.DESTINATIONS:
        moves = [action for action in actions if action.startswith(f"{where}_")]
        moves = [move for move in moves if move.endswith(("_down", "_up"))]
        assert moves == [f"{where}_down", f"{where}_up"] * (len(moves) // 2)
    assert actions.count("warehouse_drop") == actions.count("warehouse_keep")
    assert {"lose_connections", "lose_route"} <= set(actions)
    for where, kinds in (("crm", AT_THE_CRM), ("shop", AT_THE_SHOP)):
        played = [event for event in plan if event.action.startswith(where)]
        assert set(kinds) <= {event.options.get("kind") for event in played}
    assert all(0 < event.at < 60 for event in plan)
