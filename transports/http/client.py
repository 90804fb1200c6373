# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Requests over HTTP: signed, redacted, bounded. Any thread may send them."""

import base64
import contextlib
import functools
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from requests.structures import CaseInsensitiveDict

from ... import wording
from ...exceptions import Rejected, SyncError, Temporary, Throttled, Unreachable
from ..base import DONE, NO_PACE, REFUSED, UNKNOWN, UNSENT, Message, Receipt
from ..pace import Pace
from ..redact import Redactor
from ..signing import secret_problem, signature_headers, spellings
from ..urls import join_url, loggable, url_problem
from .answer import ELSEWHERE, MAX_BODY, Answer, inflate
from .connection import Session, departure, prepare, sessions
from .errors import (
    NO_ANSWER,
    UNREADABLE,
    is_broken_off,
    is_kept_out,
    is_stale,
    no_answer,
    unreadable,
)

USER_AGENT = "queue_job_sync (Odoo)"
# What a transport calls the header of the key; it is sent by the name that the
# destination knows it by. IETF draft-ietf-httpapi-idempotency-key-header.
KEY_HEADER = "Idempotency-Key"
# Characters of an answer that are kept for the log.
MAX_EXCERPT = 2000
MAX_REDIRECTS = 3
# A field name is a token (RFC 9110 section 5.6.2), a value has no control
# characters (section 5.5).
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Those that say where a request goes, where it ends and what it is: another value is
# another request. The others are ours, see below and :mod:`..signing`.
_RESERVED = set(
    "connection content-encoding content-length expect host keep-alive proxy-connection"
    " te trailer transfer-encoding upgrade"
    " accept accept-encoding content-type idempotency-key user-agent"
    " webhook-id webhook-signature webhook-timestamp".split()
)
# The only ones of ours that a destination may want otherwise.
_REPLACEABLE = {"accept", "content-type"}
# What proves who is sending has settings of its own, a cookie is for browsers, and the
# last ones make another method of a request.
_NEVER_FURTHER = (_RESERVED - _REPLACEABLE) | set(
    "authorization cookie cookie2 proxy-authorization"
    " x-http-method x-http-method-override x-method-override".split()
)
_LENGTH = re.compile(r"[0-9]{1,18}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+")
# Once or twice is the same (RFC 9110 section 9.2.2). PATCH is not one of them (RFC 5789
# section 2).
_IDEMPOTENT = {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}


@dataclass(frozen=True)
class FurtherHeader:
    """A header that a destination wants with every request.

    :param secret: it is hidden wherever it comes back
    """

    name: str
    value: str = field(repr=False)
    secret: bool = False


@dataclass(frozen=True)
class HttpConfig:
    """How to reach a destination over HTTP, and how to prove who is sending.

    :param url: base of all requests, ``https://crm.example.com/api``
    :param auth: ``none``, ``bearer`` (RFC 6750), ``basic`` (RFC 7617), ``key`` (the
        same, with the secret for the user name) or ``header``
    :param username: for ``basic``; for ``key`` what stands for the password
    :param header: name of the header that carries the secret, for ``header``
    :param scheme: word before the secret there, if any
    :param secret: token, password or value of the header
    :param token: in the place of ``auth``: gives the value of ``Authorization`` for a
        request, in any thread; for one that has just been refused another one, or the
        same where there is none for now. Of no account to which connections are kept
    :param signing_secrets: those that sign each request, see :mod:`..signing`; none
        to send without signatures
    :param connect_timeout: seconds to connect
    :param read_timeout: seconds from a request to the end of its answer
    :param concurrency: requests that one transport sends at once
    :param repeats_are_safe: a request that comes again with its key is carried out once
    :param headers: :class:`FurtherHeader` to be sent besides ours, or instead of
        ``Accept`` and ``Content-Type``
    :param key_header: name of the header that carries a request's key
    :param proxy: ``http://proxy.example.com:3128``, which all requests go through;
        empty for none, whatever the surroundings say
    :param proxy_username, proxy_password: for the proxy (RFC 7617)
    :param client_certificate: proves who is sending, with its key, see
        :func:`.certificates.client_problem`
    :param ca_certificate: the only authorities to be trusted, see
        :func:`.certificates.authorities_problem`
    :param trusts_public: besides them, those that everybody trusts are
    """

    url: str
    auth: str = "none"
    username: str = ""
    header: str = ""
    scheme: str = ""
    secret: str = field(default="", repr=False)
    token: Callable[[str | None], str] | None = field(
        default=None, repr=False, compare=False
    )
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    connect_timeout: float = 5
    read_timeout: float = 30
    concurrency: int = 8
    repeats_are_safe: bool = False
    headers: tuple[FurtherHeader, ...] = ()
    key_header: str = KEY_HEADER
    proxy: str = ""
    proxy_username: str = ""
    proxy_password: str = field(default="", repr=False)
    client_certificate: str = field(default="", repr=False)
    ca_certificate: str = field(default="", repr=False)
    trusts_public: bool = False

    def __post_init__(self):
        if self.connect_timeout <= 0 or self.read_timeout <= 0:
            raise ValueError("a timeout must be longer than 0 seconds")
        if self.concurrency < 1:
            raise ValueError("at least one request must be sent at once")


