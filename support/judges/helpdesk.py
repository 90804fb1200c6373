# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of systems that help and tell: Zendesk, Freshdesk, Slack, a web hook."""

import base64
import hashlib
import hmac
import json

from support.judges.double import Double, Said, basic, is_email, route
from support.judges.judge import Odd


class Zendesk(Double):
    """Zendesk's users, as in the reference of its Support API."""

    name = "Zendesk"
    odd = Odd({"email": "nobody"}, "not properly formatted")
    base = "/api/v2/users"

    def __init__(self):
        super().__init__()
        self.answers["email"] = "admin@example.com"

    def authorized(self, call):
        return basic(call) == (f"{self.answers['email']}/token", self.secret)

    def refused_at_the_door(self):
        return 401, {"error": "Couldn't authenticate you"}, {}

    def missing(self):
        return 404, {"error": "RecordNotFound", "description": "Not found"}, {}

    def check(self, record, record_id=None):
        email = record.get("email")
        if not record.get("name"):
            self._refuse("name", "Name: is too short (minimum one character)")
        if not isinstance(record.get("external_id"), str | None):
            self._refuse("external_id", "External: is not a string")
        if email and not is_email(email):
            self._refuse("email", f"Email: {email} is not properly formatted")
        if email and self.others("email", email, record_id):
            said = f"Email: {email} is already being used by another user"
            self._refuse("email", said, "DuplicateValue")

    def _refuse(self, name, said, error="InvalidFormat"):
        told = {"error": "RecordInvalid", "description": "Record validation errors"}
        details = {name: [{"description": said, "error": error}]}
        raise Said(422, {**told, "details": details})

    def _told(self, record_id):
        return {"user": {"id": int(record_id), **self.got(record_id), "active": True}}

    @route("POST", base + ".json")
    def create(self, call):
        return 201, self._told(self.stored(call.json()["user"]))

    @route("PUT", base + "/{id}.json")
    def update(self, call, id):
        self.changed(id, call.json()["user"])
        return 200, self._told(id)

    @route("GET", base + "/{id}.json")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/{id}.json")
    def remove(self, _call, id):
        told = self._told(id)
        self.removed(id)
        told["user"]["active"] = False
        return 200, told

    @route("GET", base + "/search.json")
    def search(self, call):
        if call.value("external_id"):
            found = self.others("external_id", call.value("external_id"))
        else:
            name, _colon, value = call.value("query").partition(":")
            found = self.others(name, value.strip('"'))
        users = [self._told(each)["user"] for each in found]
        return 200, {"users": users, "count": len(users), "next_page": None}


class Freshdesk(Double):
    """Freshdesk's contacts, as in its API v2."""

    name = "Freshdesk"
    odd = Odd({"email": "nobody"}, "valid email address")
    base = "/api/v2/contacts"
    fields = {"name", "email", "phone", "mobile", "address", "job_title"}
    fields |= {"unique_external_id", "description", "tags", "company_id"}

    def authorized(self, call):
        return basic(call)[0] == self.secret

    def refused_at_the_door(self):
        said = "You have to be logged in to perform this action."
        return 401, {"code": "invalid_credentials", "message": said}, {}

    def missing(self):
        return 404, None, {}

    def check(self, record, record_id=None):
        for name, value in record.items():
            if name not in self.fields:
                self._refuse(
                    400, name, "Unexpected/invalid field in request", "invalid_field"
                )
            if value is not None and not isinstance(value, str):
                self._refuse(400, name, "It should be a String", "datatype_mismatch")
        email = record.get("email")
        if email and not is_email(email):
            said = "It should be in the 'valid email address' format"
            self._refuse(400, "email", said, "invalid_value")
        for name in ("email", "unique_external_id"):
            there = record.get(name) and self.others(name, record[name], record_id)
            if there:
                more = {"additional_info": {"user_id": int(there[0])}}
                said = "It should be a unique value"
                self._refuse(409, name, said, "duplicate_value", **more)

    def _refuse(self, status, name, said, code, **more):
        error = {"field": name, "message": said, "code": code, **more}
        raise Said(status, {"description": "Validation failed", "errors": [error]})

    def _told(self, record_id):
        return {"id": int(record_id), "active": False, **self.got(record_id)}

    @route("POST", base)
    def create(self, call):
        return 201, self._told(self.stored(call.json()))

    @route("PUT", base + "/{id}")
    def update(self, call, id):
        self.changed(id, call.json())
        return 200, self._told(id)

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 204, None

    @route("GET", base)
    def search(self, call):
        found = self.others("email", call.value("email"))
        return 200, [self._told(each) for each in found]


class Slack(Double):
    """Slack's chat.postMessage, as in its reference: what says no is a 200."""

    name = "Slack"
    cases = ("create", "update", "noop", "refuse")
    odd = Odd({"name": "x" * 4100}, "msg_too_long")
    channel = "C123ABC456"

    def __init__(self):
        super().__init__()
        self.answers["channel"] = self.channel

    def refused_at_the_door(self):
        return 200, {"ok": False, "error": "invalid_auth"}, {}

    def check(self, record, record_id=None):
        error = None
        if record.get("channel") not in (self.channel, f"#{self.channel}"):
            error = "channel_not_found"
        elif not record.get("text"):
            error = "no_text"
        elif len(record["text"]) > 4000:
            error = "msg_too_long"
        if error:
            raise Said(200, {"ok": False, "error": error})

    @route("POST", "/api/chat.postMessage")
    def post(self, call):
        stamp = self.stored(call.json())
        told = {"ok": True, "channel": self.channel, "ts": f"1503435956.{stamp}"}
        return 200, {**told, "message": self.records[stamp]}

    def held(self, email):
        """Return the last message that tells of a contact."""
        return dict([*super().held(email).items()][-1:])


class Hook(Double):
    """Whatever takes web hooks, signed as Standard Webhooks 1.0.0 says."""

    name = "Webhook"
    cases = ("create", "update", "noop", "remove")

    def __init__(self):
        super().__init__()
        self.answers["path"] = "hooks/contacts"
        self.secret = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"

    def authorized(self, call):
        head = [call.headers.get(f"webhook-{name}") for name in ("id", "timestamp")]
        if None in head:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        text = ".".join(head).encode() + b"." + call.body
        made = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
        return f"v1,{made}" in call.headers.get("webhook-signature", "").split()

    @route("POST", "/hooks/contacts")
    def take(self, call):
        self.stored(call.json())
        return 204, None

    def held(self, email):
        """Return what was told last of each contact, but of those that are gone."""
        last = {}
        with self._lock:
            for record in self.records.values():
                last[str(record["id"])] = record
        return {
            key: json.dumps(record)
            for key, record in last.items()
            if record["event"] != "delete" and email in json.dumps(record)
        }
