# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""HTTP connections that are kept between jobs and never block for ever."""

# What is extended here is of http.client and urllib3, and returns nothing:
# pylint: disable=missing-return

import base64
import functools
import http.client
import io
import os
import ssl
import threading
import time
from collections import OrderedDict

import requests
import urllib3
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from ... import wording
from ...exceptions import Unreachable
from .certificates import context_of

# Sessions kept per process; the one unused for longest makes room.
MAX_SESSIONS = 16
# Connections kept per session, by all threads of this process. No more are open than
# requests are sent at once.
MAX_CONNECTIONS = 256
# After this many seconds without use connections are not trusted any more:
# firewalls forget them silently, and the next request would only time out.
MAX_IDLE = 60.0
# After so many, none that must not leave twice goes over it: the server may be about to
# close it, and then nobody knows what became of the request. Many do after 2 to 5.
MAX_IDLE_ONCE = 1.0
# Interim answers to one request at most.
MAX_INTERIM = 20
# Seconds within which a second answer to the first request of a connection arrives.
PROBATION = 0.1


class _Departure(threading.local):
    """Of the request that this thread sends: what is raised is wrapped in ways that
    differ by the version of urllib3 and requests."""

    begun = False  # to leave
    first = False  # on its connection, and nothing has come back
    only_once = False  # it must not leave twice


departure = _Departure()


class StaleConnection(http.client.RemoteDisconnected):
    """The server closed a kept connection just as the next request was sent."""


class NotTheAnswer(http.client.HTTPException):
    """What has arrived is no answer to the request, or may be one to another.

    Its text is a template, of ``where`` it came from, and of ``most`` interim answers.
    """


class NoTunnel(OSError):
    """The proxy does not lead to the destination. Nothing was sent there.

    :param status: that it answered, ``None`` if it did not
    """

    def __init__(self, status=None):
        super().__init__("no tunnel")
        self.status = status


