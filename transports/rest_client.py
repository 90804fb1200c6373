# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests to a REST API: signed, redacted, bounded. Any thread may send them."""

import functools
import json
import uuid

from ..exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from .base import DONE, REFUSED, UNKNOWN, UNSENT
from .pace import NO_PACE, Pace
from .redact import Redactor
from .rest_answer import MAX_BODY, Answer, inflate
from .rest_config import RestConfig, auth_headers
from .rest_errors import NO_ANSWER, is_broken_off, is_stale, no_answer
from .rest_session import departure, prepare, sessions
from .signing import secret_problem, signature_headers, spellings
from .urls import loggable, origin, url_problem

USER_AGENT = "queue_job_sync (Odoo)"
# Characters of an answer that are kept for the log.
MAX_EXCERPT = 2000
MAX_REDIRECTS = 3
# The method and the body stay the same (RFC 9110 sections 15.4.8 and 15.4.9).
_SAFE_REDIRECTS = {307, 308}


class Trail:
    """What was sent for one message, and the last answer to it.

    ``lost`` tells whether one of its requests has left and got no answer: also the
    first of two with one key, whatever the second is answered.

    :param pace: asked before each request
    """

    def __init__(self, pace: Pace = NO_PACE):
        self.pace = pace
        self.requests = []
        self.answer = None
        self.lost = False

    def fate(self, error: SyncError | None) -> str:
        """:return: what is known of all that was sent, as in :class:`.base.Receipt`

        :param error: what became of the message
        """
        if error is None:
            return DONE
        if self.lost:
            return UNKNOWN
        if self.answer is None:
            return UNSENT
        return REFUSED if self.answer.refuses else UNKNOWN


class RestClient:
    """Sends requests over connections that are kept between jobs."""

    def __init__(self, config: RestConfig):
        self._config = config
        pair = f"{config.username}:{config.secret}" if config.secret else ""
        keys = [text for secret in config.signing_secrets for text in spellings(secret)]
        self.redact = Redactor([pair, config.secret, *config.signing_secrets, *keys])

    def request(
        self,
        trail: Trail,
        method: str,
        url: str,
        headers: dict[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """Send, and follow redirects that stay within the destination.

        :raise SyncError: when there is no usable answer
        """
        headers = {**self._headers, **headers}
        for _hop in range(MAX_REDIRECTS + 1):
            trail.pace.wait()
            trail.requests.append(f"{method} {loggable(url)}")
            trail.answer = answer = self._exchange(trail, method, url, headers, body)
            if answer.status not in _SAFE_REDIRECTS:
                return answer
            location = answer.location()
            if not same_origin(answer, location):
                return answer
            url = location
        raise Unreachable(
            f"{answer.describe()} after {MAX_REDIRECTS} redirects: "
            "check the URL and the endpoint."
        )

    def clean(self, error: SyncError) -> SyncError:
        """:return: the error, without secrets"""
        return self.redact.clean(error)

    def excerpt(self, answer: Answer | None) -> str:
        """:return: the beginning of an answer, without secrets"""
        if answer is None:
            return ""
        return self.redact.excerpt(answer.text, MAX_EXCERPT, cut=answer.cut)

    @functools.cached_property
    def _headers(self):
        problems = map(secret_problem, self._config.signing_secrets)
        for problem in (url_problem(self._config.url), *problems):
            if problem:
                raise Unreachable(problem)
        return {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            # An answer is small, and an expanding one could not be bounded early.
            "Accept-Encoding": "identity",
            **auth_headers(self._config),
        }

    def _exchange(self, trail, method, url, headers, body) -> Answer:
        timeouts = self._config.connect_timeout, self._config.read_timeout
        session = sessions.get(self._config, *timeouts)
        departure.begun = False
        try:
            prepared = prepare(method, url, headers, body)
            response = self._send_fresh(trail, session, prepared)
            return _read(response, method, url, self.redact)
        except NO_ANSWER as error:
            trail.lost = trail.lost or departure.begun
            raise no_answer(error, url, *timeouts) from None

    def _send_fresh(self, trail, session, prepared):
        """Send, again if it met a connection that had just been closed.

        That is not the destination's fault: it may close an idle connection at any
        time (RFC 9112 section 9.5). The key makes sending it again harmless. At most
        as many connections are kept as requests are sent at once.
        """
        for _kept in range(self._config.concurrency):
            try:
                return self._send(session, prepared)
            except NO_ANSWER as error:
                if not is_stale(error):
                    raise
            trail.lost = True
            _wait_again(trail.pace)
        return self._send(session, prepared)

    def _send(self, session, prepared):
        # Here, where the bytes are final, and again for each attempt: a signature
        # holds the time. Without a key (a question for a sign of life) any id will do.
        if self._config.signing_secrets:
            message_id = prepared.headers.get("Idempotency-Key") or uuid.uuid4().hex
            prepared.headers.update(
                signature_headers(
                    self._config.signing_secrets, message_id, prepared.body or b""
                )
            )
        return session.send(prepared, stream=True, allow_redirects=False, proxies={})


def _wait_again(pace):
    try:
        pace.wait()
    except Throttled:
        # Not "nothing was sent": the connection may have broken after it was.
        raise Temporary(
            "The connection was closed without an answer, and the limit on requests "
            "per second left no time to ask again."
        ) from None


def _read(response, method, url, redact) -> Answer:
    """Take the answer off the connection, as much of it as is of use."""
    body, cut = bytearray(), False
    try:
        for chunk in response.raw.stream(16384, decode_content=False):
            body += chunk
            if len(body) > MAX_BODY:
                cut = True
                break
        else:
            # urllib3 1.26 does not notice that something is missing.
            announced = response.headers.get("Content-Length", "")
            cut = announced.isdigit() and response.raw.tell() < int(announced)
            response.require_alone()
    except NO_ANSWER as error:
        if not is_broken_off(error):
            raise
        cut = True  # the status has arrived, and often says all that is needed
    finally:
        # Only what was not read to its end: urllib3 has the connection back already
        # when it was, for the next request.
        response.close()
    content, missing = inflate(bytes(body), response.headers.get("Content-Encoding"))
    status, headers = response.status_code, response.headers
    return Answer(method, url, status, headers, content, cut or missing, redact)


def same_origin(answer: Answer, location: str | None) -> bool:
    """:return: whether an answer redirects to a place within the destination"""
    return (
        300 <= answer.status < 400
        and location is not None
        and url_problem(location.partition("?")[0].partition("#")[0]) is None
        and origin(location) == origin(answer.url)
    )


def to_json(content: dict) -> bytes:
    """:return: the body of a request

    :raise Rejected: it cannot be written as JSON
    """
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise Rejected(f"The record cannot be written as JSON: {error}") from None
