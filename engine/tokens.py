# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Access by OAuth 2: one token for a system, whoever sends to it.

All workers of all nodes share what is in one row, which no model knows, as it is with
secrets. Who finds that it is about to end locks the row, asks the token server, and
commits what it has given before anything is sent with it: a server that gives a new
token to renew with takes nothing but that one from then on. Who has waited for the lock
finds the new one.
"""

import hashlib
import logging
import threading
import time
from contextlib import contextmanager
from secrets import token_urlsafe
from typing import NamedTuple

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

from ..exceptions import RateLimited, SyncError, Throttled, Unreachable
from ..transports.http.tokens import (
    CONNECT,
    MAX_CONNECT,
    MAX_READ,
    ended,
    new_verifier,
)
from . import secrets, store, words

_logger = logging.getLogger(__name__)

TABLES = ("sync_token", "sync_consent")
CLIENT_SECRET, REFRESH = "oauth_client_secret", "oauth_refresh_token"
# It is renewed so many seconds before it ends, or in the last part of its life.
EARLY, PART = 60, 0.1
# One that the system refuses is not renewed within so many seconds: it may be refused
# for a single record, or not be known everywhere yet, and servers give only so many:
# Zoho 10 in 10 minutes ("Access Token limit").
YOUNG = 75
# Seconds for which nobody asks a token server again that has given nothing.
REST = 5
# Seconds to wait for who renews it: longer than one answer takes.
PATIENCE = MAX_CONNECT + MAX_READ + 3
# Seconds that a request may leave later, with what it waits for at most.
DELAY = PATIENCE + MAX_CONNECT + MAX_READ
# Seconds after which PostgreSQL gives the lock back of who is no more.
MOST = 6 * (MAX_CONNECT + MAX_READ)
# Seconds in which what was given is kept, whatever becomes of a connection.
KEEPING, PAUSE = 20, 0.5
# Minutes within which a person has to come back who was asked for consent.
CONSENT_MINUTES = 10
# Where they come back to, at the address of this server.
PATH = "/queue_job_sync/connect"
BUSY = words._lt("Another worker is renewing the access to the system.")
NOT_CONNECTED = words._lt("Nobody has connected it yet: press Connect.")


class Held(NamedTuple):
    """What is known of the access to a system.

    :param left: seconds until it ends, ``None`` if it does not
    :param life: seconds for which it was given
    :param granted, ends, connected: when it was given, when it ends, and when a person
        has consented; UTC
    :param failure: why there is no other one, as :func:`.words.kept` keeps it
    :param failed: seconds since then
    :param refused: what the refused token to renew with is known by
    :param age: seconds since it was given
    """

    access: str = ""
    left: float | None = None
    life: float | None = None
    granted: object = None
    ends: object = None
    connected: object = None
    failure: str = ""
    failed: float | None = None
    refused: str = ""
    age: float | None = None

    def serves(self, spent=None):
        """Return whether requests may be sent with it.

        :param spent: a token that the system has refused
        """
        ends = self.left is not None and self.left <= 0
        return bool(self.access) and self.access != spent and not ends

    def stays(self, spent):
        """Return whether it is not renewed although the system has refused it.

        :param spent: what it has refused
        """
        is_young = self.age is not None and self.age < YOUNG
        return self.access == spent and is_young and self.is_fresh

    @property
    def is_fresh(self):
        """Whether nobody has to renew it yet."""
        if self.left is None:
            return True
        return self.left > min(EARLY, PART * (self.life or 0))


class Token:
    """Gives the requests of one transport their ``Authorization``, in any thread.

    :param backend: the ``sync.backend``
    """

    def __init__(self, backend):
        self._registry, self._backend_id = backend.env.registry, backend.id
        self._scheme = backend.oauth_scheme or "Bearer"
        self._lock = threading.Lock()
        self._access, self._until, self._error = "", 0.0, None

    def __call__(self, refused=None):
        """:param refused: what the system has just refused

        :raises SyncError: there is none
        """
        spent = refused and refused.rpartition(" ")[2]
        # others of this transport wait for it, as those of other workers do
        with self._lock:
            now = time.monotonic()
            if self._error and now < self._until:
                raise self._error
            if self._error or self._access in ("", spent) or now >= self._until:
                self._look(spent)
            return f"{self._scheme} {self._access}"

    def _look(self, spent):
        self._error = None
        try:
            held = current(self._registry, self._backend_id, spent)
        except SyncError as error:
            self._error, self._until = error, time.monotonic() + REST
            raise
        self._access = held.access
        self._until = time.monotonic() + _good_for(held)


def _good_for(held):
    """Return for how many seconds nobody need look at it again."""
    if held.left is None:
        return float("inf")
    early = min(EARLY, PART * (held.life or 0))
    # in its last part where it could not be renewed
    return max(held.left - early, min(held.left, REST))


# -- had, and renewed -----------------------------------------------------------


def current(registry, backend_id, spent=None):
    """Return the :class:`Held` access to a system, renewed if it has to be.

    :param spent: a token that the system has refused: the same is returned where it
        was given only just now
    :raises SyncError: there is none
    """
    try:
        with store.read_committed(registry) as cr:
            held = read(cr, backend_id)
        if held.serves(spent) and held.is_fresh or held.stays(spent):
            return held
        return _renewed(registry, backend_id, spent)
    except psycopg2.Error:
        _logger.exception("The access to system %s could not be renewed", backend_id)
        raise RateLimited(BUSY, store.PATIENCE) from None


def _renewed(registry, backend_id, spent):
    grant = failure = None
    try:
        with _locked(registry, backend_id) as env:
            held = read(env.cr, backend_id)
            if held.serves(spent) and held.is_fresh:
                # whoever had the lock has renewed it
                return held
            backend = env["sync.backend"].browse(backend_id)
            kept, refresh = secrets.kept(env, backend_id), ""
            try:
                if backend.auth == "oauth_code":
                    refresh = secrets.resolved(env, kept.get(REFRESH))
                failure = _known_failure(held, refresh)
                if not failure:
                    _require_original(backend)
                    grant = _asked(backend, held, kept, refresh)
                    _keep(env, backend_id, grant, held)
            except SyncError as error:
                failure = error
                if not isinstance(error, Throttled):
                    _note_failure(env.cr, backend_id, error, refresh)
    except psycopg2.Error:
        if not grant:
            raise
        _keep_late(registry, backend_id, grant, held)
    if grant:
        return Held(grant.access, grant.life, grant.life)
    if held.serves(spent):
        return held
    raise failure


def _known_failure(held, refresh):
    """Return why a token server is not to be asked again yet, ``None`` if it may be.

    :param str refresh: what it would be asked with
    """
    if held.refused:
        # it is none any more, however long ago that was
        known = held.refused == _print(refresh)
    else:
        known = held.failed is not None and held.failed < REST
    if not known:
        return None
    error = words.parsed(held.failure)
    return Unreachable(error.message, error.reason)


def _asked(backend, held, kept, refresh):
    """Return the :class:`Grant` that the token server of a system gives.

    :raises SyncError: it gives none
    """
    server = backend._token_server(kept)
    if backend.auth == "oauth_client":
        return server.own_access()
    if refresh:
        return server.renewed(refresh)
    if held.connected or held.access:
        raise ended()
    raise Unreachable(NOT_CONNECTED, CONNECT)


def _require_original(backend):
    """Raise in a copy of the database: the original, which has the same to renew its
    access with, would lose that.

    :raises Unreachable: it looks like one
    """
    incidents = backend.env["sync.incident"]
    doubt = backend.auth == "oauth_code" and incidents._doubt()
    if doubt:
        raise Unreachable(incidents._copy_text(doubt))


def _print(token):
    """Return what a token is known by that is kept nowhere."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def connect(registry, backend_id, code, verifier, page):
    """Have the access that a person has consented to, and commit.

    :param page: the address that the person was sent back to
    :raises SyncError: there is none
    """
    grant = None
    try:
        with _locked(registry, backend_id) as env:
            held = read(env.cr, backend_id)
            backend = env["sync.backend"].browse(backend_id)
            server = backend._token_server(secrets.kept(env, backend_id))
            grant = server.exchanged(code, verifier, page)
            _keep(env, backend_id, grant, held, consented=True)
    except psycopg2.Error:
        if grant:
            _keep_late(registry, backend_id, grant, held, consented=True)
            return
        _logger.exception("System %s could not be connected", backend_id)
        raise RateLimited(BUSY, store.PATIENCE) from None


