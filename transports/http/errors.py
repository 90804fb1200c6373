# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Say in words why there is no HTTP answer."""

import errno
import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from ...exceptions import SyncError, Temporary, Unreachable
from ..redact import shorten
from ..urls import address
from .connection import NotTheAnswer, StaleConnection

# What requests, urllib3 and the socket module raise when there is no answer.
NO_ANSWER = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    NotTheAnswer,
)

# Not urllib3's TimeoutError, which a refused connection is too.
_TOO_LATE = (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)

_NETWORK = {
    errno.ECONNREFUSED: "Connection refused by {}",
    errno.ENETUNREACH: "There is no network route to {}",
    errno.EHOSTUNREACH: "There is no network route to {}",
    errno.ECONNRESET: "{} closed the connection without an answer",
    errno.EPIPE: "{} closed the connection without an answer",
}


def no_answer(
    error: Exception, url: str, connect_timeout: float, read_timeout: float
) -> SyncError:
    """Explain why a request got no answer.

    :param url: what was asked for
    :param connect_timeout: seconds that were given to connect
    :param read_timeout: seconds that were given to answer
    :return: the addon's own error, free of anything but the host's name
    """
    where = address(url)
    causes = list(_causes(error))
    for explain in (_tls, _name, _protocol):
        found = explain(causes, where)
        if found:
            return found
    if _has(causes, requests.ConnectTimeout):
        return Unreachable(f"No connection to {where} within {connect_timeout:g} s")
    if _has(causes, *_TOO_LATE):
        return Unreachable(f"No complete answer from {where} within {read_timeout:g} s")
    return _network(causes, where)


def is_stale(error: Exception) -> bool:
    """:return: whether a kept connection broke before the request was answered"""
    return _has(_causes(error), StaleConnection)


def is_broken_off(error: Exception) -> bool:
    """:return: whether the answer ended before its announced end"""
    return not _has(_causes(error), *_TOO_LATE, NotTheAnswer)


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


def _has(causes, *types):
    return any(isinstance(error, types) for error in causes)


def _tls(causes, where):
    host = where.rpartition(":")[0]
    for error in causes:
        if isinstance(error, ssl.SSLCertVerificationError):
            why = getattr(error, "verify_message", "") or "verification failed"
            return Unreachable(
                f"The TLS certificate of {host} is not trusted: {why.rstrip('.')}"
            )
    for error in causes:
        if isinstance(error, ssl.SSLError):
            why = (error.reason or "the handshake failed").replace("_", " ").lower()
            return Unreachable(
                f"No secure connection to {where}: {why}. "
                "Check that the port is one for https."
            )
    if _has(causes, requests.exceptions.SSLError):
        # The host's name as checked by urllib3 1.26.
        return Unreachable(
            f"The TLS certificate of {host} is not trusted: Hostname mismatch"
        )
    if isinstance(causes[0], OSError) and "CA certificate bundle" in str(causes[0]):
        return Unreachable(
            "The file that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names does not exist"
        )
    return None


def _name(causes, where):
    if _has(causes, socket.gaierror):
        return Unreachable(f"The name {where.rpartition(':')[0]} was not found")
    if _has(
        causes,
        requests.exceptions.InvalidURL,
        urllib3.exceptions.LocationParseError,
    ):
        return Unreachable("The URL is not valid: check its host and port.")
    return None


def _protocol(causes, where):
    for error in causes:
        if isinstance(error, http.client.RemoteDisconnected):
            return None
        if isinstance(error, NotTheAnswer):
            return Temporary(f"{where} {error}.")
        if isinstance(error, http.client.HTTPException):
            return Temporary(f"{where} answered something that is not HTTP")
    if _has(causes, requests.exceptions.InvalidHeader):
        return Unreachable(
            "The credentials contain characters that HTTP does not allow in a header"
        )
    return None


def _network(causes, where):
    if _has(causes, http.client.RemoteDisconnected):
        return Unreachable(f"{where} closed the connection without an answer")
    for error in causes:
        if isinstance(error, OSError) and error.errno in _NETWORK:
            return Unreachable(_NETWORK[error.errno].format(where))
    for error in causes:
        if isinstance(error, OSError) and error.errno and error.strerror:
            why = shorten(error.strerror, 100)
            return Unreachable(f"The connection to {where} failed: {why}")
    return Unreachable(f"The connection to {where} failed")