def header_problem(name: str) -> str | None:
    """Say what is wrong with the name of the header that carries a secret.

    :return: as :func:`..urls.url_problem`
    """
    if not _HEADER_NAME.fullmatch(name):
        return wording._lt("The name of the authentication header is not valid.")
    if name.lower() in _RESERVED:
        problem = wording._lt(
            "The header %(name)s has another meaning in each request."
        )
        return wording.Sentence(problem, name=name)
    return None


def further_problem(name: str) -> str | None:
    """Say what is wrong with the name of a :class:`FurtherHeader`.

    :return: as :func:`..urls.url_problem`
    """
    if not _HEADER_NAME.fullmatch(name):
        sentence = wording._lt(
            "%(name)s is no name of a header: it has letters, digits and hyphens."
        )
        return wording.Sentence(sentence, name=name)
    if name.lower() == "authorization":
        return wording._lt(
            "Authorization is what the authentication sends: choose it there."
        )
    if name.lower() in _NEVER_FURTHER:
        sentence = wording._lt("The header %(name)s cannot be set.")
        return wording.Sentence(sentence, name=name)
    return None


def value_problem(name: str, value: str) -> str | None:
    """Say what is wrong with the value of a :class:`FurtherHeader`.

    :return: as :func:`..urls.url_problem`; it never repeats the value
    """
    value = value.strip()
    if value and _HEADER_VALUE.fullmatch(value):
        return None
    sentence = (
        wording._lt(
            "The value of the header %(name)s has characters that HTTP does not allow "
            "there: it is one line of letters without accents, digits and signs."
        )
        if value
        else wording._lt("The value of the header %(name)s is missing.")
    )
    return wording.Sentence(sentence, name=name)


def names_problem(config: HttpConfig) -> str | None:
    """Say what is wrong with the names of all headers that are set.

    :return: as :func:`..urls.url_problem`
    """
    key = config.key_header
    if not _HEADER_NAME.fullmatch(key) or (
        key.lower() != KEY_HEADER.lower()
        and key.lower() in _NEVER_FURTHER | _REPLACEABLE
    ):
        return wording._lt("The name of the header for the key cannot be used.")
    named = [key, *(each.name for each in config.headers)]
    if config.auth == "header":
        named.append(config.header.strip())
    for name in named[1:]:
        if [each.lower() for each in named].count(name.lower()) > 1:
            sentence = wording._lt(
                "The header %(name)s is there twice: as a further one, for the "
                "authentication or for the key."
            )
            return wording.Sentence(sentence, name=name)
    problems = (further_problem(each.name) for each in config.headers)
    return next(filter(None, problems), None)


