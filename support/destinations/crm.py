# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A small CRM with a REST interface, as its own process on loopback.

It assigns its own ids, checks a bearer token, validates what it is sent, honours
``Idempotency-Key`` and keeps contacts, answered keys and a journal of every request
in one SQLite file, so that it can be taken down and brought back.

============================  ==================================================
``GET    /api``               name and number of contacts
``GET    /api/contacts``      all contacts; with ``?email=`` those at that address
``POST   /api/contacts``      create: 201 and the contact with its new id
``GET    /api/contacts/ID``   one contact
``PUT    /api/contacts/ID``   replace
``PATCH  /api/contacts/ID``   change the given keys
``DELETE /api/contacts/ID``   remove: 204
============================  ==================================================

Started by :class:`support.destinations.crm_process.Crm`, or by hand with the token in
the environment variable ``CRM_TOKEN``: ``python crm.py --data crm.sqlite --port 8100``.
With ``--faults`` it misbehaves on request, see ``crm_faults.py``, and with
``--ignore-keys`` it does not look at ``Idempotency-Key``: what comes twice is done
twice.

With ``--unique WHERE`` it answers 409 to a second contact with an e-mail address, and
tells the id of the first: in the ``text`` of the error, in a ``field`` of its own, in
the ``header`` Location, or ``nowhere``. With ``--versions`` each contact has an
``ETag``, and a change without it in ``If-Match`` is refused: 428, or 412 if it is
another one by now (RFC 6585 section 3, RFC 9110 section 13.1.1).
"""

import argparse
import hashlib
import hmac
import io
import json
import os
import re
import sqlite3
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

from crm_faults import (
    AT_WORK,
    CLIENT_CLOSED,
    INTERIM,
    UNTIDY,
    Faults,
    has_hung_up,
    name_of,
    refusal_by,
)

LOOPBACK = "127.0.0.1"
MEDIA_TYPES = {"json": "application/json", "html": "text/html"}
MAX_BODY = 1_000_000  # bytes
CONTACT_PATH = re.compile(r"/api/contacts/([\w-]+)")

SCHEMA = """
CREATE TABLE IF NOT EXISTS contact (
    number integer PRIMARY KEY AUTOINCREMENT, id text UNIQUE, content text NOT NULL);
CREATE TABLE IF NOT EXISTS answered_key (
    key text PRIMARY KEY, fingerprint text NOT NULL, status integer, answer text);
CREATE TABLE IF NOT EXISTS journal (
    number integer PRIMARY KEY, time real, method text, path text, key text,
    body text, status integer, replayed boolean, contact text, answered integer);
CREATE TABLE IF NOT EXISTS accepted (
    number integer PRIMARY KEY, due real, method text, path text, key text, body text);
