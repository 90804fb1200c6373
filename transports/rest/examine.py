# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a system's own answers tell of an endpoint before anything is sent to it.

It is looked at with ``GET``, and with ``OPTIONS`` where that shows nothing: they change
nothing (RFC 9110 section 9.2.1). A record that is known to be there is the best proof:
it is read as a person has said.
"""

import time
import uuid

from ... import wording
from ...exceptions import RateLimited, Throttled
from ..base import FAILS, UNTOLD, WORKS, Finding, Use
from ..http import Answer, HttpClient, Trail
from ..http.answer import judged
from ..pace import Pace
from .lines import collection_of, look_at
from .requests import Request
from .routing import GONE, NO_METHOD, UNROUTED, kind_of_answer, shows

# Records that are looked at, at most.
SAMPLES = 2
# Bytes of an answer that are read: a list of all records may be long.
MAX_LOOKED_AT = 64 * 1024


class Examiner:
    """Asks for the endpoints of one destination.

    :param pace: asked before each question
    :param end: when the time for them is over, by ``time.monotonic()``
    """

    def __init__(self, client: HttpClient, pace: Pace, end: float | None):
        self._client = client
        self._pace = pace
        self._end = end

    def examine(self, use: Use) -> Finding:
        """:return, raise: see :meth:`..base.Transport.examine`"""
        route = use.route
        base = self._client.config.url or ""
        for known_id in route.known_ids[:SAMPLES]:
            look = look_at(base, route, known_id)
            answer = look and self._ask(look)
            if answer is None or answer.status in UNROUTED:
                continue
            if not answer.ok or shows(route, answer, known_id):
                return self._meaning(answer)
        collection = collection_of(base, route)
        if collection is None:
            return Finding(UNTOLD, wording._lt("Only sending tells."))
        answer = self._ask(Request("GET", collection))
        if answer.status in NO_METHOD:
            return _told(
                UNTOLD,
                answer,
                wording._lt(
                    "%(request)s answered %(status)s: the address is there, and does "
                    "not show its records. Only sending tells."
                ),
            )
        if answer.status in GONE:
            return self._nothing_there(use, answer)
        return self._meaning(answer)

    def _ask(self, request):
        """:raise SyncError: there is no answer, or none to any question"""
        if self._end is not None and time.monotonic() > self._end:
            raise RateLimited(wording._lt("Not asked: the time is over."))
        trail = Trail(self._pace)
        answer = request.send(self._client, trail, most=MAX_LOOKED_AT)
        if answer.status in (401, 407):
            raise answer.credentials_refused()
        return answer

    def _meaning(self, answer):
        """:return: what an answer means that knows the address"""
        if not answer.ok:
            return self._refusal(answer)
        verdict = judged(answer, None, None)
        if verdict.noes and isinstance(answer.json(), dict):
            return Finding(FAILS, verdict.error(answer).message)
        if verdict.page:
            return Finding(UNTOLD, verdict.page)
        return _told(WORKS, answer, wording._lt("%(request)s answered %(status)s"))

    @staticmethod
    def _refusal(answer):
        error = answer.error()
        if isinstance(error, Throttled):
            raise error
        if answer.status == 403:
            # of nothing in particular, it is not for what was asked
            return Finding(FAILS, answer.credentials_refused().message)
        if answer.status < 400 or answer.status >= 500:
            return Finding(FAILS, error.message)
        text = wording._lt("It shows no records, and only sending tells: %(why)s")
        return Finding(UNTOLD, wording.Sentence(text, why=error))

    def _nothing_there(self, use, answer):
        """Judge a 404: some only take new records at an address, and show nothing."""
        if use.route.proven:
            text = wording._lt(
                "%(request)s answered %(status)s. It has taken records with these "
                "settings before; only sending tells whether it still does."
            )
        elif (
            use.route.id_policy == "none"
            or use.route.requests
            or self._knows_address(use, answer)
        ):
            text = wording._lt(
                "%(request)s answered %(status)s. It may only take new records there, "
                "and show nothing; only sending tells."
            )
        else:
            return _told(
                FAILS,
                answer,
                wording._lt(
                    "%(request)s answered %(status)s, as it does where there is "
                    "nothing. Check the endpoint, and the address of the system."
                ),
            )
        return _told(UNTOLD, answer, text)

    def _knows_address(self, use, answer):
        """:return: whether it answers otherwise than at addresses of nothing"""
        target = use.route.target.strip("/")
        options = self._ask(Request("OPTIONS", self._client.url(use.route.target)))
        if options.ok and options.headers.get("Allow"):
            return True
        above = target.rpartition("/")[0]
        # twice alike, so that what differs is not the time, or a number
        nowhere = {
            kind_of_answer(self._ask(Request("GET", self._client.url(place))))
            for place in (f"{above}/{uuid.uuid4().hex}" for _time in range(2))
        }
        return nowhere != {kind_of_answer(answer)}


def _told(outcome: str, answer: Answer, template: str) -> Finding:
    return Finding(outcome, answer.sentence(template))


def examine(client: HttpClient, use: Use, pace: Pace, end: float | None) -> Finding:
    """:return: what is known of a use, in words without secrets

    :raise SyncError: see :meth:`..base.Transport.examine`
    """
    with client.redact.cleaning():
        found = Examiner(client, pace, end).examine(use)
    return Finding(found.outcome, client.redact.clean_sentence(found.sentence))
