# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Ask a token server of OAuth 2 for access, and read what it answers (RFC 6749)."""

import math
import re
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient

from ... import wording
from ...exceptions import SyncError, Throttled, Unreachable
from ..urls import url_problem
from .answer import Answer
from .client import HttpClient, HttpConfig, Trail

# The reason of an error that only a person can end, by connecting again.
CONNECT = "connect"
# Seconds for a connection to a token server, and for its answer, at most: whoever else
# needs the token waits meanwhile.
MAX_CONNECT, MAX_READ = 5, 10
# Bytes of its answer that are read, and characters of a token.
MAX_ANSWER, MAX_TOKEN = 256 * 1024, 16 * 1024
# A longer life is none that anybody has planned.
MAX_LIFE = 366 * 24 * 3600.0
# RFC 7636 section 4.1: from 43 to 128 characters.
_VERIFIER_LENGTH = 96
# RFC 6749 appendix A.12, and no blank: it stands in a header.
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_TOKEN}}}")
_SCHEME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# How servers call a grant that is none any more: RFC 6749 section 5.2, then Zoho,
# GitHub, Slack and HubSpot.
_ENDED = {
    "invalid_grant",
    "invalid_code",
    "bad_refresh_token",
    "invalid_refresh_token",
    "token_revoked",
}
# What the flows themselves send; the last ones are those of the page.
_OURS = {
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "response_type",
    "state",
}


@dataclass(frozen=True)
class Client:
    """What a token server knows of us.

    :param url: of the token endpoint (RFC 6749 section 3.2)
    :param secret: empty for a client without one (section 2.1)
    :param in_body: the secret goes into the body, and not into the header
        ``Authorization`` (section 2.3.1)
    :param scope: as the server writes it, parts with blanks between them
    :param more: further parameters of each request, such as ``audience`` or
        ``resource`` (RFC 8707)
    :param network: what an ``HttpConfig`` says of how requests leave: a proxy,
        certificates
    """

    url: str
    id: str
    secret: str = field(default="", repr=False)
    in_body: bool = False
    scope: str = ""
    more: tuple[tuple[str, str], ...] = ()
    connect_timeout: float = MAX_CONNECT
    read_timeout: float = MAX_READ
    network: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Grant:
    """What a token server has given.

    :param access: the access token
    :param refresh: the token to renew it with from now on; empty if that stays as it is
    :param life: seconds until the access ends, ``None`` if it does not say
    """

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    life: float | None = None


class TokenServer:
    """Asks a token server. It is asked once, whatever it answers: what comes twice may
    be taken for a token that somebody else has stolen (RFC 9700 section 4.14.2).
    """

    def __init__(self, client: Client):
        self._client = client
        basic = client.secret and not client.in_body
        config = HttpConfig(
            url=client.url,
            auth="basic" if basic else "none",
            # encoded as in a form before they are in the header (section 2.3.1)
            username=quote_plus(client.id),
            secret=quote_plus(client.secret) if basic else "",
            connect_timeout=min(client.connect_timeout, MAX_CONNECT),
            read_timeout=min(client.read_timeout, MAX_READ),
            **client.network,
        )
        self._http = HttpClient(config)
        self._http.redact.hide(client.secret)
        more = list(client.more)
        if client.secret and client.in_body:
            more.append(("client_secret", client.secret))
        # what each body has; who shows the header is named by it
        self._each = {"body": urlencode(more), "include_client_id": not basic}

    def own_access(self) -> Grant:
        """Ask with nothing but what the client is (RFC 6749 section 4.4).

        :raise SyncError: there is none
        """
        flow = BackendApplicationClient(self._client.id)
        scope = self._client.scope or None
        return self._ask(flow.prepare_request_body(scope=scope, **self._each))

    def renewed(self, refresh: str) -> Grant:
        """Ask by the token to renew with (RFC 6749 section 6).

        :raise Unreachable: with the reason ``connect`` where the token is none any more
        :raise SyncError: there is none for now
        """
        self._http.redact.hide(refresh)
        # without a scope: it stays what was granted
        body = WebApplicationClient(self._client.id).prepare_refresh_body(
            refresh_token=refresh, client_id=self._client.id, **self._each
        )
        grant = self._ask(body)
        # many repeat it
        return replace(grant, refresh="") if grant.refresh == refresh else grant

    def exchanged(self, code: str, verifier: str, page: str) -> Grant:
        """Ask by the code that the system has sent a person back with (RFC 6749 section
        4.1.3, RFC 7636 section 4.5).

        :param page: the address it was sent to
        :raise SyncError: there is none
        """
        self._http.redact.hide(code, verifier)
        body = WebApplicationClient(self._client.id).prepare_request_body(
            code=code, redirect_uri=page, code_verifier=verifier, **self._each
        )
        return self._ask(body)

    def _ask(self, body):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        trail = Trail()
        with self._http.redact.cleaning():
            try:
                answer = self._http.request(
                    trail, "POST", self._client.url, headers, body.encode(), MAX_ANSWER
                )
                grant = _granted(answer)
                # it may have been given when the request arrived
                life = grant.life and max(grant.life - trail.duration, 0.0)
                return replace(grant, life=life)
            except SyncError as error:
                if isinstance(error, Throttled) or error.reason == CONNECT:
                    raise
                # no record is at fault, and none would get through
                sentence = wording._lt("There is no access to the system: %(why)s")
                raise Unreachable(sentence, why=error) from None