CREATE TABLE IF NOT EXISTS fault (number integer PRIMARY KEY, name text);
"""
ACCEPTED = {"queued": True}  # the answer to what is carried out later
LOOK_EVERY = 0.1  # seconds


class Refused(Exception):
    """A request that the CRM does not carry out, and how it is answered.

    :param status: what the journal says of it
    :param message: text of the error in the answer
    :param told: status of the answer, if it is another one
    :param answer: another one: an object for JSON, or text for a page
    :param headers: more of them
    """

    def __init__(self, status, message, told=None, answer=None, headers=None):
        super().__init__(message)
        self.status = status
        self.told = told or status
        self.headers = headers or {}
        self.answer = answer or {"error": message}


class Contacts:
    """The CRM's data: one SQLite file, one request at a time.

    :param honours_keys: what comes again with its key is answered as the first time
    :param unique: where the refusal of a second contact with an e-mail address has the
        id of the first; None for no refusal
    :param has_versions: changes have to name the version that they change
    """

    def __init__(self, path, honours_keys=True, unique=None, has_versions=False):
        self._honours_keys = honours_keys
        self._unique = unique
        self.has_versions = has_versions
        self.told = threading.local()  # headers of the last answer
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")  # readers never block requests
        self._db.executescript(SCHEMA)

    def handle(self, method, path, key, body, received, later=None, match=None):
        """Answer one authorized request and write it to the journal.

        :param key: the request's ``Idempotency-Key``, or None
        :param body: the request's body as text
        :param received: when it arrived, in seconds since the epoch
        :param later: in how many seconds it is carried out; None for at once
        :param match: the request's ``If-Match``, or None
        :return: status, answer (an object for JSON, or None), whether it is a replay,
            its number in the journal
        """
        with self._lock, self._db:
            # in the order in which they came
            self._carry_out_accepted()
            replayed, self.told.headers = False, {}
            try:
                first = self._first_answer(method, path, key, body)
                if first:
                    replayed = True
                    status, answer = first
                elif later is not None:
                    status, answer = self._accept(method, path, key, body, later)
                else:
                    self._require_version(method, path, match)
                    status, answer = self._execute(method, path, body)
                if not replayed:
                    self._remember(method, path, key, body, status, answer)
                if self.has_versions and "id" in (answer or {}):
                    self.told.headers = {"ETag": version_of(answer)}
            except Refused as refused:
                status, answer = refused.status, refused.answer
                self.told.headers = refused.headers
            contact = _contact_of(path, answer)
            number = self._write_journal(
                (received, method, path, key, body, status, replayed, contact, None)
            )
            return status, answer, replayed, number

    def refuse(self, method, path, key, body, received, status):
        """Write a request that never reached the contacts to the journal.

        :return: its number there
        """
        with self._lock, self._db:
            return self._write_journal(
                (received, method, path, key, body, status, False, None, None)
            )

    def tell(self, number, status):
        """Write to the journal with which status a request is answered."""
        with self._lock, self._db:
            self._db.execute(
                "UPDATE journal SET answered = ? WHERE number = ?", (status, number)
            )

    def keep_promises(self):
        """Carry out what was accepted when it is due, for ever."""
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock, self._db:
                self._carry_out_accepted(time.time())

    def _accept(self, method, path, key, body, later):
        self._db.execute("SAVEPOINT trial")
        try:
            self._execute(method, path, body)  # what cannot be is refused at once
        finally:
            self._db.execute("ROLLBACK TO trial")
        self._db.execute(
            "INSERT INTO accepted (due, method, path, key, body)"
            " VALUES (?, ?, ?, ?, ?)",
            (time.time() + later, method, path, key, body),
        )
        return 202, ACCEPTED

    def _carry_out_accepted(self, until=None):
        """Carry out what was accepted, all of it or what is due ``until`` then."""
        rows = self._db.execute(
            "SELECT number, method, path, key, body FROM accepted"
            " WHERE ? IS NULL OR due <= ? ORDER BY number",
            (until, until),
        ).fetchall()
        for number, method, path, key, body in rows:
            status, answer = self._execute(method, path, body)
            contact = _contact_of(path, answer)
            self._write_journal(
                (time.time(), method, path, key, body, status, False, contact, 202)
            )
            self._db.execute("DELETE FROM accepted WHERE number = ?", (number,))

    def count_fault(self, name):
        """Note that a fault has hit a request."""
        with self._lock, self._db:
            self._db.execute("INSERT INTO fault (name) VALUES (?)", (name,))

    def _write_journal(self, row):
        cursor = self._db.execute(
            "INSERT INTO journal (time, method, path, key, body, status, replayed,"
            " contact, answered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return cursor.lastrowid

    def _first_answer(self, method, path, key, body):
        """Return status and answer given to this key before, or None."""
        row = self._db.execute(
            "SELECT fingerprint, status, answer FROM answered_key WHERE key = ?", (key,)
        ).fetchone()
        if not row or method == "GET":
            return None
        fingerprint, status, answer = row
        if fingerprint != _fingerprint(method, path, body):
            raise Refused(422, "this Idempotency-Key was used for another request")
        return status, json.loads(answer)

    def _remember(self, method, path, key, body, status, answer):
        # Refused requests changed nothing: they are not remembered, so that the same
        # key may be tried again.
        if key and self._honours_keys and method != "GET":
            fingerprint = _fingerprint(method, path, body)
            self._db.execute(
                "INSERT INTO answered_key VALUES (?, ?, ?, ?)",
                (key, fingerprint, status, json.dumps(answer)),
            )

    def _execute(self, method, path, body):
        if path == "/api" and method == "GET":
            (count,) = self._db.execute("SELECT count(*) FROM contact").fetchone()
            return 200, {"name": "Demo CRM", "contacts": count}
        path, _mark, query = path.partition("?")
        if path == "/api/contacts":
            if method == "GET":
                return 200, {"contacts": self._found(dict(parse_qsl(query)))}
            if method == "POST":
                return 201, self._create(_parse(body))
            raise Refused(405, f"{method} is not possible here")
        match = CONTACT_PATH.fullmatch(path)
        if not match:
            raise Refused(404, "no such address")
        return self._execute_on_contact(method, match[1], body)

    def _execute_on_contact(self, method, contact, body):
        old = self._read(contact)
        if method == "GET":
            return 200, old
        if method == "DELETE":
            self._db.execute("DELETE FROM contact WHERE id = ?", (contact,))
            return 204, None
        if method not in ("PUT", "PATCH"):
            raise Refused(405, f"{method} is not possible here")
        new = _parse(body)
        if method == "PATCH":
            new = {**old, **new}
        return 200, self._store(contact, new)

    def _require_version(self, method, path, match):
        known = CONTACT_PATH.fullmatch(path)
        if not (self.has_versions and known) or method == "GET":
            return
        if match is None:
            raise Refused(428, "If-Match is missing")
        if match != version_of(self._read(known[1])):
            raise Refused(412, "the contact has another version by now")

    def _found(self, wanted):
        if wanted.keys() - {"email"}:
            raise Refused(400, "contacts are found by email alone")
        email = wanted.get("email")
        return [each for each in self._all() if email is None or _is_at(each, email)]

    def _all(self):
        rows = self._db.execute("SELECT content FROM contact ORDER BY number")
        return [json.loads(content) for (content,) in rows]

    def _read(self, contact):
        row = self._db.execute(
            "SELECT content FROM contact WHERE id = ?", (contact,)
        ).fetchone()
        if not row:
            raise Refused(404, f"there is no contact {contact}")
        return json.loads(row[0])

    def _create(self, content):
        _validate(content)
        self._require_unique(content.get("email"))
        cursor = self._db.execute("INSERT INTO contact (content) VALUES ('')")
        contact = f"C-{1000 + cursor.lastrowid}"
        self._db.execute(
            "UPDATE contact SET id = ? WHERE number = ?", (contact, cursor.lastrowid)
        )
        return self._store(contact, content)

    def _require_unique(self, email):
        if not (self._unique and email):
            return
        for first in [each["id"] for each in self._all() if _is_at(each, email)]:
            message, answer, headers = (
                "a contact with this email already exists",
                {},
                {},
            )
            if self._unique == "text":
                message = f"{message}. Existing ID: {first}"
            elif self._unique == "field":
                answer = {"existing": {"id": first}}
            elif self._unique == "header":
                headers = {"Location": f"/api/contacts/{first}"}
            answer = {"error": message, **answer}
            raise Refused(409, message, answer=answer, headers=headers)

    def _store(self, contact, content):
        _validate(content)
        stored = {**content, "id": contact}
        self._db.execute(
            "UPDATE contact SET content = ? WHERE id = ?", (json.dumps(stored), contact)
        )
        return stored


def _contact_of(path, answer):
    """Return the id of the contact that an answer is about, None if it names none."""
    match = CONTACT_PATH.fullmatch(path.partition("?")[0])
    return match[1] if match else (answer or {}).get("id")


def version_of(contact):
    """Return the ``ETag`` of a contact."""
    content = json.dumps(contact, sort_keys=True).encode()
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def _is_at(contact, email):
    return str(contact.get("email") or "").lower() == email.lower()


def _fingerprint(method, path, body):
    return hashlib.sha256(f"{method} {path}\n{body}".encode()).hexdigest()


def _parse(body):
    try:
        content = json.loads(body)
    except ValueError:
        raise Refused(400, "the body is not JSON") from None
    if not isinstance(content, dict):
        raise Refused(400, "the body is not a JSON object")
    return content


def _validate(content):
    if not isinstance(content.get("name"), str) or not content["name"].strip():
        raise Refused(422, "name: must not be empty")
    email = content.get("email")
    if email and "@" not in str(email):
        raise Refused(422, f"email: {email} is not an e-mail address")


class Handler(BaseHTTPRequestHandler):
    """One HTTP connection; the attributes without a value are set by :func:`main`."""

    protocol_version = "HTTP/1.1"  # keeps connections open, as real servers do
    contacts = None
    token = None
    faults = Faults()

    def handle(self):
        """Serve the connection until either side ends it."""
        with suppress(ConnectionError):  # the client may have been killed
            super().handle()

    def _handle(self):
        received = time.time()
        key = self.headers.get("Idempotency-Key")
        body, replayed, fault = "", False, {}
        try:
            body = self._read_body()
            fault = self._draw_fault(body)
            self._check_token()
            self._refuse_by(fault)
        except Refused as refused:
            status, answer = refused.told, refused.answer
            request = self.command, self.path, key, body, received
            number = self.contacts.refuse(*request, refused.status)
            self.contacts.told.headers = {}
        else:
            later = fault["seconds"] if fault.get("kind") == "accepted" else None
            request = self.command, self.path, key, body, received, later
            status, answer, replayed, number = self.contacts.handle(
                *request, match=self.headers.get("If-Match")
            )
        kind = fault.get("kind")
        if kind == "late":
            time.sleep(fault["seconds"])
        if kind == "lie":
            status, answer = fault["status"], {"error": "out of order"}
        if kind == "in_progress":
            status, answer = 409, AT_WORK
        if kind in ("drop", "renege") or status == CLIENT_CLOSED:
            self.close_connection = True
            return
        if not has_hung_up(self.connection):
            self.contacts.tell(number, status)
        if kind == "nul" and isinstance(answer, dict):
            answer = {**answer, "note": UNTIDY}
        if kind == "interim":
            self._answer_nothing_yet()
        if kind == "twice":
            self._answer_twice(status, answer, replayed)
            return
        self._answer(status, answer, replayed, fault.get("retry_after"))

    def _answer_nothing_yet(self):
        with suppress(OSError):  # the client may be gone
            self.wfile.write(INTERIM)

    def _answer_twice(self, *answer):
        # At once: between one and the other, the client might have asked again.
        connection, self.wfile = self.wfile, io.BytesIO()
        self._answer(*answer)
        self._answer(*answer)
        both, self.wfile = self.wfile.getvalue(), connection
        with suppress(OSError):  # the client may be gone
            connection.write(both)

    def _draw_fault(self, body):
        fault = self.faults.draw(self.command, self.path, body) or {}
        if fault:
            self.contacts.count_fault(name_of(fault))
        return fault

    def _refuse_by(self, fault):
        """Do not carry the request out, when that is the fault that hits it."""
        found = refusal_by(fault)
        if found:
            status, told, answer = found
            raise Refused(status, "out of order", told, answer)
        if fault.get("kind") == "hang":
            time.sleep(fault["seconds"])
            if has_hung_up(self.connection):
                raise Refused(CLIENT_CLOSED, "the client has hung up")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _read_body(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True  # the unread body must not be the next request
            raise Refused(413, f"more than {MAX_BODY} bytes")
        return self.rfile.read(length).decode("utf-8", "replace")

    def _check_token(self):
        given = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            raise Refused(401, "the bearer token is missing or wrong")

    def _answer(self, status, answer, replayed, retry_after=None):
        content, kind = b"" if answer is None else json.dumps(answer).encode(), "json"
        if isinstance(answer, str):
            content, kind = answer.encode(), "html"
        self.send_response(status)
        self.send_header("Content-Type", MEDIA_TYPES[kind])
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        for name, value in self.contacts.told.headers.items():
            self.send_header(name, value)
        if replayed:
            self.send_header("Idempotent-Replayed", "true")
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        with suppress(OSError):  # the client may be gone
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format, *args):  # noqa: A002
        """Say nothing: the journal has it."""


def main():
    """Serve until told to end; the first line on stdout is ``{"port": N}``."""
    parser = argparse.ArgumentParser(description="A small CRM for tests.")
    parser.add_argument("--data", type=Path, required=True, help="SQLite file")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--faults", type=Path, help="JSON file, see crm_faults.py")
    parser.add_argument(
        "--ignore-keys", action="store_true", help="do not look at Idempotency-Key"
    )
    parser.add_argument(
        "--unique",
        choices=("text", "field", "header", "nowhere"),
        help="refuse a second contact with an e-mail address; where the id is told",
    )
    parser.add_argument(
        "--versions", action="store_true", help="changes have to name a version"
    )
    arguments = parser.parse_args()
    contacts = Contacts(
        arguments.data,
        honours_keys=not arguments.ignore_keys,
        unique=arguments.unique,
        has_versions=arguments.versions,
    )
    Handler.contacts = contacts
    Handler.token = os.environ["CRM_TOKEN"]
    Handler.faults = Faults(arguments.faults)
    server = ThreadingHTTPServer((LOOPBACK, arguments.port), Handler)
    threading.Thread(target=contacts.keep_promises, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
