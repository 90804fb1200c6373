# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Contacts in an address book (RFC 6352): one resource for each, a vCard."""

from odoo.addons.queue_job_sync import wording
from odoo.addons.queue_job_sync.exceptions import Misconfigured
from odoo.addons.queue_job_sync.transports.http import HttpTransport, Outcome

from .vcard import marked, vcard

CARD = {"Accept": "text/vcard"}


class CardDavTransport(HttpTransport):
    def __init__(self, config, version="3.0"):
        super().__init__(config)
        self._version = version

    def _apply(self, trail, message):
        url = self._client.url(message.route.target, f"{message.key}.vcf")
        answer = self._send(trail, message, url, message.version)
        if answer.status == 412:  # it is another one by now: the last state wins
            tag = self._look(trail, "GET", url, CARD).headers.get("ETag")
            answer = self._send(trail, message, url, tag)
        if answer.status in (404, 409, 410):
            self._require_book(trail, f"{message.route.target}/")
            if message.operation != "upsert":
                return Outcome()
        outcome = self.outcome(message, answer)
        return outcome._replace(version=answer.headers.get("ETag"))

    def _send(self, trail, message, url, tag):
        card = vcard(message.key, message.payload, self._version)
        if message.operation == "mark":
            held = self._look(trail, "GET", url, CARD)
            if not held.ok:
                return held
            tag, card = held.headers.get("ETag"), marked(held.text, message.payload)
        headers = {"If-Match": tag} if tag else {}
        if message.operation == "delete":
            return self._client.request(trail, "DELETE", url, headers)
        headers["Content-Type"] = "text/vcard; charset=utf-8"
        return self._client.request(trail, "PUT", url, headers, card.encode())

    def _require_book(self, trail, place):
        """What is not there may be the record, or all that is around it."""
        book = self._client.url(place)
        answer = self._look(trail, "PROPFIND", book, {"Depth": "0"})
        if answer.status in (404, 410):
            text = wording._lt("%(request)s: there is no such address book.")
            raise Misconfigured(text, "address", **answer.told)
        answer.require_ok()