def _granted(answer: Answer) -> Grant:
    """:raise SyncError: the answer holds no access"""
    found = answer.json()
    found = found if isinstance(found, dict) else {}
    refusal = found.get("error")
    if not answer.ok or refusal:
        said = (refusal, found.get("status"))
        if any(isinstance(each, str) and each.lower() in _ENDED for each in said):
            raise _ended(answer)
        answer.require_ok()
        sentence = wording._lt(
            "%(request)s answered %(status)s, but what it says is no: %(said)s"
        )
        raise Unreachable(sentence, said=answer.reason(found), **answer.told)
    access, refresh = found.get("access_token"), found.get("refresh_token") or ""
    if not _is_token(access):
        sentence = wording._lt(
            "%(request)s answered %(status)s without an access token."
        )
        raise Unreachable(sentence, **answer.told)
    if refresh and not _is_refresh(refresh):
        sentence = wording._lt(
            "%(request)s answered %(status)s with a refresh token that cannot be kept."
        )
        raise Unreachable(sentence, **answer.told)
    return Grant(access, refresh, _life(found.get("expires_in")))


def _ended(answer):
    why = wording.Sentence(
        wording._lt("%(request)s answered %(status)s: %(said)s"),
        said=answer.reason(),
        **{name: answer.told[name] for name in ("request", "status")},
    )
    return ended(why)


def ended(why: str = "") -> Unreachable:
    """:return: the error of an access that only a person can have again

    :param why: what the token server has said, a sentence
    """
    if not why:
        sentence = wording._lt("The connection has ended: connect again.")
        return Unreachable(sentence, CONNECT)
    sentence = wording._lt("The connection has ended: connect again. %(why)s")
    return Unreachable(sentence, CONNECT, why=why)


def _is_token(value):
    return isinstance(value, str) and bool(_TOKEN.fullmatch(value))


def _is_refresh(value):
    # what begins so leads to another secret, where secrets are kept
    return _is_token(value) and not value.strip().startswith(("env:", "config:"))


def _life(value):
    """:return: the seconds that an access lasts; a number, or one in a text"""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(seconds) or seconds <= 0:
        return None
    return min(seconds, MAX_LIFE)


# -- the page at which a person consents ---------------------------------------


def new_verifier() -> str:
    """:return: what proves that who brings a code has asked for it (RFC 7636)"""
    return WebApplicationClient("").create_code_verifier(_VERIFIER_LENGTH)


def consent_page(
    address: str, client: Client, page: str, state: str, verifier: str
) -> str:
    """:return: where a person is asked for consent (RFC 6749 section 4.1.1)

    :param address: of the page, which may have a query of its own
    :param page: where the person is sent back to
    """
    flow = WebApplicationClient(client.id)
    challenge = flow.create_code_challenge(verifier, "S256")
    parameters = [
        ("response_type", "code"),
        ("client_id", client.id),
        ("redirect_uri", page),
        ("state", state),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]
    if client.scope:
        parameters.append(("scope", client.scope))
    return add_params_to_uri(address, parameters)


# -- what is wrong with settings ------------------------------------------------


def page_problem(address: str) -> str | None:
    """Say what is wrong with the address of the page that asks for consent.

    :return: as :func:`..urls.url_problem`
    """
    before, _mark, query = address.partition("?")
    problem = url_problem(before) or (query and url_problem(f"{before}/{query}"))
    if problem:
        return problem
    names = {name for name, _value in parse_qsl(urlsplit(address).query, True)}
    return _meant_otherwise(names)


def scheme_problem(scheme: str) -> str | None:
    """Say what is wrong with the word before a token (RFC 9110 section 11.1).

    :return: as :func:`..urls.url_problem`
    """
    if _SCHEME.fullmatch(scheme):
        return None
    return wording._lt("The scheme is one word, such as Bearer.")


def parameters(text: str) -> tuple[tuple[str, str], ...]:
    """:return: names and values of further parameters, one a line, as in
    ``audience=https://api.example.com``"""
    lines = filter(None, map(str.strip, text.splitlines()))
    pairs = (line.partition("=") for line in lines)
    return tuple((name.strip(), value.strip()) for name, _is, value in pairs)


def parameters_problem(text: str) -> str | None:
    """Say what is wrong with further parameters.

    :return: as :func:`..urls.url_problem`
    """
    found = parameters(text)
    if any(not name or not value for name, value in found):
        return wording._lt(
            "Each further parameter is a line of its own: name=value, as in "
            "audience=https://api.example.com."
        )
    return _meant_otherwise({name for name, _value in found})


def _meant_otherwise(names):
    taken = sorted(name for name in names if name.lower() in _OURS)
    if not taken:
        return None
    sentence = wording._lt("The parameter %(name)s has a meaning of its own.")
    return wording.Sentence(sentence, name=taken[0])
