# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Say in words why there is no HTTP answer."""

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from ... import wording
from ...exceptions import SyncError, Temporary, Unreachable
from ..redact import shorten
from ..urls import NOT_VALID, address
from .connection import MAX_INTERIM, NotTheAnswer, NoTunnel, StaleConnection

# What is raised when there is no answer; requests' own errors are OSErrors.
NO_ANSWER = (OSError, urllib3.exceptions.HTTPError, NotTheAnswer)
# What an answer that nobody has thought of raises where it is read.
UNREADABLE = (ValueError, LookupError, RecursionError, MemoryError)
# Not urllib3's TimeoutError, which a refused connection is too.
_TOO_LATE = (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)

_NO_URL = (requests.exceptions.InvalidURL, urllib3.exceptions.LocationParseError)
_NO_ROUTE = wording._lt("There is no network route to %(where)s")
_CLOSED = wording._lt("%(where)s closed the connection without an answer")
_UNUSABLE = wording._lt(
    "The credentials contain characters that HTTP does not allow in a header"
)
_NO_HTTP = wording._lt("%(where)s answered something that is not HTTP")
# The first that an error is, or wraps, explains it.
_MEANING = (
    (socket.gaierror, Unreachable, wording._lt("The name %(host)s was not found")),
    (_NO_URL, Unreachable, NOT_VALID),
    # of an answer: two lengths
    (urllib3.exceptions.InvalidHeader, Temporary, _NO_HTTP),
    (requests.exceptions.InvalidHeader, Unreachable, _UNUSABLE),
    (http.client.RemoteDisconnected, Unreachable, _CLOSED),
    (http.client.HTTPException, Temporary, _NO_HTTP),
)
_BY_PROXY = (requests.exceptions.ProxyError, urllib3.exceptions.ProxyError, NoTunnel)
# The alerts of who does not like whom it talks to (RFC 8446 section 6.2), as OpenSSL
# calls them.
_NOT_LET_IN = re.compile(
    r"ALERT.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|DECRYPT_ERROR)"
)
_NETWORK = {
    errno.ECONNREFUSED: wording._lt("Connection refused by %(where)s"),
    errno.ENETUNREACH: _NO_ROUTE,
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.ECONNRESET: _CLOSED,
    errno.EPIPE: _CLOSED,
}


def no_answer(error: Exception, url: str, config) -> SyncError:
    """Explain why a request got no answer.

    :param url: what was asked for
    :param config: the :class:`.client.HttpConfig`, which tells how long it was given
    :return: the addon's own error, free of anything but the host's name
    """
    where, causes = address(url), list(_causes(error))
    found = _tls(causes, where, config)
    if found:
        return found
    if config.proxy and _first(causes, *_BY_PROXY):
        return _by_proxy(causes, where, config)
    return _no_answer(error, causes, where, config)


def _no_answer(error, causes, where, config):
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        sentence = wording._lt(
            "The file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names does not exist"
        )
        return Unreachable(sentence)
    other = _first(causes, NotTheAnswer)
    if other:
        return Temporary(other.args[0], where=where, most=MAX_INTERIM)
    for kind, outcome, sentence in _MEANING:
        if _first(causes, kind):
            return outcome(sentence, where=where, host=where.rpartition(":")[0])
    if _is_too_late_to_connect(causes):
        sentence = wording._lt("No connection to %(where)s within %(seconds)s s")
        return Unreachable(sentence, where=where, seconds=f"{config.connect_timeout:g}")
    if _first(causes, *_TOO_LATE):
        sentence = wording._lt("No complete answer from %(where)s within %(seconds)s s")
        return Unreachable(sentence, where=where, seconds=f"{config.read_timeout:g}")
    return _network(causes, where)


def unreadable(error: Exception) -> Temporary:
    """Explain why an answer cannot be read.

    :param error: one of ``UNREADABLE``, whose text may hold anything
    """
    sentence = wording._lt("The answer cannot be read (%(kind)s).")
    return Temporary(sentence, kind=type(error).__name__)


def is_stale(error: Exception) -> bool:
    """:return: whether a kept connection broke before the request was answered"""
    return bool(_first(_causes(error), StaleConnection))


def is_broken_off(error: Exception) -> bool:
    """:return: whether the answer ended before its announced end"""
    return not _first(_causes(error), *_TOO_LATE, NotTheAnswer)


