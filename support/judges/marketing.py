# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of systems that write to people: Mailchimp, Brevo, Klaviyo, Intercom."""

import hashlib
import re
import uuid

from support.judges.double import Double, Said, basic, is_email, merged, route
from support.judges.judge import Odd


class Mailchimp(Double):
    """Mailchimp's Marketing API 3.0: members of lists, batches and search."""

    name = "Mailchimp"
    odd = Odd({"email": "nobody"}, "looks fake or invalid")
    email = "email_address"
    list = "1a2b3c4d5e"
    base = "/3.0/lists/" + list

    def __init__(self):
        super().__init__()
        self.answers["list"] = self.list

    def authorized(self, call):
        return basic(call)[1] == self.secret

    def refused_at_the_door(self):
        said = "Your API key may be invalid, or you've attempted to access the wrong"
        return 401, self._problem(401, "API Key Invalid", f"{said} datacenter."), {}

    def missing(self):
        said = "The requested resource could not be found."
        return 404, self._problem(404, "Resource Not Found", said), {}

    def _problem(self, status, title, detail):
        return {"title": title, "status": status, "detail": detail, "instance": ""}

    def stored(self, record):
        email = str(record.get("email_address")).lower()
        record_id = hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()
        if record_id in self.records:
            said = f"{email} is already a list member. Use PUT to insert or update"
            raise Said(
                400, self._problem(400, "Member Exists", f"{said} list members.")
            )
        if not is_email(email):
            said = f"{email} looks fake or invalid, please enter a real email address."
            raise Said(400, self._problem(400, "Invalid Resource", said))
        states = {"subscribed", "unsubscribed", "cleaned", "pending", "transactional"}
        if record.get("status") not in states:
            said = "The resource submitted could not be validated."
            raise Said(400, self._problem(400, "Invalid Resource", said))
        self.records[record_id] = record
        return record_id

    def plant(self, email, name):
        record = {"email_address": email, "status": "subscribed"}
        return self.stored({**record, "merge_fields": {"LNAME": name}})

    def _told(self, record_id):
        return {"id": record_id, **self.got(record_id), "list_id": self.list}

    @route("POST", base + "/members")
    def create(self, call):
        return 200, self._told(self.stored(call.json()))

    @route("PATCH", base + "/members/{id}")
    def update(self, call, id):
        self.records[id] = merged(self.got(id), call.json())
        return 200, self._told(id)

    @route("GET", base + "/members/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/members/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 204, None

    @route("POST", base)
    def create_many(self, call):
        told = {"new_members": [], "updated_members": [], "errors": []}
        for record in call.json()["members"]:
            try:
                told["new_members"].append(self._told(self.stored(record)))
            except Said as said:
                detail = said.answer[1]["detail"]
                error = {"email_address": record["email_address"], "error": detail}
                told["errors"].append({**error, "error_code": "ERROR_GENERIC"})
        return 200, told

    @route("GET", "/3.0/search-members")
    def search(self, call):
        found = self.others("email_address", call.value("query"))
        if call.value("list_id") != self.list:
            found = []
        members = [self._told(each) for each in found]
        exact = {"members": members, "total_items": len(members)}
        return 200, {"exact_matches": exact, "full_search": exact}


class Brevo(Double):
    """Brevo's contacts, as in getbrevo/brevo-node and its reference."""

    name = "Brevo"
    odd = Odd({"email": "nobody"}, "Invalid email address")
    base = "/v3/contacts"
    fields = {"email", "ext_id", "attributes", "updateEnabled", "listIds"}

    def authorized(self, call):
        return call.headers.get("api-key") == self.secret

    def refused_at_the_door(self):
        return 401, {"code": "unauthorized", "message": "Key not found"}, {}

    def missing(self):
        said = {"code": "document_not_found", "message": "Contact does not exist"}
        return 404, said, {}

    def check(self, record, record_id=None):
        if record.keys() - self.fields:
            said = "Input must be a valid JSON object"
            raise Said(400, {"code": "bad_request", "message": said})
        if not is_email(record.get("email")):
            said = "Invalid email address"
            raise Said(400, {"code": "invalid_parameter", "message": said})
        for name in ("email", "ext_id"):
            if not isinstance(record.get(name), str | None):
                said = f"{name} should be a string"
                raise Said(400, {"code": "invalid_parameter", "message": said})
            if record.get(name) and self.others(name, record[name], record_id):
                said = f"Unable to create contact, {name} is already associated with"
                raise Said(
                    400,
                    {
                        "code": "duplicate_parameter",
                        "message": f"{said} another Contact",
                        "metadata": {"duplicate_identifiers": [name]},
                    },
                )

    def planted(self, email, name):
        return {"email": email, "attributes": {"LASTNAME": name}}

    def _known(self, call, identifier):
        # its form says what it is unless that is named
        own = "contact_id" if identifier.isdecimal() else "email_id"
        kind = call.value("identifierType") or own
        if kind == "contact_id":
            if not identifier.isdecimal():
                said = "Invalid contact ID"
                raise Said(400, {"code": "invalid_parameter", "message": said})
            self.got(identifier)
            return identifier
        found = self.others({"email_id": "email"}.get(kind, kind), identifier)
        if not found:
            raise Said(*self.missing())
        return found[0]

    @route("POST", base)
    def create(self, call):
        return 201, {"id": int(self.stored(call.json()))}

    @route("GET", base + "/{id}")
    def read(self, call, id):
        known = self._known(call, id)
        return 200, {"id": int(known), **self.records[known]}

    @route("PUT", base + "/{id}")
    def update(self, call, id):
        known = self._known(call, id)
        self.changed(known, merged(self.records[known], call.json()))
        return 204, None

    @route("DELETE", base + "/{id}")
    def remove(self, call, id):
        self.removed(self._known(call, id))
        return 204, None


class Klaviyo(Double):
    """Klaviyo's profiles, revision 2026-07-15, as in klaviyo/openapi."""

    name = "Klaviyo"
    odd = Odd({"email": "nobody"}, "Invalid email address")
    media_type = "application/vnd.api+json"
    where = re.compile(r'equals\(email,"((?:[^"\\]|\\.)*)"\)')
    fields = {"email", "first_name", "last_name", "organization", "title", "location"}
    fields |= {"phone_number", "external_id", "properties", "locale", "image"}

    def authorized(self, call):
        return call.headers.get("Authorization") == f"Klaviyo-API-Key {self.secret}"

    def refused_at_the_door(self):
        return 401, self._errors(401, "not_authenticated", "Missing or invalid key"), {}

    def missing(self):
        return 404, self._errors(404, "not_found", "Not found."), {}

    def _errors(self, status, code, detail, pointer="/data", **more):
        error = {
            "id": str(uuid.uuid4()),
            "status": status,
            "code": code,
            "title": "Invalid input.",
            "detail": detail,
            "source": {"pointer": pointer},
            **more,
        }
        return {"errors": [error]}

    def _answer(self, call):
        if not call.headers.get("revision"):
            said = "A revision header is required."
            return 400, self._errors(400, "invalid", said), {}
        kind = call.headers.get("Content-Type", self.media_type)
        if call.body and kind not in (self.media_type, "application/json"):
            return 415, self._errors(415, "unsupported_media_type", kind), {}
        return super()._answer(call)

    def new_id(self):
        return f"01GDDKASAP8TKDDA2GRZDSVP{super().new_id()}"

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            said = f"'{name}' is not a valid field for the resource 'profile'."
            raise Said(400, self._errors(400, "invalid", said))
        email = record.get("email")
        if email and not is_email(email):
            at = "/data/attributes/email"
            raise Said(400, self._errors(400, "invalid", "Invalid email address", at))
        there = email and self.others("email", email, record_id)
        if there:
            said = "A profile already exists with one of these identifiers."
            meta = {"duplicate_profile_id": there[0]}
            at = "/data/attributes"
            errors = self._errors(409, "duplicate_profile", said, at, meta=meta)
            raise Said(409, errors)

    def planted(self, email, name):
        return {"email": email, "last_name": name}

    def _told(self, record_id):
        links = {"self": f"{self.url}/api/profiles/{record_id}/"}
        attributes = self.got(record_id)
        told = {"type": "profile", "id": record_id, "attributes": attributes}
        return {**told, "links": links}

    def _data(self, call, kind):
        data = (call.json() or {}).get("data", {})
        if data.get("type") != kind:
            said = f"The resource type must be {kind}."
            raise Said(409, self._errors(409, "conflict", said, "/data/type"))
        return data

    @route("POST", "/api/profiles")
    def create(self, call):
        record_id = self.stored(self._data(call, "profile")["attributes"])
        return 201, {"data": self._told(record_id)}

    @route("PATCH", "/api/profiles/{id}")
    def update(self, call, id):
        data = self._data(call, "profile")
        if data.get("id") != id:
            raise Said(409, self._errors(409, "conflict", "id", "/data/id"))
        self.changed(id, merged(self.got(id), data["attributes"]))
        return 200, {"data": self._told(id)}

    @route("GET", "/api/profiles/{id}")
    def read(self, _call, id):
        return 200, {"data": self._told(id)}

    @route("GET", "/api/profiles")
    def search(self, call):
        asked = self.where.fullmatch(call.value("filter") or "")
        if not asked:
            raise Said(400, self._errors(400, "invalid", "Invalid filter provided"))
        found = self.others("email", re.sub(r"\\(.)", r"\1", asked[1]))
        return 200, {"data": [self._told(each) for each in found], "links": {}}

    @route("POST", "/api/data-privacy-deletion-jobs")
    def remove(self, call):
        data = self._data(call, "data-privacy-deletion-job")
        profile = data["attributes"]["profile"]["data"]
        if profile.get("type") != "profile":
            raise Said(409, self._errors(409, "conflict", "type"))
        self.removed(profile["id"])
        return 202, None


class Intercom(Double):
    """Intercom's contacts, version 2.15, as in intercom/Intercom-OpenAPI."""

    name = "Intercom"
    odd = Odd({"email": "nobody"}, "Email is invalid")
    # how a conflict is told is not in the specification

    def refused_at_the_door(self):
        return 401, self._errors("unauthorized", "Access Token Invalid"), {}

    def missing(self):
        return 404, self._errors("not_found", "User Not Found"), {}

    def _errors(self, code, message):
        errors = [{"code": code, "message": message}]
        told = {"type": "error.list", "request_id": str(uuid.uuid4())}
        return {**told, "errors": errors}

    def _answer(self, call):
        if call.headers.get("Intercom-Version") != "2.15":
            said = self._errors("intercom_version_invalid", "The version is invalid")
            return 400, said, {}
        return super()._answer(call)

    def new_id(self):
        return f"6762f0dd1bb69f9f2193{super().new_id()}"

    def check(self, record, record_id=None):
        if record.get("email") and not is_email(record["email"]):
            raise Said(400, self._errors("parameter_invalid", "Email is invalid"))
        if not isinstance(record.get("external_id"), str | None):
            raise Said(400, self._errors("parameter_invalid", "external_id: string"))
        for name in ("email", "external_id"):
            there = record.get(name) and self.others(name, record[name], record_id)
            if there:
                said = "A contact matching those details already exists with"
                raise Said(409, self._errors("conflict", f"{said} id={there[0]}"))

    def planted(self, email, name):
        return {"role": "user", "email": email, "name": name}

    def _told(self, record_id):
        return {"type": "contact", "id": record_id, **self.got(record_id)}

    @route("POST", "/contacts")
    def create(self, call):
        return 200, self._told(self.stored(call.json()))

    @route("PUT", "/contacts/{id}")
    def update(self, call, id):
        self.changed(id, call.json())
        return 200, self._told(id)

    @route("GET", "/contacts/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("POST", "/contacts/{id}/archive")
    def remove(self, _call, id):
        self.removed(id)
        return 200, {"type": "contact", "id": id, "archived": True}

    @route("POST", "/contacts/search")
    def search(self, call):
        query = call.json()["query"]
        if (query["field"], query["operator"]) != ("email", "="):
            raise Said(400, self._errors("invalid_field", "Invalid query"))
        found = [self._told(each) for each in self.others("email", query["value"])]
        return 200, {"type": "list", "data": found, "total_count": len(found)}