# -- the rows, and every statement about them -----------------------------------


def create_tables(cr):
    """Make the tables unless they are there; that of the systems has to be there."""
    cr.execute(
        """
        CREATE TABLE IF NOT EXISTS sync_token (
            backend_id integer PRIMARY KEY REFERENCES sync_backend ON DELETE CASCADE,
            access varchar,
            granted timestamp,
            expires timestamp,
            connected timestamp,
            failure varchar,
            failed timestamp,
            refused varchar
        );
        -- persons who have been sent to a system, to consent
        CREATE TABLE IF NOT EXISTS sync_consent (
            state varchar PRIMARY KEY,
            backend_id integer NOT NULL REFERENCES sync_backend ON DELETE CASCADE,
            uid integer NOT NULL,
            session varchar NOT NULL,
            verifier varchar NOT NULL,
            page varchar NOT NULL,
            until timestamp NOT NULL
        )
        """
    )


def drop_tables(cr):
    cr.execute("DROP TABLE IF EXISTS sync_token, sync_consent")


NOW = SQL("clock_timestamp() AT TIME ZONE 'utc'")


def read(cr, backend_id):
    """Return what is :class:`Held` of a system."""
    return held_of(cr, [backend_id]).get(backend_id, Held())


def held_of(cr, backend_ids):
    """Return what is :class:`Held` of some systems, by their ids."""
    cr.execute(
        SQL(
            """
            SELECT backend_id, COALESCE(access, ''),
                   extract(epoch FROM expires - %(now)s)::float8,
                   extract(epoch FROM expires - granted)::float8,
                   granted, expires, connected, COALESCE(failure, ''),
                   extract(epoch FROM %(now)s - failed)::float8,
                   COALESCE(refused, ''),
                   extract(epoch FROM %(now)s - granted)::float8
              FROM sync_token WHERE backend_id = ANY(%(ids)s)
            """,
            now=NOW,
            ids=list(backend_ids),
        )
    )
    return {id_: Held(*rest) for id_, *rest in cr.fetchall()}