class _Stream(io.RawIOBase):
    """What a socket receives; all reads share one deadline.

    A socket timeout starts anew with each received byte, so that alone it lets a
    slow answer hold a worker for hours.
    """

    def __init__(self, raw, sock, deadline):
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._deadline = deadline
        self.patient = True  # waits for more to arrive
        self.heard = False  # anything at all

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = self._deadline - time.monotonic() if self.patient else 0
        if self.patient and remaining <= 0:
            raise TimeoutError("timed out")
        try:
            self._sock.settimeout(remaining)
            count = self._raw.readinto(buffer)
        except OSError:
            if self.patient:
                raise
            return None  # nothing that TLS could decrypt, or the connection is gone
        if count:
            self.heard, departure.first = True, False
        return count

    def close(self):
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer, from its status line to its last byte, within one deadline."""

    def __init__(self, sock, *args, connection, **kwargs):
        super().__init__(sock, *args, **kwargs)
        deadline = time.monotonic() + connection.answer_within
        self._stream = _Stream(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(self._stream)
        self._connection = connection
        self._kept = connection.answered
        self._followed = False  # by more than there should be

    def begin(self):
        try:
            super().begin()
        except ConnectionResetError as error:  # also RemoteDisconnected
            # Who has begun to answer has had the request.
            if self._kept and not self._stream.heard:
                raise StaleConnection(*error.args) from None
            raise
        # urllib3 would log what cannot be parsed, whatever the server repeats there.
        self.msg.defects.clear()
        self.msg.set_payload("")

    def _read_status(self):
        """Read the first line behind the interim ones (RFC 9110 section 15.2)."""
        for _number in range(MAX_INTERIM + 1):
            version, status, reason = super()._read_status()
            if status == http.client.SWITCHING_PROTOCOLS:
                sentence = wording._lt(
                    "%(where)s answered 101, which was not asked for."
                )
                raise NotTheAnswer(sentence)
            if status >= 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise NotTheAnswer(
            wording._lt("%(where)s sent more than %(most)s interim answers.")
        )

    def _close_conn(self):
        """Also close a connection that has more to say: it is no answer to anything."""
        self._stream.patient = False
        if self.fp is not None and self.fp.peek(1):
            self._followed = True
            self._connection.close()
        self._connection.ended = time.monotonic()
        if self.fp is not None:
            super()._close_conn()

    def require_alone(self):
        """Call when all of the answer has been read.

        :raise NotTheAnswer: more came after it. On a new connection that changes
            nothing: the first answer is the one to the only request. On one that was
            kept it may also be what was left of the request before.
        """
        if self._followed and self._kept:
            sentence = wording._lt(
                "%(where)s sent more than one answer, so that it cannot be told which "
                "of them belongs to this request."
            )
            raise NotTheAnswer(sentence)


class _ProxyAnswer(_TimedResponse):
    """An answer to CONNECT: what leads to the destination, or does not."""

    def _read_status(self):
        version, status, reason = super()._read_status()
        if status != http.client.OK:
            raise NoTunnel(status)
        return version, status, reason


class _TimedConnection:
    """Mixed into urllib3's connections: bounded answers, each to its own request."""

    answer_within = None  # seconds
    answered = False  # a request, since it was opened
    ended = 0.0  # when its last answer did
    _proven = False  # to say nothing after an answer
    _held = None  # what is sent when the request is whole
    _lead = None  # sets it up to go through a proxy

    def connect(self):
        self.answered = self._proven = False
        if self._lead and self._tunnel_host is None:
            self._lead()  # what it was closed with would lead to the proxy itself
        try:
            return super().connect()
        except TimeoutError as error:
            # In the TLS handshake; urllib3 would call it a late answer.
            raise urllib3.exceptions.ConnectTimeoutError(self, "timed out") from error

    def set_tunnel(self, *args, **kwargs):
        self._lead = functools.partial(super().set_tunnel, *args, **kwargs)
        self._lead()

    def _tunnel(self):
        """Have a proxy lead to the destination; it may take as long as an answer."""
        self.response_class = functools.partial(_ProxyAnswer, connection=self)
        try:
            super()._tunnel()
            if self.sock is None:
                raise NoTunnel()  # it has more to say
        except NoTunnel:
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NoTunnel() from error
        self.sock.settimeout(self.timeout)

    def request(self, *args, **kwargs):
        try:
            self._be_quiet()
            self._held = held = []
            super().request(*args, **kwargs)
            self._held = None
            if self.sock is None:
                self.connect()
            departure.begun, departure.first = True, not self.answered
            # Head and body at once: half the system calls, for the server too.
            self.send(b"".join(held))
        except (ConnectionResetError, ssl.SSLEOFError) as error:
            if self.answered and isinstance(error, ConnectionResetError):
                raise StaleConnection(*error.args) from None
            if self.sock is not None and not self.answered:
                self._arrived(0)  # why, if that was said
            raise
        finally:
            self._held = None

    def _be_quiet(self):
        """Have a connection on which nothing has arrived: it would be taken for the
        answer to the next request.

        When a connection is used again for the first time, what may come after an
        answer gets a moment to arrive: a server that answers twice does so each time.
        """
        idle = time.monotonic() - self.ended
        if self.sock and self.answered and departure.only_once and idle > MAX_IDLE_ONCE:
            self.close()
        if self.sock is not None and self.answered:
            wait = 0 if self._proven else self.ended + PROBATION - time.monotonic()
            self._proven = self._arrived(max(wait, 0)) is None
            if not self._proven:
                self.close()
        if self.sock is None:
            self.connect()
        if not self.answered and self._arrived(0):
            sentence = wording._lt(
                "%(where)s sent something before it was asked for anything."
            )
            raise NotTheAnswer(sentence)
        self.sock.settimeout(self.timeout)

    def _arrived(self, wait):
        """:return: a byte that arrives within some seconds, ``None`` if none does,
        nothing if the connection has ended"""
        self.sock.settimeout(wait)
        try:
            return self.sock.recv(1)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            if isinstance(error, ssl.SSLError) and not self.answered:
                raise  # why it does not let us in
            return b""

    def send(self, data):
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def getresponse(self):
        self.response_class = functools.partial(_TimedResponse, connection=self)
        response = super().getresponse()
        self.answered = True
        return response


class _TimedPool:
    """Mixed into urllib3's pools: each connection knows how long an answer takes."""

    def _new_conn(self):
        connection = super()._new_conn()
        connection.answer_within = self.timeout.read_timeout
        return connection


class _HTTPPool(_TimedPool, urllib3.connectionpool.HTTPConnectionPool):
    class ConnectionCls(_TimedConnection, urllib3.connection.HTTPConnection):
        pass