def _causes(error: BaseException, seen=None) -> Iterator[BaseException]:
    """The error and all it wraps: urllib3 puts some in ``args`` or ``reason``."""
    seen = seen if seen is not None else set()
    if not isinstance(error, BaseException) or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    inner = [*error.args, getattr(error, "reason", None), error.__cause__]
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        # urllib3 1.26 chains only implicitly. Elsewhere the context may be an
        # older error that the caller is just handling.
        inner.append(error.__context__)
    for item in inner:
        yield from _causes(item, seen)


def _first(causes, *types):
    return next((error for error in causes if isinstance(error, types)), None)


def _is_too_late_to_connect(causes):
    late = _first(causes, urllib3.exceptions.ConnectTimeoutError)
    # which it is one of, in urllib3 1.26
    other = isinstance(late, urllib3.exceptions.NewConnectionError)
    return bool(_first(causes, requests.ConnectTimeout) or (late and not other))


def is_kept_out(error: Exception) -> bool:
    """:return: whether the server has refused to talk to us

    In TLS 1.3 it learns only behind our first request who we are, and looks at nothing
    of it before (RFC 8446 section 4.4.2). Of any other one that tells nothing.
    """
    failed = _first(_causes(error), ssl.SSLError)
    return bool(failed and _NOT_LET_IN.search(failed.reason or ""))


def _by_proxy(causes, where, config):
    """:return: the error of a proxy that does not lead to the destination"""
    proxy, refused = address(config.proxy), _first(causes, NoTunnel)
    if not refused or not refused.status:
        why = _no_answer(causes[0], causes, proxy, config)
        sentence = wording._lt("The proxy does not work: %(why)s")
        return type(why)(sentence, why=why)
    sentence = (
        wording._lt("The proxy %(proxy)s refuses our user or password.")
        if refused.status == http.client.PROXY_AUTHENTICATION_REQUIRED
        else wording._lt(
            "The proxy %(proxy)s does not lead to %(where)s: it answered %(status)s."
        )
    )
    phrase = http.client.responses.get(refused.status, "")
    status = f"{refused.status} {phrase}".rstrip()
    return Unreachable(sentence, proxy=proxy, where=where, status=status)


def _tls(causes, where, config):
    host = where.rpartition(":")[0]
    untrusted = _first(causes, ssl.SSLCertVerificationError)
    failed = _first(causes, ssl.SSLError)
    if failed and not untrusted and "CERTIFICATE_REQUIRED" in (failed.reason or ""):
        sentence = wording._lt(
            "%(where)s lets nobody in without a client certificate: it has to be set "
            "for this system."
        )
        return Unreachable(sentence, where=where)
    if config.client_certificate and is_kept_out(failed):
        sentence = wording._lt(
            "%(where)s does not accept the client certificate that is set for this "
            "system: %(said)s"
        )
        said = failed.reason.replace("_", " ").lower()
        return Unreachable(sentence, where=where, said=said)
    if failed and not untrusted:
        sentence = wording._lt(
            "No secure connection to %(where)s: %(said)s. "
            "Check that the port is one for https."
        )
        said = (failed.reason or "the handshake failed").replace("_", " ").lower()
        return Unreachable(sentence, where=where, said=said)
    if untrusted or _first(causes, requests.exceptions.SSLError):
        # without a cause it is the host's name, as checked by urllib3 1.26
        said = "verification failed" if untrusted else "Hostname mismatch"
        said = getattr(untrusted, "verify_message", "") or said
        sentence = wording._lt(
            "The TLS certificate of %(host)s is not trusted: %(said)s"
        )
        return Unreachable(sentence, host=host, said=said.rstrip("."))
    return None


def _network(causes, where):
    errors = [error for error in causes if isinstance(error, OSError) and error.errno]
    for error in errors:
        if error.errno in _NETWORK:
            return Unreachable(_NETWORK[error.errno], where=where)
    said = next((error.strerror for error in errors if error.strerror), None)
    if not said:
        return Unreachable(
            wording._lt("The connection to %(where)s failed"), where=where
        )
    sentence = wording._lt("The connection to %(where)s failed: %(said)s")
    return Unreachable(sentence, where=where, said=shorten(said, 100))
