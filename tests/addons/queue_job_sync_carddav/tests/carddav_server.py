# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An address book, written from the documents: RFC 6352 and what it builds on."""

import hashlib
import re

from odoo.addons.queue_job_sync.tests.conformance.destination import (
    MISLEAD,
    NAMELESS,
    REFUSED,
)
from odoo.addons.queue_job_sync.tests.conformance.rest_destination import (
    Api,
    RestDestination,
)
from odoo.addons.queue_job_sync.tests.servers import Answer

BOOK = "books/odoo/contacts"
# What is not escaped ends a part of an address (RFC 6350 section 3.4).
ADDRESS = re.compile(r";;;((?:\\.|[^;\\])*);;;")


def tag_of(card):
    """Return the version of a vCard, as its server tells it."""
    return f'"{hashlib.sha256(card).hexdigest()[:16]}"'


def contact_of(card):
    """Return what a vCard says of a contact, as a dict.

    :raises ValueError: it is none
    """
    lines = card.decode().replace("\r\n ", "").split("\r\n")
    if lines[0] != "BEGIN:VCARD" or lines[-2:] != ["END:VCARD", ""]:
        raise ValueError(f"this is no vCard: {lines}")
    found = dict(line.partition(":")[::2] for line in lines[1:-2])
    if not {"VERSION", "UID", "FN"} <= found.keys():
        raise ValueError(f"it lacks what it must have: {lines}")
    address = ADDRESS.fullmatch(found.get("ADR", ""))
    contact = {
        "name": _plain(found["FN"]),
        "email": _plain(found.get("EMAIL")),
        "city": _plain(address and address[1]),
    }
    if "X-DELETED" in found:
        contact["deleted"] = found["X-DELETED"] == "true"
    return contact


def _plain(text):
    if text is None:
        return None
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


class CardDavServer(Api):
    """Keeps vCards by their paths, with versions."""

    def is_refused(self, request):
        return f"FN:{REFUSED}".encode() in request.body

    def _obey(self, request):
        if self.fault == MISLEAD and request.path.startswith(f"/{BOOK}"):
            return Answer(404)
        return super()._obey(request)

    def _crud(self, request):
        path = request.path.strip("/")
        if request.method == "PROPFIND":
            # RFC 4918 section 9.1
            return Answer(207 if path == BOOK else 404)
        held, tag = self.records.get(path), request.headers.get("If-Match")
        if tag and (held is None or tag != tag_of(held)):
            return Answer(412)  # RFC 9110 section 13.1.1
        if request.method == "PUT" and path.rpartition("/")[0] != BOOK:
            return Answer(409)  # RFC 4918 section 9.7.1
        if request.method == "PUT":
            contact_of(request.body)
            self.records[path] = request.body
            headers = {"ETag": tag_of(request.body)}
            return Answer(204 if held else 201, headers=headers)
        if held is None:
            return Answer(404)
        if request.method == "DELETE":
            del self.records[path]
            return Answer(204)
        headers = {"ETag": tag_of(held), "Content-Type": "text/vcard; charset=utf-8"}
        return Answer(200, held, headers)


class CardDavDestination(RestDestination):
    """The server as the kit wants it."""

    api_class = CardDavServer
    cannot = {NAMELESS: "Resources get no ids: they are named after Odoo's."}

    def backend_values(self):
        values = super().backend_values()
        del values["repeats_are_safe"]
        return {**values, "transport": "carddav", "carddav_version": "4.0"}

    def stream_values(self):
        return {"carddav_book": BOOK}

    def records(self):
        return [contact_of(card) for card in self._api.records.values()]