def proxy_problem(config: HttpConfig) -> str | None:
    """Say what is wrong with the proxy, if there is one.

    :return: as :func:`..urls.url_problem`
    """
    if not config.proxy:
        return None
    problem = url_problem(config.proxy)
    if problem:
        return problem
    parts = urlsplit(config.proxy)
    if parts.scheme != "http" or parts.path.strip("/"):
        return wording._lt(
            "The address of a proxy is http://, its name and its port, as in "
            "http://proxy.example.com:3128."
        )
    if ":" in config.proxy_username:
        return wording._lt("The user name must not contain a colon (RFC 7617).")
    return None


def _pair(config):
    """:return: user name and password in one"""
    pair = config.username, config.secret
    return ":".join(pair if config.auth != "key" else (config.secret.strip(), pair[0]))


def auth_headers(config: HttpConfig) -> dict[str, str]:
    """:return: the header that proves who is sending

    :raise Unreachable: when the settings are not complete
    """
    if config.auth == "none":
        return {}
    if config.auth in ("basic", "key"):
        if ":" in (config.username if config.auth == "basic" else config.secret):
            sentence = wording._lt("The user name must not contain a colon (RFC 7617).")
            raise Unreachable(sentence)
        pair = base64.b64encode(_pair(config).encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    name = "Authorization" if config.auth == "bearer" else config.header.strip()
    problem = header_problem(name)
    if problem:
        raise Unreachable(problem)
    # A line end that came with copy and paste is no part of a value.
    secret = config.secret.strip()
    if not _HEADER_VALUE.fullmatch(secret):
        sentence = wording._lt(
            "The secret of the authentication is missing, or has characters that HTTP "
            "does not allow in a header."
        )
        raise Unreachable(sentence)
    scheme = "Bearer" if config.auth == "bearer" else config.scheme.strip()
    if scheme and not _HEADER_NAME.fullmatch(scheme):
        raise Unreachable(wording._lt("The word before the key is not valid."))
    return {name: f"{scheme} {secret}".strip()}


@dataclass
class Trail:
    """What was sent for one message, and the last answer to it.

    :param pace: asked before each request
    :param requests: methods and addresses, without secrets
    :param lost: whether one of them has left and got no answer: also the first of two
        with one key, whatever the second is answered
    :param duration: how long they took, in seconds
    """

    pace: Pace = NO_PACE
    requests: list[str] = field(default_factory=list)
    answer: Answer | None = None
    lost: bool = False
    duration: float = 0.0

    def fate(self, error: SyncError | None) -> str:
        """:return: what is known of all that was sent, as in :class:`..base.Receipt`

        :param error: what became of the message
        """
        if error is None:
            return DONE
        if self.lost:
            return UNKNOWN
        if self.answer is None:
            return UNSENT
        return REFUSED if self.answer.refuses else UNKNOWN

    @contextlib.contextmanager
    def besides(self) -> Iterator["Trail"]:
        """Ask for something else meanwhile, which changes nothing there.

        :return: a trail for it: this one tells of its requests, and what becomes of
            them says nothing of the message
        """
        look = Trail(self.pace)
        try:
            yield look
        finally:
            self.requests += look.requests
            self.duration += look.duration


class HttpClient:
    """Sends requests over connections that are kept between jobs.

    Its ``redact`` hides what the requests prove their sender with.

    :param session: is given what is sent, to the last byte; one that is kept if none
    """

    def __init__(self, config: HttpConfig, session: Session | None = None):
        self.config = config
        self._session = session
        pair = _pair(config) if config.secret else ""
        keys = [text for secret in config.signing_secrets for text in spellings(secret)]
        mine = [pair, config.secret, *config.signing_secrets, *keys]
        self.redact = Redactor([*mine, *_further_secrets(config)])

    @property
    def secret_headers(self) -> set[str]:
        """Names of the headers whose values nobody may see, in small letters."""
        further = [each.name for each in self.config.headers if each.secret]
        names = [*auth_headers(self.config), *further, "webhook-signature"]
        return {name.lower() for name in names}

    def url(self, path: str, record_id: str | None = None) -> str:
        """:return: the address of a place within the destination, or of a record"""
        return join_url(self.config.url or "", path, record_id)

    def request(
        self,
        trail: Trail,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        most: int = MAX_BODY,
        query: str | None = None,
        only_once: bool = False,
    ) -> Answer:
        """Send, and follow redirects that stay within the destination.

        :param trail: of the message that it is sent for, or a new one
        :param headers: besides those of every request
        :param most: bytes of the answer that are of use
        :param query: that of the address as it is shown, without values of a record
        :param only_once: twice is not the same as once, whatever the method
        :return: the answer, whatever its status
        :raise SyncError: when there is no usable answer
        """
        headers = self._with_headers(headers or {})
        started = time.monotonic()
        try:
            for _hop in range(MAX_REDIRECTS + 1):
                answer = self._ask(
                    trail, method, url, headers, body, most, query, only_once
                )
                inside = answer.redirect_inside()
                if answer.status not in ELSEWHERE or inside is None:
                    return answer
                url, query = inside, None
        finally:
            trail.duration += time.monotonic() - started
        sentence = wording._lt(
            "%(request)s answered %(status)s after %(most)s redirects: "
            "check the URL and the endpoint."
        )
        raise Unreachable(sentence, most=MAX_REDIRECTS, **answer.told)

    def _ask(self, trail, method, url, headers, body, most, query, only_once) -> Answer:
        """Send, and once more if the token is refused: nothing was done then (RFC 9110
        section 15.5.2)."""
        token, refused, proof = self.config.token, None, {}
        if token:
            proof["Authorization"] = token()
        while True:
            if proof:
                self.redact.hide(proof["Authorization"].rpartition(" ")[2])
            trail.pace.wait()
            shown = loggable(url) if query is None else f"{loggable(url)}?{query}"
            trail.requests.append(self.redact(f"{method} {shown}"))
            answer = self._exchange(
                trail, method, url, {**headers, **proof}, body, most, only_once
            )
            trail.answer = answer
            if answer.status != 401 or not proof or refused:
                return answer
            refused = proof["Authorization"]
            proof["Authorization"] = token(refused)
            if proof["Authorization"] == refused:
                return answer

    def receipt(
        self,
        message: Message,
        trail: Trail,
        error: SyncError | None = None,
        answer: Answer | None = None,
        **known: Any,
    ) -> Receipt:
        """Tell what became of a message, without secrets.

        :param error: why it was not delivered; ``None`` when it was
        :param answer: to this message, where the last one of the trail is to several
        :param known: what the receipt says that the trail does not tell, or otherwise
        """
        if known.get("warning"):
            known["warning"] = self.redact.clean_sentence(known["warning"])
        answer = answer or trail.answer
        values = {
            "external_id": message.external_id,
            "request": "; ".join(trail.requests),
            "status": str(answer.status) if answer else None,
            "response": answer.excerpt(MAX_EXCERPT) if answer else "",
            "duration": trail.duration,
            "fate": trail.fate(error),
            **known,
        }
        return Receipt(message, error=error and self.redact.clean(error), **values)

    def _with_headers(self, headers):
        """What a request is sent with: what the destination wants counts most."""
        sent = CaseInsensitiveDict({**self._headers, **headers})
        for each in self.config.headers:
            # which is for a body
            if each.name.lower() != "content-type" or each.name in sent:
                sent[each.name] = each.value.strip()
        key = sent.pop(KEY_HEADER, None)
        if key is not None:
            sent[self.config.key_header] = key
        return sent

    @functools.cached_property
    def _headers(self):
        config = self.config
        values = (value_problem(each.name, each.value) for each in config.headers)
        signing = map(secret_problem, config.signing_secrets)
        settings = (url_problem(config.url), names_problem(config))
        for problem in (*settings, proxy_problem(config), *values, *signing):
            if problem:
                raise Unreachable(problem)
        return {
            "User-Agent": USER_AGENT,
            "Accept": "application/json",
            # an answer is small, and an expanding one could not be bounded early
            "Accept-Encoding": "identity",
            **auth_headers(self.config),
        }

    def _exchange(
        self, trail, method, url, headers, body, most, only_once=False
    ) -> Answer:
        session = self._session or sessions.get(self.config)
        try:
            prepared = prepare(method, url, headers, body)
            response = self._send_fresh(trail, session, prepared, only_once)
            return _read(response, method, url, self.redact, most)
        except NO_ANSWER as error:
            kept_out = departure.first and is_kept_out(error)
            trail.lost = trail.lost or (departure.begun and not kept_out)
            raise no_answer(error, url, self.config) from None
        except UNREADABLE as error:
            trail.lost = True
            raise unreadable(error) from None

    def _send_fresh(self, trail, session, prepared, only_once):
        """Send, again if it met a connection that had just been closed.

        That is not the destination's fault: it may close an idle connection at any
        time (RFC 9112 section 9.5). What had begun to leave may have been carried out,
        and so only goes again where twice is the same as once: by its method, or by its
        key where the destination is known to honour it. At most as many connections
        are kept as requests are sent at once.
        """
        keys, body = self.config.signing_secrets, prepared.body or b""
        repeatable = self.config.repeats_are_safe or (
            prepared.method in _IDEMPOTENT and not only_once
        )
        departure.only_once = not repeatable
        for kept in reversed(range(self.config.concurrency + 1)):
            departure.begun = False
            if keys:
                # Anew for each attempt, as a signature holds the time. Without a key
                # (a question for a sign of life) any id will do.
                key = prepared.headers.get(self.config.key_header)
                message_id = key or uuid.uuid4().hex
                prepared.headers.update(signature_headers(keys, message_id, body))
            try:
                return session.send(prepared)
            except NO_ANSWER as error:
                if not kept or not is_stale(error):
                    raise
                if departure.begun and not repeatable:
                    raise
            trail.lost = trail.lost or departure.begun
            try:
                trail.pace.wait()
            except Throttled:
                # Not "nothing was sent": the connection may have broken after it was.
                sentence = wording._lt(
                    "The connection was closed without an answer, and the limit on "
                    "requests per second left no time to ask again."
                )
                raise Temporary(sentence) from None


def _further_secrets(config):
    """What else is sent that nobody may see. A private key never leaves."""
    proxy = config.proxy_password and f"{config.proxy_username}:{config.proxy_password}"
    headers = [each.value for each in config.headers if each.secret]
    return [proxy, config.proxy_password, *headers]


def _read(response, method, url, redact, most) -> Answer:
    """Take the answer off the connection, as much of it as is of use."""
    body, cut, headers = bytearray(), False, response.headers
    try:
        for chunk in response.stream(16384, decode_content=False):
            body += chunk
            if len(body) > most:
                cut = True
                break
        else:
            # urllib3 1.26 does not notice that something is missing.
            announced = _LENGTH.fullmatch(headers.get("Content-Length", ""))
            cut = bool(announced) and response.tell() < int(announced[0])
            response._original_response.require_alone()
    except NO_ANSWER as error:
        if not is_broken_off(error):
            raise
        cut = True  # the status has arrived, and often says all that is needed
    finally:
        # Only what was not read to its end: urllib3 has the connection back already
        # when it was, for the next request.
        response.close()
        response.release_conn()
    content, missing = inflate(bytes(body), headers.get("Content-Encoding"))
    return Answer(
        method, url, response.status, headers, content, cut or missing, redact
    )


def to_json(content: dict) -> bytes:
    """:return: the body of a request

    :raise Rejected: it cannot be written as JSON
    """
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError) as error:
        sentence = wording._lt("The record cannot be written as JSON: %(said)s")
        raise Rejected(sentence, said=str(error)) from None
