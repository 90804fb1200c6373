# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of what keeps data: Directus, PostgREST, Airtable, Elasticsearch."""

import re

from support.judges.double import Double, Said, is_email, route
from support.judges.judge import Odd


class Directus(Double):
    """Directus' items, as in directus/openapi and "Errors"."""

    name = "Directus"
    odd = Odd({"email": "nobody"}, "Validation failed for field")
    base = "/items/contacts"

    def __init__(self):
        super().__init__()
        self.answers["collection"] = "contacts"

    def refused_at_the_door(self):
        return 401, self._errors("INVALID_CREDENTIALS", "Invalid user credentials."), {}

    def missing(self):
        said = "You don't have permission to access this."
        return 403, self._errors("FORBIDDEN", said), {}

    def _errors(self, code, said, **more):
        return {"errors": [{"message": said, "extensions": {"code": code, **more}}]}

    def check(self, record, record_id=None):
        if not is_email(record.get("email")):
            said = 'Validation failed for field "email". Value has to be an address.'
            errors = self._errors("FAILED_VALIDATION", said, field="email")
            raise Said(400, errors)

    def _told(self, record_id):
        return {"id": int(record_id), **self.got(record_id)}

    @route("POST", base)
    def create(self, call):
        asked = call.json()
        if isinstance(asked, list):
            # one wrong of many refuses all
            for each in asked:
                self.check(each)
            return 200, {"data": [self._told(self.stored(each)) for each in asked]}
        return 200, {"data": self._told(self.stored(asked))}

    @route("PATCH", base + "/{id}")
    def update(self, call, id):
        self.changed(id, call.json())
        return 200, {"data": self._told(id)}

    @route("PATCH", base)
    def update_many(self, call):
        done = []
        for each in call.json():
            record_id = str(each.pop("id"))
            self.changed(record_id, each)
            done.append(self._told(record_id))
        return 200, {"data": done}

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, {"data": self._told(id)}

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 204, None

    @route("GET", base)
    def search(self, call):
        names = call.value("fields").split(",")
        found = self.others("email", call.value("filter[email][_eq]"))
        rows = [self._told(each) for each in found[: int(call.value("limit") or 100)]]
        return 200, {"data": [{name: row.get(name) for name in names} for row in rows]}


class PostgRest(Double):
    """PostgREST's tables, as in postgrest-docs: "Tables and Views", "Prefer Header",
    "Errors".
    """

    name = "PostgREST / Supabase"
    odd = Odd({"email": "nobody"}, "violates check constraint")
    base = "/rest/v1/contacts"
    columns = {"id", "name", "email", "phone", "city"}

    def __init__(self):
        super().__init__()
        self.answers |= {"path": "rest/v1", "table": "contacts"}

    def refused_at_the_door(self):
        said = {"code": "PGRST301", "details": None, "hint": None}
        return 401, {**said, "message": "JWSError JWSInvalidSignature"}, {}

    def _refuse(self, status, code, said, details=None):
        told = {"code": code, "details": details, "hint": None, "message": said}
        raise Said(status, told)

    def check(self, record, record_id=None):
        for name in record.keys() - self.columns:
            said = f"Could not find the '{name}' column of 'contacts'"
            self._refuse(400, "PGRST204", said)
        if not is_email(record.get("email")):
            said = (
                'new row for relation "contacts" violates check constraint '
                '"contacts_email_check"'
            )
            self._refuse(400, "23514", said, "Failing row contains (7, nobody).")
        if self.others("email", record["email"], record_id):
            said = 'duplicate key value violates unique constraint "contacts_email_key"'
            self._refuse(409, "23505", said, f"Key (email)=({record['email']}) exists.")

    def _rows(self, call, ids):
        if "return=representation" not in call.headers.get("Prefer", ""):
            return None
        return [{"id": int(each), **self.records[each]} for each in ids]

    def _chosen(self, call):
        """Return the ids that the filters of a query choose."""
        chosen = list(self.records)
        for name, value in call.query:
            operator, _dot, wanted = value.partition(".")
            if name == "id" and operator == "eq":
                chosen = [each for each in chosen if each == wanted]
            elif name in self.columns and operator == "eq":
                # as it is written there: a database tells case apart
                chosen = [e for e in chosen if self.records[e].get(name) == wanted]
        return chosen

    @route("POST", base)
    def create(self, call):
        asked, before = call.json(), dict(self.records)
        try:
            made = [
                self.stored(each)
                for each in (asked if isinstance(asked, list) else [asked])
            ]
        except Said:
            self.records = before  # one statement
            raise
        return 201, self._rows(call, made)

    @route("PATCH", base)
    def update(self, call):
        chosen = self._chosen(call)
        for each in chosen:
            self.changed(each, call.json())
        rows = self._rows(call, chosen)
        return (204 if rows is None else 200), rows

    @route("DELETE", base)
    def remove(self, call):
        chosen = self._chosen(call)
        rows = self._rows(call, chosen)
        for each in chosen:
            self.removed(each)
        return (204 if rows is None else 200), rows

    @route("GET", base)
    def search(self, call):
        chosen = self._chosen(call)[: int(call.value("limit") or 1000)]
        rows = [{"id": int(each), **self.records[each]} for each in chosen]
        names = (call.value("select") or "").split(",")
        if names != [""]:
            rows = [{name: row.get(name) for name in names} for row in rows]
        return 200, rows