@contextmanager
def _locked(registry, backend_id):
    """Yield an environment of its own that nobody else has for this system.

    :raises LockNotAvailable: somebody else has it for too long
    """
    bounds = SQL(
        "SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s;"
        " SET LOCAL idle_in_transaction_session_timeout = %s",
        f"{PATIENCE}s",
        f"{PATIENCE + 1}s",
        f"{MOST}s",
    )
    with store.read_committed(registry, bounds) as cr:
        cr.execute(
            "INSERT INTO sync_token (backend_id) VALUES (%s) ON CONFLICT DO NOTHING",
            (backend_id,),
        )
        cr.execute(
            "SELECT FROM sync_token WHERE backend_id = %s FOR UPDATE", (backend_id,)
        )
        yield api.Environment(cr, SUPERUSER_ID, {})


def _keep(env, backend_id, grant, held, consented=False):
    """Keep what was given, in the place of what was :class:`Held`."""
    if grant.refresh:
        text = secrets.kept(env, backend_id).get(REFRESH)
        reference = not consented and secrets.parse_reference(text)
        if reference:
            _logger.warning(
                "System %s has given another token to renew its access with: that in "
                "%s is none any more, and the new one is kept in the database",
                backend_id,
                reference,
            )
        secrets.keep(env, REFRESH, grant.refresh, backend_id)
    elif consented:
        # what there was is that of somebody else's consent
        secrets.keep(env, REFRESH, "", backend_id)
    # Odoo's cursor logs the values of statements; the driver's own does not.
    env.cr._obj.execute(
        """
        UPDATE sync_token
           SET access = %(access)s,
               granted = clock_timestamp() AT TIME ZONE 'utc',
               expires = clock_timestamp() AT TIME ZONE 'utc'
                         + %(life)s * interval '1 second',
               connected = CASE WHEN %(consented)s
                                THEN clock_timestamp() AT TIME ZONE 'utc'
                                ELSE connected END,
               failure = NULL, failed = NULL, refused = NULL
         WHERE backend_id = %(id)s
        """,
        {
            "access": grant.access,
            "life": grant.life,
            "consented": consented,
            "id": backend_id,
        },
    )


