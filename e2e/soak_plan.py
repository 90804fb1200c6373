# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""When which fault happens in a soak: a plan that follows from the seed."""

from dataclasses import dataclass, field

# In this order of frequency. A worker is killed while it sends, or while it has answers
# that are not committed yet.
KILLS = ("worker", "odoo", "runner", "postgres", "chunk", "worker", "runner", "chunk")
DESTINATIONS = ("crm", "warehouse", "shop")
# Answers that are more, or other, than an answer should be.
ANSWERS = (
    ("crm_fault", {"kind": "interim"}),
    ("crm_fault", {"kind": "twice", "share": 0.5}),
    ("crm_fault", {"kind": "nul", "share": 0.5}),
    ("crm_fault", {"kind": "nul", "status": 500, "share": 0.5}),
)
# Answers that do not say what has become of the request, or say something else than
# their status.
DECEPTIONS = (
    ("crm_meets", {"kind": "error_in_200", "share": 0.4}),
    ("crm_meets", {"kind": "in_progress", "share": 0.4}),
    ("crm_meets", {"kind": "in_progress", "carried_out": True, "share": 0.4}),
    ("crm_meets", {"kind": "accepted", "seconds": 0.5, "share": 0.4}),
)
# What a firewall refuses, by what is in it and by chance.
FORBIDDEN = (
    ("crm_meets", {"kind": "forbidden", "match": "Gent"}),
    ("crm_fault", {"kind": "forbidden", "share": 0.3}),
)
# The shop ignores keys: a creation without an answer is never asked for again. A
# refusal is an answer. There are not many creations.
_CREATIONS = {"method": "POST", "duration": 6.0}
OF_THE_SHOP = (
    ("shop_meets", {"kind": "drop", "share": 0.7, "method": "POST"}),
    ("shop_meets", {"kind": "cut", "share": 0.7, "method": "POST"}),
    ("shop_fault", {"kind": "lie", "status": 500, "share": 0.6, **_CREATIONS}),
    ("shop_fault", {"kind": "late", "seconds": 4.5, "share": 0.4, **_CREATIONS}),
    ("shop_fault", {"kind": "accepted", "seconds": 0.5, "share": 0.5, **_CREATIONS}),
    ("shop_fault", {"kind": "drop", "share": 0.5}),
    ("shop_meets", {"kind": "error_in_200", "share": 0.4}),
    ("shop_fault", {"kind": "forbidden", "share": 0.3}),
)
# Short faults of a destination: what happens, with which options.
GLITCHES = (
    ("crm_fault", {"kind": "drop", "share": 0.5}),
    ("crm_fault", {"kind": "status", "status": 500, "share": 0.5}),
    ("crm_fault", {"kind": "status", "status": 429, "retry_after": 2}),
    ("crm_fault", {"kind": "status", "status": 503, "share": 0.5}),
    ("crm_fault", {"kind": "lie", "status": 500, "share": 0.5}),
    # Shorter than the time that Odoo waits for an answer, and longer.
    ("crm_fault", {"kind": "late", "seconds": 1.5, "share": 0.3}),
    ("crm_fault", {"kind": "late", "seconds": 4.5, "share": 0.3}),
    ("crm_fault", {"kind": "hang", "seconds": 4.5, "share": 0.3}),
    ("warehouse_drop", {}),
    *ANSWERS,
    *DECEPTIONS,
    *FORBIDDEN,
    *OF_THE_SHOP,
    # The answer is lost, and what asks again is refused.
    ("crm_fault", {"kind": "renege", "status": 429, "retry_after": 1, "share": 0.5}),
    ("crm_fault", {"kind": "renege", "status": 503, "share": 0.5}),
    ("crm_fault", {"kind": "renege", "status": 422, "share": 0.2}),
    ("lose_connections", {}),
)
GLITCH_EVERY = 4  # seconds from one to the next, on average
# A CRM that is slow to all, and to one contact that is edited meanwhile, so often; one
# whose proxy has lost the way to it.
PHASES = (
    ("crm_slow", {"duration": 5.0}),
    ("hot_contact", {"edits": 20}),
    ("lose_route", {}),
)
PHASE_EVERY = 30  # seconds from one to the next, on average
LEAD = 0.7  # seconds that the CRM hangs before a worker is killed
DOWN = (2.0, 8.0)  # seconds, least and most
# Parts of the time. Nobody is killed in the last one: while contacts are still edited,
# the job runner wakes up often enough to find soon what died.
FIRST, LAST_KILL, LAST = 0.08, 0.7, 0.9


@dataclass(frozen=True, order=True)
class Event:
    """Something that is done at a time, in seconds since the editors began."""

    at: float
    action: str
    options: dict = field(default_factory=dict, compare=False)


def make_plan(rng, seconds, kills, outages):
    """Return the events of a soak, in order of time.

    Everything that is switched on is switched off again before the end.

    :param rng: a ``random.Random``
    :param seconds: length of the soak, in seconds
    :param kills: number of processes to kill
    :param outages: number of times that a destination is down
    """
    events = []
    for slot, kind in _spread(rng, seconds, kills, KILLS, LAST_KILL):
        at = rng.uniform(*slot)
        if kind == "worker":
            hang = {"kind": rng.choice(["hang", "late"]), "seconds": 2.5}
            events.append(Event(at - LEAD, "crm_fault", {**hang, "duration": 1.5}))
        options = {"crash": rng.random() < 0.5} if kind == "postgres" else {}
        events.append(Event(at, f"kill_{kind}", options))
    for (start, end), where in _spread(rng, seconds, outages, DESTINATIONS):
        duration = min(rng.uniform(*DOWN), (end - start) * 0.7)
        begin = rng.uniform(start, end - duration)
        events.append(Event(begin, f"{where}_down"))
        events.append(Event(begin + duration, f"{where}_up"))
    count = max(len(PHASES), round(seconds / PHASE_EVERY))
    for slot, (action, options) in _spread(rng, seconds, count, PHASES):
        events.append(Event(rng.uniform(*slot), action, options))
    count = max(len(GLITCHES), round(seconds / GLITCH_EVERY))
    for slot, (action, options) in _spread(rng, seconds, count, GLITCHES):
        duration = rng.uniform(1.0, 3.0)
        at = rng.uniform(*slot)
        if action.endswith(("_fault", "_drop")):
            options = {"duration": duration, **options}
        events.append(Event(at, action, options))
        if action == "warehouse_drop":
            events.append(Event(at + duration, "warehouse_keep"))
    return sorted(events)


def _spread(rng, seconds, count, kinds, end=LAST):
    """Yield a time slot for each of ``count`` faults, and of which kind it is.

    The slots follow each other; the kinds are as frequent as in ``kinds``, mixed.
    """
    first, last = FIRST * seconds, end * seconds
    chosen = [kinds[number % len(kinds)] for number in range(count)]
    rng.shuffle(chosen)
    width = (last - first) / max(count, 1)
    for number, kind in enumerate(chosen):
        start = first + number * width
        yield (start, start + width), kind