class Airtable(Double):
    """Airtable's records, as its clients and its help tell: the reference itself could
    not be had.
    """

    name = "Airtable"
    odd = Odd({"email": "nobody"}, "cannot accept the provided value")
    base = "/v0/appXXXXXXXXXXXXXX/Contacts"
    fields = {"Name", "Email", "Phone", "City"}
    where = re.compile(r"\{Email\}='((?:[^'\\]|\\.)*)'")
    email = "Email"

    def __init__(self):
        super().__init__()
        self.answers |= {"base": "appXXXXXXXXXXXXXX", "table": "Contacts"}

    def refused_at_the_door(self):
        return 401, {"error": {"type": "AUTHENTICATION_REQUIRED"}}, {}

    def missing(self):
        return 404, {"error": "NOT_FOUND"}, {}

    def new_id(self):
        return f"recAbCdEfGhIj{super().new_id()}"

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            self._refuse("UNKNOWN_FIELD_NAME", f'Unknown field name: "{name}"')
        if record.get("Email") and not is_email(record["Email"]):
            said = 'Field "Email" cannot accept the provided value'
            self._refuse("INVALID_VALUE_FOR_COLUMN", said)

    def _refuse(self, kind, said):
        raise Said(422, {"error": {"type": kind, "message": said}})

    def planted(self, email, name):
        return {"Email": email, "Name": name}

    def _told(self, record_id):
        fields = self.got(record_id)
        return {
            "id": record_id,
            "createdTime": "2026-11-26T12:00:00Z",
            "fields": fields,
        }

    def _many(self, call):
        records = call.json()["records"]
        if not 0 < len(records) <= 10:
            said = "a request has 10 records at most"
            self._refuse("INVALID_REQUEST_UNKNOWN", said)
        for each in records:
            self.check(each["fields"])  # one wrong of many refuses all
        return records

    @route("POST", base)
    def create(self, call):
        if "records" not in call.json():
            return 200, self._told(self.stored(call.json()["fields"]))
        made = [self._told(self.stored(each["fields"])) for each in self._many(call)]
        return 200, {"records": made}

    @route("PATCH", base)
    def update_many(self, call):
        done = []
        for each in self._many(call):
            self.changed(each["id"], each["fields"])
            done.append(self._told(each["id"]))
        return 200, {"records": done}

    @route("PATCH", base + "/{id}")
    def update(self, call, id):
        self.changed(id, call.json()["fields"])
        return 200, self._told(id)

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 200, {"deleted": True, "id": id}

    @route("GET", base)
    def search(self, call):
        asked = self.where.fullmatch(call.value("filterByFormula") or "")
        if not asked:
            said = "The formula for filtering records is invalid"
            self._refuse("INVALID_FILTER_BY_FORMULA", said)
        found = self.others("Email", re.sub(r"\\(.)", r"\1", asked[1]))
        found = found[: int(call.value("maxRecords") or 100)]
        return 200, {"records": [self._told(each) for each in found]}


class Elasticsearch(Double):
    """Elasticsearch's documents, as in its "Document APIs"; the index has a zip that
    is a number.
    """

    name = "Elasticsearch / OpenSearch"
    cases = ("create", "update", "noop", "remove", "refuse")
    odd = Odd({"zip": "SW1A"}, "failed to parse field [zip] of type [integer]")
    base = "/contacts/_doc/{id}"

    def __init__(self):
        super().__init__()
        self.answers["index"] = "contacts"
        self._versions = {}

    def authorized(self, call):
        return call.headers.get("Authorization") == f"ApiKey {self.secret}"

    def refused_at_the_door(self):
        said = {"type": "security_exception", "reason": "unable to authenticate"}
        return 401, {"error": {"root_cause": [said], **said}, "status": 401}, {}

    def _told(self, record_id, result):
        self._versions[record_id] = self._versions.get(record_id, 0) + 1
        told = {"_index": "contacts", "_id": record_id, "result": result}
        told["_version"] = self._versions[record_id]
        return {**told, "_shards": {"total": 2, "successful": 1, "failed": 0}}

    @route("PUT", base)
    def put(self, call, id):
        code = (call.json() or {}).get("zip") or "0"
        if not str(code).isdecimal():
            said = {
                "type": "document_parsing_exception",
                "reason": f"[1:13] failed to parse field [zip] of type [integer] in "
                f"document with id '{id}'. Preview of field's value: '{code}'",
            }
            error = {"root_cause": [said], **said}
            raise Said(400, {"error": error, "status": 400})
        is_new = id not in self.records
        self.records[id] = call.json()
        told = self._told(id, "created" if is_new else "updated")
        return (201 if is_new else 200), told

    @route("GET", base)
    def read(self, _call, id):
        if id not in self.records:
            return 404, {"_index": "contacts", "_id": id, "found": False}
        return 200, {"_id": id, "found": True, "_source": self.records[id]}

    @route("DELETE", base)
    def remove(self, _call, id):
        if self.records.pop(id, None) is None:
            return 404, self._told(id, "not_found")
        return 200, self._told(id, "deleted")