def _keep_late(registry, backend_id, grant, held, consented=False):
    """Keep what was given although the connection was lost meanwhile.

    Nobody else has what to renew it with from now on.

    :raises psycopg2.Error: there is no database to keep it in
    """
    deadline = time.monotonic() + KEEPING
    while True:
        try:
            with _locked(registry, backend_id) as env:
                now = read(env.cr, backend_id)
                # unless another one has been had since
                if consented or now.granted == held.granted:
                    _keep(env, backend_id, grant, held, consented)
            return
        except psycopg2.Error:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


def _note_failure(cr, backend_id, error, refresh):
    """Note why there is no access: who comes next need not ask."""
    cr.execute(
        SQL(
            "UPDATE sync_token SET failure = %s, failed = %s, refused = %s"
            " WHERE backend_id = %s",
            words.kept(error),
            NOW,
            (error.reason == CONNECT and _print(refresh)) or None,
            backend_id,
        )
    )


def forget(env, backend_ids, disconnect=False):
    """Have the access renewed before anything more is sent, by other settings.

    :param bool disconnect: it was not, from now on
    """
    env.cr.execute(
        SQL(
            "UPDATE sync_token SET access = NULL, granted = NULL, expires = NULL,"
            " failure = NULL, failed = NULL, refused = NULL%s"
            " WHERE backend_id = ANY(%s)",
            SQL(", connected = NULL") if disconnect else SQL(),
            list(backend_ids),
        )
    )


# -- persons who are asked for consent -------------------------------------------


class Consent(NamedTuple):
    """What a person who comes back has been sent away with."""

    backend_id: int
    verifier: str
    page: str


def await_consent(env, backend_id, session, page):
    """Expect the current user back from a system, once and within some minutes.

    :param str session: what the user's session is known by
    :param str page: the address to come back to
    :return: what to send along: the state and the verifier
    """
    state, verifier = token_urlsafe(32), new_verifier()
    env.cr.execute(SQL("DELETE FROM sync_consent WHERE until < %s", NOW))
    env.cr._obj.execute(
        """
        INSERT INTO sync_consent
                    (state, backend_id, uid, session, verifier, page, until)
        VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp() AT TIME ZONE 'utc'
                                        + %s * interval '1 minute')
        """,
        (
            _print(state),
            backend_id,
            env.uid,
            _print(session),
            verifier,
            page,
            CONSENT_MINUTES,
        ),
    )
    return state, verifier


def take_consent(registry, state, uid, session):
    """Return the :class:`Consent` that a user has been sent away for, and commit.

    Nobody can come back with the same state again.

    :return: ``None`` if there is none, it is that of another user or another session,
        or it was too long ago
    """
    with store.read_committed(registry) as cr:
        cr.execute(
            SQL(
                """
                DELETE FROM sync_consent
                 WHERE state = %s AND uid = %s AND session = %s AND until >= %s
                RETURNING backend_id, verifier, page
                """,
                _print(state),
                uid,
                _print(session),
                NOW,
            )
        )
        row = cr.fetchone()
    return row and Consent(*row)
