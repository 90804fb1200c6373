# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How the CRM misbehaves on request.

The faults stand in a JSON file that is read with every request, so that another
process can switch them on, also while the CRM is down. It is a list of objects:

=============== ==================================================================
``kind``        ``hang``: wait before the request is carried out, which it is not
                when the client has hung up meanwhile; ``late``: carry it out, wait,
                answer; ``drop``: carry it out and close the connection without an
                answer; ``status``: refuse; ``lie``: carry it out and answer an error;
                ``interim``: send interim answers before the answer; ``twice``: send
                the answer twice; ``nul``: put into the answer what PostgreSQL cannot
                store, into that of a refusal with ``status``;
                ``renege``: as ``drop``, and refuse the next request about that
                contact;
                ``cut``: close the connection and carry nothing out;
                ``error_in_200``: carry nothing out and answer 200 with a body that says
                no; ``lost_route``: a proxy's page with 404 for everything below
                ``/api``; ``in_progress``: answer 409, the same request is
                still being processed; ``accepted``: answer 202, and carry it out a
                moment later, before anything else; ``forbidden``: a firewall's page
                with 403
``until``       end of the fault, in seconds since the epoch
``share``       which part of the requests it hits, from 0 to 1 (default 1)
``match``       it hits only requests whose body holds this text
``method``      it hits only requests with this method
``seconds``     how long ``hang`` and ``late`` wait, and ``accepted`` at most
``carried_out`` whether ``in_progress`` is said of what has been carried out
``status``      what ``status``, ``lie`` and ``nul`` answer, and ``renege`` the next
                time
``retry_after`` value of the Retry-After header of that answer, if there is to be one
=============== ==================================================================
"""

import json
import random
import select
import socket
import threading
import time

# RFC 9110 section 15.2, RFC 8297.
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
# JSON spells them as escapes.
UNTIDY = "NUL \0 and half a surrogate pair \ud83d"
# These hit nothing but requests that change something.
OF_WRITES = {"accepted", "cut", "error_in_200", "forbidden", "in_progress"}
# As nginx journals a request whose client has gone before it was carried out.
CLIENT_CLOSED = 499
# How APIs say no with a 200; the last one as GraphQL's do that follow Shopify's.
NOES = (
    {"success": False, "message": "the contact is locked"},
    {"ok": False, "error": {"code": "locked", "message": "the contact is locked"}},
    {"errors": [{"message": "the contact is locked"}]},
    {"error": "the contact is locked"},
    {
        "data": {
            "contactSet": {
                "contact": None,
                "userErrors": [{"field": ["name"], "message": "it is locked"}],
            }
        }
    },
)
PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
# IETF draft-ietf-httpapi-idempotency-key-header section 2.6.
AT_WORK = {"error": "a request with this Idempotency-Key is still in progress"}


class Faults:
    """The faults that are switched on.

    :param path: the JSON file, which need not exist; None for a CRM without faults
    """

    def __init__(self, path=None):
        self._path = path
        self._lock = threading.Lock()
        self._reneged = {}  # what the next request about a contact is to meet

    def draw(self, method, path, body=""):
        """Return the fault that hits the next request as a dict, or None.

        :param body: of the request, as text
        """
        if self._path is None or not self._path.exists():
            return None
        now, contact = time.time(), _contact_of(body)
        with self._lock:
            refusal = self._reneged.pop(contact, None)
        if refusal and now < refusal["until"]:
            return refusal
        for fault in json.loads(self._path.read_text()):
            hits = now < fault["until"] and fault.get("match", "") in body
            hits = hits and fault.get("method", method) == method
            if method == "GET" and fault["kind"] in OF_WRITES:
                hits = False
            if fault["kind"] == "lost_route" and path == "/api":
                hits = False
            if not hits or random.random() >= fault.get("share", 1):
                continue
            if fault["kind"] == "renege":
                if contact is None:
                    continue
                with self._lock:
                    self._reneged[contact] = {**fault, "kind": "status"}
            return fault
        return None


def _contact_of(body):
    """Return Odoo's id of the contact that a body is about, or None."""
    try:
        return json.loads(body)["odoo_id"]
    except (ValueError, KeyError, TypeError):
        return None


def refusal_by(fault):
    """Return what a fault answers to a request that it keeps from being carried out.

    :return: what has become of the request, as the journal has it, what the client is
        told, and the answer: an object for JSON, text for a page, or None for an error
        of no interest. None for a fault that keeps nothing from being carried out
    """
    kind = fault.get("kind")
    if kind == "cut":
        return CLIENT_CLOSED, CLIENT_CLOSED, None
    if kind == "error_in_200":
        return 422, 200, random.choice(NOES)
    if kind == "lost_route":
        return 404, 404, PAGE.format("404 Not Found")
    if kind == "forbidden":
        return 403, 403, PAGE.format("Request blocked")
    if kind == "in_progress" and not fault.get("carried_out"):
        return 409, 409, AT_WORK
    if kind == "status":
        return fault["status"], fault["status"], None
    if kind == "nul" and "status" in fault:
        return fault["status"], fault["status"], {"error": UNTIDY}
    return None


def name_of(fault):
    """Return what a fault is called in counts, for example ``status_429``."""
    status = f"_{fault['status']}" if "status" in fault else ""
    return f"{fault['kind']}{status}"


def has_hung_up(connection):
    """Tell whether the client at the other end of a socket is gone."""
    readable, _writable, _failed = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True
