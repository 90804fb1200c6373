# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Runs a soak in the environment that dev/setup has made; started by e2e/soak."""

import json
import random
import signal
import time
import traceback
from collections import Counter

from e2e import soak_arguments, soak_evidence, soak_runs
from e2e.soak_checker import check
from e2e.soak_clerk import Clerk
from e2e.soak_editors import Contact, Editor
from e2e.soak_faults import Faults
from e2e.soak_hasty import KIND, Hasty
from e2e.soak_journals import crm_changes
from e2e.soak_ledger import Ledger
from e2e.soak_log import retries_of_editors
from e2e.soak_plan import make_plan
from e2e.soak_scene import Scene
from e2e.soak_settle import settle
from e2e.soak_waverer import Waverer
from support.environment import console

SHOWN = 10  # findings of each kind that are told in words


def main():
    """Run a soak.

    :return: exit status
    """
    arguments = soak_arguments.parse()
    scene = Scene(arguments.editors + 2, arguments.keep)
    print(f"Seed {arguments.seed}", flush=True)
    try:
        scene.open()
        result = _soak(scene, arguments)
    except (console.Failure, KeyboardInterrupt):
        raise
    except Exception:
        traceback.print_exc()
        print(json.dumps({"ok": False, "problem": "the soak itself failed"}))
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping takes some seconds
        scene.close()
    print(json.dumps(result), flush=True)
    return 0 if result["ok"] else 1


def _soak(scene, arguments):
    """Edit, break, wait, compare.

    :return: the result as a dict
    """
    ledger = Ledger()
    faults = Faults(scene, ledger, arguments.seed)
    editors = _make_editors(scene, ledger, faults, arguments)
    clerk = Clerk(scene.clerk, scene, f"{arguments.seed} clerk", faults.excuse)
    plan = make_plan(
        random.Random(arguments.seed),
        arguments.seconds,
        arguments.kills,
        arguments.outages,
    )
    title = f"{arguments.editors} editors, {len(plan)} faults and mends"
    with console.Step(f"{title} in {arguments.seconds} s"):
        soak_runs.watch(scene)
        for user in (*editors, clerk):
            user.start()
        faults.carry_out(plan, lambda: not any(each.is_alive() for each in editors))
        for editor in editors:
            editor.join()
    faults.end()
    clerk.hurry()
    with console.Step("Waiting until everything has arrived"):
        stuck, failed = settle(scene, arguments.settle)
    clerk.end()
    _tell("Failed at first and requeued", failed)
    _tell("What could not be decided at once", clerk.refused)
    incidents = soak_runs.incidents(scene)
    held = [f"{kind}: {reason}" for kind, reason in incidents if kind == "settings"]
    _tell("Held until somebody has tried again", held)
    evidence = soak_evidence.gather(scene, ledger, stuck, faults.crashes)
    evidence.editor_failures += clerk.failures
    log = scene.server.log.read_text(errors="replace").splitlines()
    retries = retries_of_editors(log)
    evidence.editor_failures += [f"run again: {error}" for error in retries]
    findings = check(evidence)
    for kind in findings.counts:
        _tell(kind, getattr(findings, kind))
    if not findings.ok:
        print(f"The evidence: {soak_evidence.save(evidence)}")
    changes = [
        change
        for _held, journal, _ids in evidence.stores.values()
        for change in crm_changes(journal)[0]
    ]
    return {
        "seed": arguments.seed,
        "edits": ledger.edits,
        "hot_edits": ledger.kinds[KIND],
        "contacts": len(ledger.confirmed),
        "deliveries": len(changes) + len(evidence.warehouse_journal),
        "runs_per_delivery": soak_runs.per_delivery(scene),
        **findings.counts,
        "doubted": evidence.doubted,
        "decided": dict(sorted(clerk.decided.items())),
        "incidents": dict(Counter(kind for kind, _reason in incidents)),
        "interrupted_edits": ledger.interrupted,
        "editor_p50_ms": ledger.percentile(50),
        "editor_p99_ms": ledger.percentile(99),
        "requeued": len(failed),
        "mails": len(scene.sink.mails()),
        "faults": faults.counts(),
        "ok": findings.ok and bool(ledger.edits and changes),
    }


def _make_editors(scene, ledger, faults, arguments):
    contacts = [Contact() for _number in range(arguments.contacts)]
    start = time.monotonic()

    def progress():
        return (time.monotonic() - start - faults.blocked) / arguments.seconds

    def enough():
        return progress() >= 1

    def may_edit():
        others = ledger.edits - ledger.kinds[KIND]
        return others < arguments.edits * progress() or faults.is_looking()

    common = {
        "enough": enough,
        "excused": faults.excuse,
        "values": scene.values,
    }
    *others, waverer, hasty = scene.editors
    editors = [
        Editor(
            client,
            contacts,
            ledger,
            seed=f"{arguments.seed} {number}",
            may_edit=may_edit,
            **common,
        )
        for number, client in enumerate(others)
    ]
    seed = f"{arguments.seed} last"
    return [
        *editors,
        Waverer(waverer, ledger, seed, may_edit, **common),
        Hasty(hasty, ledger, seed, faults.is_hot, **common),
    ]


def _tell(title, sentences):
    """Print what there is to tell, not all of it when it is much."""
    if sentences:
        print(f"{title}: {len(sentences)}", flush=True)
    for sentence in sentences[:SHOWN]:
        print(f"  {sentence[:300]}", flush=True)
    if len(sentences) > SHOWN:
        print("  ...", flush=True)


if __name__ == "__main__":
    console.main(main)
