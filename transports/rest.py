# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Deliver records to a REST API."""

import json
import time
import uuid

import requests
from requests.structures import CaseInsensitiveDict

from ..exceptions import Rejected, SyncError, Temporary, Unreachable
from .base import Message, Receipt, SequentialTransport
from .redact import Redactor
from .rest_answer import MAX_BODY, Answer, inflate
from .rest_config import RestConfig, auth_headers
from .rest_errors import NO_ANSWER, is_broken_off, is_stale, no_answer
from .rest_session import sessions
from .signing import secret_problem, signature_headers, spellings
from .urls import join_url, last_segment, loggable, origin, url_problem, usable_id

USER_AGENT = "queue_job_sync (Odoo)"
# Characters of an answer that are kept for the log.
MAX_EXCERPT = 2000
MAX_REDIRECTS = 3
# The method and the body stay the same (RFC 9110 sections 15.4.8 and 15.4.9).
_SAFE_REDIRECTS = {307, 308}


class RestTransport(SequentialTransport):
    """One request for each message; connections are kept between jobs."""

    def __init__(self, config: RestConfig):
        self._config = config
        pair = f"{config.username}:{config.secret}" if config.secret else ""
        keys = [text for secret in config.signing_secrets for text in spellings(secret)]
        self._redact = Redactor([pair, config.secret, *config.signing_secrets, *keys])

    def check(self) -> str:
        trail = _Trail()
        started = time.monotonic()
        try:
            answer = self._request(trail, "GET", self._config.url, {})
        except SyncError as error:
            raise self._clean(error) from None
        elapsed = (time.monotonic() - started) * 1000
        same_place = _same_origin(answer, answer.location())
        if not (answer.ok or answer.status in (404, 405) or same_place):
            raise self._clean(answer.error()) from None
        return f"{loggable(answer.url)} answered {answer.status} in {elapsed:.0f} ms"

    def _deliver(self, message: Message) -> Receipt:
        trail = _Trail()
        started = time.monotonic()
        external_id, error = message.external_id, None
        try:
            external_id = self._apply(trail, message)
        except SyncError as fault:
            error = self._clean(fault)
        return Receipt(
            message=message,
            external_id=external_id,
            error=error,
            request=self._redact("; ".join(trail.requests)),
            status=str(trail.answer.status) if trail.answer else None,
            response=self._excerpt(trail.answer),
            duration=time.monotonic() - started,
        )

    def _apply(self, trail, message):
        """:return: the id of the record at the destination from now on"""
        if message.operation == "upsert":
            return self._upsert(trail, message)
        record_id = _record_id(message)
        if record_id is None:
            # It never arrived there: nothing is left to remove.
            return None
        marking = message.operation == "mark"
        method = "PATCH" if marking else "DELETE"
        payload = message.payload if marking else None
        answer = self._write(trail, method, message, record_id, payload)
        if answer.status in (404, 410):
            return None
        _raise_unless_ok(answer)
        return message.external_id if marking else None

    def _upsert(self, trail, message):
        record_id = _record_id(message)
        if record_id is None:
            return self._create(trail, message)
        method = message.route.update_method.upper()
        answer = self._write(trail, method, message, record_id, message.payload)
        if answer.status == 404 and message.route.id_policy == "destination":
            # The destination has lost it. It has answered the first key already,
            # so creating it is another request with a key of its own.
            return self._create(trail, message, "-recreate")
        _raise_unless_ok(answer)
        return message.external_id

    def _create(self, trail, message, key_suffix=""):
        answer = self._write(trail, "POST", message, None, message.payload, key_suffix)
        _raise_unless_ok(answer)
        return _assigned_id(answer, message.route.external_id_key)

    def _write(self, trail, method, message, record_id, payload, key_suffix=""):
        headers, body = {}, None
        if message.idempotency_key:
            headers["Idempotency-Key"] = f"{message.idempotency_key}{key_suffix}"
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = _to_json(payload)
        url = join_url(self._config.url or "", message.route.target, record_id)
        return self._request(trail, method, url, headers, body)

    def _request(self, trail, method, url, headers, body=None) -> Answer:
        """Send, and follow redirects that stay within the destination.

        :raise SyncError: when there is no usable answer
        """
        problems = map(secret_problem, self._config.signing_secrets)
        for problem in (url_problem(self._config.url), *problems):
            if problem:
                raise Unreachable(problem)
        headers = {**self._headers(), **headers}
        for _hop in range(MAX_REDIRECTS + 1):
            trail.requests.append(f"{method} {loggable(url)}")
            trail.answer = answer = self._exchange(method, url, headers, body)
            location = answer.location()
            if answer.status not in _SAFE_REDIRECTS or not _same_origin(
                answer, location
            ):
                return answer
            url = location
        raise Unreachable(
            f"{answer.describe()} after {MAX_REDIRECTS} redirects: "
            "check the URL and the endpoint."
        )

    def _headers(self):
        return {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            # An answer is small, and an expanding one could not be bounded early.
            "Accept-Encoding": "identity",
            **auth_headers(self._config),
        }

    def _exchange(self, method, url, headers, body) -> Answer:
        timeouts = self._config.connect_timeout, self._config.read_timeout
        session = sessions.get(self._config, *timeouts)
        request = requests.Request(method, url, headers=headers, data=body)
        try:
            prepared = session.prepare_request(request)
            try:
                response = self._send(session, prepared)
            except NO_ANSWER as error:
                if not is_stale(error):
                    raise
                # Not the destination's fault: it may close an idle connection at
                # any time (RFC 9112 section 9.5). The key makes sending it
                # again harmless.
                response = self._send(session, prepared)
            return _read(response, method, url)
        except NO_ANSWER as error:
            raise no_answer(error, url, *timeouts) from None

    def _send(self, session, prepared):
        # Here, where the bytes are final, and again for each attempt: a signature
        # holds the time. Without a key (a question for a sign of life) any id will do.
        message_id = prepared.headers.get("Idempotency-Key") or uuid.uuid4().hex
        prepared.headers.update(
            signature_headers(
                self._config.signing_secrets, message_id, prepared.body or b""
            )
        )
        return session.send(prepared, stream=True, allow_redirects=False)

    def _clean(self, error):
        error.message = self._redact(error.message)
        error.args = (error.message,)
        return error

    def _excerpt(self, answer):
        if answer is None:
            return ""
        return self._redact.excerpt(answer.text, MAX_EXCERPT, cut=answer.cut)


