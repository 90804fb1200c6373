# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""HTTP connections that are kept between jobs and never block for ever."""

import functools
import http.client
import io
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

import requests
import urllib3
import urllib3.connection
import urllib3.connectionpool
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

# Sessions kept per process; the one unused for longest makes room.
MAX_SESSIONS = 16
# Connections kept per session, by all threads of this process. No more are open than
# requests are sent at once.
MAX_CONNECTIONS = 256
# After this many seconds without use connections are not trusted any more:
# firewalls forget them silently, and the next request would only time out.
MAX_IDLE = 60.0


class _Departure(threading.local):
    """Whether the request that this thread sends has begun to leave.

    urllib3 and requests wrap what is raised in ways that differ by version; a thread
    sends one request at a time.
    """

    begun = False


departure = _Departure()


class StaleConnection(http.client.RemoteDisconnected):
    """The server closed a kept connection just as the next request was sent."""


class _UntilDeadline(io.RawIOBase):
    """A socket's stream whose reads share one deadline.

    A socket timeout starts anew with each received byte, so that alone it lets a
    slow answer hold a worker for hours.
    """

    def __init__(self, raw, sock, deadline):
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self):
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """An answer, from its status line to its last byte, within one deadline."""

    def __init__(self, sock, *args, deadline, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock, deadline))


class _TimedConnection:
    """Mixed into urllib3's connections: bounded answers, stale ones told apart."""

    answer_within = None  # seconds
    answered = False
    _held = None  # what is sent when the request is whole

    def connect(self):
        self.answered = False
        try:
            return super().connect()
        except TimeoutError as error:
            # In the TLS handshake; urllib3 would call it a late answer.
            raise urllib3.exceptions.ConnectTimeoutError(self, "timed out") from error

    def request(self, *args, **kwargs):
        self._held = held = []
        try:
            super().request(*args, **kwargs)
            self._held = None
            if self.sock is None:
                self.connect()
            departure.begun = True
            # Head and body at once: half the system calls, for the server too.
            self.send(b"".join(held))
        except ConnectionResetError as error:
            raise self._stale_or(error) from None
        finally:
            self._held = None

    def send(self, data):
        if self._held is None:
            super().send(data)
        else:
            self._held.append(data)

    def getresponse(self):
        if self.answer_within:
            self.response_class = functools.partial(
                _TimedResponse, deadline=time.monotonic() + self.answer_within
            )
        try:
            response = super().getresponse()
        except ConnectionResetError as error:  # also RemoteDisconnected
            raise self._stale_or(error) from None
        self.answered = True
        return response

    def _stale_or(self, error):
        return StaleConnection(*error.args) if self.answered else error


class _TimedPool:
    """Mixed into urllib3's pools: each connection knows how long an answer takes."""

    def _new_conn(self):
        connection = super()._new_conn()
        connection.answer_within = self.timeout.read_timeout
        return connection


class _HTTPConnection(_TimedConnection, urllib3.connection.HTTPConnection):
    pass


class _HTTPSConnection(_TimedConnection, urllib3.connection.HTTPSConnection):
    pass


class _HTTPPool(_TimedPool, urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(_TimedPool, urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class TimedAdapter(HTTPAdapter):
    """Send with timeouts that no caller can forget.

    :param connect_timeout: seconds to establish a connection, TLS included
    :param read_timeout: seconds from the request to the end of the answer
    """

    def __init__(self, connect_timeout: float, read_timeout: float):
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        super().__init__(
            pool_connections=2, pool_maxsize=MAX_CONNECTIONS, max_retries=0
        )

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, timeout=self._timeout, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _HTTPPool,
            "https": _HTTPSPool,
        }

    def send(self, request, **kwargs):
        kwargs["timeout"] = self._timeout
        return super().send(request, **kwargs)

    def build_response(self, req, resp):
        """As in ``requests``, without looking for cookies and an encoding."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.reason = resp.reason
        response.url = req.url
        response.request = req
        response.connection = self
        return response


class _NoCookies(RequestsCookieJar):
    def extract_cookies(self, response, request):
        """Keep none."""


class _Session(requests.Session):
    def get_redirect_target(self, resp):
        """Leave redirects alone: even when it does not follow them, ``requests``
        parses their address and reads their whole body."""
        return None


def new_session(
    connect_timeout: float, read_timeout: float, verify: str | bool
) -> requests.Session:
    """:return: a session that takes nothing from its surroundings

    :param connect_timeout: seconds, see :class:`TimedAdapter`
    :param read_timeout: seconds
    :param verify: as in ``requests``: ``True`` or the path of a CA bundle
    """
    session = _Session()
    # The environment would add proxies and, worse, passwords from ~/.netrc.
    session.trust_env = False
    session.verify = verify
    session.cookies = _NoCookies()
    session.headers.clear()
    adapter = TimedAdapter(connect_timeout, read_timeout)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


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


def ca_bundle() -> str | bool:
    """Which authorities certificates are checked against.

    :return: the bundle that the system's administrator names in
        ``REQUESTS_CA_BUNDLE`` or ``CURL_CA_BUNDLE``, as ``requests`` reads them,
        else ``True`` for the default one
    """
    return (
        os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    )


class SessionCache:
    """The sessions of this process, one for each configuration."""

    def __init__(self):
        self.forget()

    def forget(self):
        """Start empty: in a forked process, whose parent uses the connections."""
        # A new lock as well: a thread of the parent may have held the old one.
        self._lock = threading.Lock()
        self._entries = OrderedDict()

    def get(
        self, config: Hashable, connect_timeout: float, read_timeout: float
    ) -> requests.Session:
        """Give the session of a configuration; any thread may use it.

        :param config: everything that tells two destinations apart
        :param connect_timeout: seconds, see :class:`TimedAdapter`
        :param read_timeout: seconds
        """
        verify = ca_bundle()
        key = (config, verify)
        now = time.monotonic()
        with self._lock:
            session, used = self._entries.pop(key, (None, now))
            if session is None:
                session = new_session(connect_timeout, read_timeout, verify)
            elif now - used > MAX_IDLE:
                session.close()  # its connections; it opens new ones as needed
            self._entries[key] = (session, now)
            while len(self._entries) > MAX_SESSIONS:
                self._entries.popitem(last=False)[1][0].close()
        return session


sessions = SessionCache()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=sessions.forget)