class _HTTPSPool(_TimedPool, urllib3.connectionpool.HTTPSConnectionPool):
    class ConnectionCls(_TimedConnection, urllib3.connection.HTTPSConnection):
        pass


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class Session(HTTPAdapter):
    """The connections to one destination, and timeouts that no caller can forget.

    Not within a session of ``requests``, which would add proxies and, worse, passwords
    from the surroundings, keep cookies, and read the whole body of a redirect.

    :param config: a :class:`.client.HttpConfig`
    :param verify: as in ``requests``: ``True`` or the path of a CA bundle; whom to
        trust where the destination has no authorities of its own
    :raise Unreachable: its certificates cannot be used
    """

    def __init__(self, config, verify: str | bool):
        connect, read = config.connect_timeout, config.read_timeout
        self._pool_options = {"timeout": urllib3.Timeout(connect=connect, read=read)}
        self._proxies = dict.fromkeys(_POOLS, config.proxy) if config.proxy else None
        self._proxy_login = (config.proxy_username, config.proxy_password)
        # no others are trusted then
        self._is_private = bool(config.ca_certificate) and not config.trusts_public
        self._verify = True if self._is_private else verify
        if config.client_certificate or config.ca_certificate:
            self._pool_options["ssl_context"] = context_of(
                config.client_certificate, config.ca_certificate
            )
        super().__init__(2, MAX_CONNECTIONS, max_retries=0)

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **self._pool_options, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy, **kwargs):
        manager = super().proxy_manager_for(proxy, **self._pool_options, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def proxy_headers(self, proxy):
        """The proxy's own, which it does not hand on."""
        if not any(self._proxy_login):
            return {}
        login = base64.b64encode(":".join(self._proxy_login).encode())
        return {"Proxy-Authorization": f"Basic {login.decode()}"}

    def cert_verify(self, conn, url, verify, cert):
        """Name those that everybody trusts, unless the destination has its own.

        :raise Unreachable: 2.32.0 to 2.32.2 of ``requests`` put a context of their own
            in the place of that with the certificates
        """
        context = self._pool_options.get("ssl_context")
        is_secure = url.lower().startswith("https:")
        if context and is_secure and conn.conn_kw.get("ssl_context") is not context:
            sentence = wording._lt(
                "The TLS certificates that are set for it cannot be used with version "
                "%(version)s of the Python package requests: it needs 2.32.3 or later."
            )
            raise Unreachable(sentence, version=requests.__version__)
        if self._is_private:
            conn.cert_reqs = "CERT_REQUIRED"
        else:
            super().cert_verify(conn, url, verify, cert)

    def send(self, request):
        """:return: the answer, of ``urllib3``, with its body still to be read"""
        return super().send(
            request,
            stream=True,
            timeout=self._pool_options["timeout"],
            verify=self._verify,
            proxies=self._proxies,
        )

    def build_response(self, req, resp):
        """As it is: ``requests`` would look for cookies and an encoding in it."""
        return resp


def prepare(
    method: str, url: str, headers: dict[str, str], body: bytes | None
) -> requests.PreparedRequest:
    """Check and encode a request, as ``requests`` does.

    Not by ``Session.prepare_request``: a third of the work of a whole request would be
    for cookies, parameters, files and authentication that there are none of.

    :raise requests.RequestException: the URL or a header cannot be sent
    """
    prepared = requests.PreparedRequest()
    prepared.method = method
    prepared.prepare_url(url, None)
    prepared.prepare_headers(headers)
    prepared.body = body
    prepared.prepare_content_length(body)
    return prepared


class SessionCache:
    """The sessions of this process, one for each configuration."""

    def __init__(self):
        self.forget()

    def forget(self):
        """Start empty: in a forked process, whose parent uses the connections."""
        # A new lock as well: a thread of the parent may have held the old one.
        self._lock = threading.Lock()
        self._entries = OrderedDict()

    def get(self, config) -> Session:
        """:return: the session of a :class:`.client.HttpConfig`, for any thread"""
        # the authorities that the system's administrator names, as requests reads them
        bundle = map(os.environ.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
        verify = next(filter(None, bundle), True)
        key, now = (config, verify), time.monotonic()
        with self._lock:
            session, used = self._entries.pop(key, (None, now))
            if session is None:
                session = Session(config, verify)
            elif now - used > MAX_IDLE:
                session.close()  # its connections; it opens new ones as needed
            self._entries[key] = (session, now)
            if len(self._entries) > MAX_SESSIONS:
                self._entries.popitem(last=False)[1][0].close()
        return session


sessions = SessionCache()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=sessions.forget)