class _Trail:
    """What was sent for one message, and the last answer to it."""

    def __init__(self):
        self.requests = []
        self.answer = None


def _read(response, method, url) -> Answer:
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
    except NO_ANSWER as error:
        if not is_broken_off(error):
            raise
        cut = True  # the status has arrived, and often says all that is needed
    finally:
        # Only what was not read to its end: urllib3 has the connection back already
        # when it was, for the next request.
        response.close()
    content, missing = inflate(bytes(body), response.headers.get("Content-Encoding"))
    headers = CaseInsensitiveDict(response.headers)
    return Answer(method, url, response.status_code, headers, content, cut or missing)


def _raise_unless_ok(answer):
    if not answer.ok:
        raise answer.error()


def _record_id(message):
    """:return: the id that the record has at the destination, or ``None``"""
    if message.route.id_policy == "destination":
        return message.external_id or None
    key = usable_id(message.key)
    if key is None:
        raise Rejected("The key of the record cannot be a part of a URL.")
    return key


def _assigned_id(answer, path):
    """Find the id of a new record in the answer to its creation."""
    value = answer.json()
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    location = answer.location()
    found = usable_id(value)
    if found is None and location:
        found = usable_id(last_segment(location, answer.url))
    if found is None:
        broken = " The answer was cut short." if answer.cut else ""
        raise Temporary(
            f"{answer.describe()} without an id: neither “{path}” in a JSON body "
            f"nor a Location header.{broken}"
        )
    return found


def _same_origin(answer, location):
    return (
        300 <= answer.status < 400
        and location is not None
        and url_problem(location.partition("?")[0].partition("#")[0]) is None
        and origin(location) == origin(answer.url)
    )


def _to_json(payload):
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError) as error:
        raise Rejected(f"The record cannot be written as JSON: {error}") from None
