# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of systems for sales: HubSpot, Salesforce, Dynamics 365, Zoho, Pipedrive."""

import re
import uuid

from support.judges.double import Double, Granting, Said, is_email, route
from support.judges.judge import Odd

NOW = "2026-11-26T12:00:00Z"


class HubSpot(Double):
    """HubSpot's CRM v3 contacts, as in its public specification and its guides
    "Contacts" and "Error handling".
    """

    name = "HubSpot"
    odd = Odd({"email": "nobody"}, "nobody is invalid")
    base = "/crm/v3/objects/contacts"
    # of its default properties
    properties = {"email", "firstname", "lastname", "phone", "address", "zip", "city"}
    properties |= {"country", "jobtitle", "website", "company", "state"}

    def missing(self):
        return 404, self._error("resource not found", "OBJECT_NOT_FOUND"), {}

    def check(self, record, record_id=None):
        for name, value in record.items():
            if name not in self.properties:
                self._invalid(f"Property {name} does not exist", name)
            if not isinstance(value, str):
                self._invalid("Cannot deserialize value of type String", name)
        email = record.get("email")
        if email and not is_email(email):
            self._invalid(f"Email address {email} is invalid", "email")
        there = email and self.others("email", email, record_id)
        if there:
            said = f"Contact already exists. Existing ID: {there[0]}"
            raise Said(409, self._error(said, "CONFLICT"))

    def _invalid(self, said, name):
        text = f'Property values were not valid: [{{"isValid":false,"message":"{said}"'
        text += f',"name":"{name}"}}]'
        raise Said(400, self._error(text, "VALIDATION_ERROR"))

    def _error(self, said, category):
        return {
            "status": "error",
            "message": said,
            "correlationId": str(uuid.uuid4()),
            "category": category,
        }

    def _told(self, record_id, **more):
        return {
            "id": record_id,
            "properties": self.records[record_id],
            "createdAt": NOW,
            "updatedAt": NOW,
            "archived": False,
            **more,
        }

    def planted(self, email, name):
        return {"email": email, "lastname": name}

    @route("POST", base)
    def create(self, call):
        return 201, self._told(self.stored((call.json() or {}).get("properties", {})))

    @route("PATCH", base + "/{id}")
    def update(self, call, id):
        self.changed(id, (call.json() or {}).get("properties", {}))
        return 200, self._told(id)

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        self.got(id)
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.records.pop(id, None)
        return 204, None

    @route("POST", base + "/search")
    def search(self, call):
        (group,) = call.json()["filterGroups"]
        (wanted,) = group["filters"]
        if wanted["operator"] != "EQ":
            raise Said(400, self._error("unknown operator", "VALIDATION_ERROR"))
        found = self.others(wanted["propertyName"], wanted["value"])
        told = [self._told(each) for each in found[: call.json().get("limit", 10)]]
        return 200, {"total": len(found), "results": told}

    @route("POST", base + "/batch/create")
    def create_many(self, call):
        return self._many(call, self._created, 201)

    @route("POST", base + "/batch/update")
    def update_many(self, call):
        return self._many(call, self._updated)

    def _created(self, item):
        return self._told(self.stored(item["properties"]))

    def _updated(self, item):
        self.changed(item["id"], item["properties"])
        return self._told(item["id"])

    def _many(self, call, carry_out, done=200):
        inputs = call.json()["inputs"]
        if len(inputs) > 100:
            raise Said(400, self._error("limit of 100", "VALIDATION_ERROR"))
        results, errors = [], []
        for item in inputs:
            trace = item.get("objectWriteTraceId")
            try:
                results.append({**carry_out(item), "objectWriteTraceId": trace})
            except Said as said:
                error = {**said.answer[1], "errors": [], "links": {}}
                error["context"] = {"objectWriteTraceId": [trace]}
                errors.append(error)
        told = {"status": "COMPLETE", "results": results}
        told |= {"startedAt": NOW, "completedAt": NOW}
        if errors:
            return 207, {**told, "numErrors": len(errors), "errors": errors}
        return done, told


class Salesforce(Granting):
    """Salesforce's REST API, as in "REST API Developer Guide": sObject Rows, Query,
    sObject Collections, Status Codes and Error Responses.
    """

    name = "Salesforce"
    odd = Odd({"email": "nobody"}, "invalid email address: nobody")
    token_path = "/services/oauth2/token"
    email = "Email"
    base = "/services/data/{version}/"
    fields = {"FirstName", "LastName", "Email", "Phone", "Title", "MailingStreet"}
    fields |= {"MailingCity", "MailingPostalCode", "MailingCountry", "MailingState"}
    where = re.compile(
        r"SELECT Id(?:,\w+)* FROM Contact WHERE Email='((?:[^'\\]|\\.)*)' LIMIT \d+"
    )

    def refused_at_the_door(self):
        said = "Session expired or invalid"
        return 401, [{"message": said, "errorCode": "INVALID_SESSION_ID"}], {}

    def missing(self):
        said = "The requested resource does not exist"
        return 404, [{"errorCode": "NOT_FOUND", "message": said}], {}

    def new_id(self):
        return f"003gL00000{super().new_id()}QAA"

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            self._refuse("INVALID_FIELD", f"No such column '{name}' on Contact", name)
        if not record.get("LastName"):
            said = "Required fields are missing: [LastName]"
            self._refuse("REQUIRED_FIELD_MISSING", said, "LastName")
        email = record.get("Email")
        if email and not is_email(email):
            said = f"Email: invalid email address: {email}"
            self._refuse("INVALID_EMAIL_ADDRESS", said, "Email")

    def _refuse(self, code, said, name):
        raise Said(400, [{"message": said, "errorCode": code, "fields": [name]}])

    def planted(self, email, name):
        return {"Email": email, "LastName": name}

    @route("POST", base + "sobjects/Contact")
    def create(self, call, version):
        told = {"id": self.stored(call.json()), "success": True, "errors": []}
        return 201, told

    @route("PATCH", base + "sobjects/Contact/{id}")
    def update(self, call, version, id):
        self.changed(id, call.json())
        return 204, None

    @route("GET", base + "sobjects/Contact/{id}")
    def read(self, _call, version, id):
        return 200, {"attributes": {"type": "Contact"}, "Id": id, **self.got(id)}

    @route("DELETE", base + "sobjects/Contact/{id}")
    def remove(self, _call, version, id):
        self.removed(id)
        return 204, None

    @route("GET", base + "query")
    def query(self, call, version):
        asked = self.where.fullmatch(call.value("q") or "")
        if not asked:
            said = "unexpected token"
            raise Said(400, [{"message": said, "errorCode": "MALFORMED_QUERY"}])
        found = self.others("Email", re.sub(r"\\(.)", r"\1", asked[1]))
        rows = [
            {"attributes": {"type": "Contact"}, "Id": each, **self.records[each]}
            for each in found[:2]
        ]
        names = {"attributes", "Id", "Email"} if "Email," in call.value("q") else {}
        rows = [
            {name: row[name] for name in names or {"attributes", "Id"}} for row in rows
        ]
        return 200, {"totalSize": len(rows), "done": True, "records": rows}

    @route("POST", base + "composite/sobjects")
    def create_many(self, call, version):
        return self._many(call, lambda record: self.stored(record))

    @route("PATCH", base + "composite/sobjects")
    def update_many(self, call, version):
        def change(record):
            record_id = record.pop("id")
            self.changed(record_id, record)
            return record_id

        return self._many(call, change)

    def _many(self, call, carry_out):
        told = []
        for record in call.json()["records"]:
            if record.pop("attributes", {}).get("type") != "Contact":
                self._refuse("INVALID_TYPE", "no type", "attributes")
            try:
                done = {"id": carry_out(record), "success": True, "errors": []}
            except Said as said:
                (error,) = said.answer[1]
                told_of = {
                    "statusCode": error["errorCode"],
                    "message": error["message"],
                    "fields": error.get("fields", []),
                }
                done = {"success": False, "errors": [told_of]}
            told.append(done)
        return 200, told


class Dynamics(Granting):
    """Dataverse's Web API, as in "Use the Microsoft Dataverse Web API": create,
    update, query, and conditional operations.
    """

    name = "Dynamics 365 / Dataverse"
    odd = Odd({"name": f"Ada {'x' * 60}"}, "exceeded the maximum allowed length")
    token_path = "/the-tenant/oauth2/v2.0/token"
    email = "emailaddress1"
    base = "/api/data/v9.2/contacts"
    fields = {"firstname", "lastname", "emailaddress1", "telephone1", "jobtitle"}
    fields |= {"address1_line1", "address1_postalcode", "address1_city"}
    fields |= {"address1_country"}
    where = re.compile(r"emailaddress1 eq '((?:[^']|'')*)'")

    def __init__(self):
        super().__init__()
        self.answers["tenant"] = "the-tenant"

    def missing(self):
        return 404, self._error("0x80040217", "Entity 'Contact' Does Not Exist"), {}

    def _error(self, code, said):
        return {"error": {"code": code, "message": said}}

    def new_id(self):
        return str(uuid.uuid4())

    def check(self, record, record_id=None):
        for name, value in record.items():
            if name not in self.fields:
                said = f"Invalid property '{name}' was found in entity 'contact'."
                raise Said(400, self._error("0x80048d19", said))
            if name in ("firstname", "lastname") and len(value or "") > 50:
                said = (
                    "A validation error occurred. The length of the "
                    f"'{name}' attribute of the 'contact' entity exceeded the maximum "
                    "allowed length of '50'."
                )
                raise Said(400, self._error("0x80044331", said))

    def planted(self, email, name):
        return {"emailaddress1": email, "lastname": name}

    def _entity(self, call, record_id):
        return {"OData-EntityId": f"{self.url}{self.base}({record_id})"}

    @route("POST", base)
    def create(self, call):
        return 204, None, self._entity(call, self.stored(call.json()))

    @route("PATCH", base + "({id})")
    def update(self, call, id):
        # without If-Match it makes what is not there
        if id not in self.records and call.headers.get("If-Match") != "*":
            self.check(call.json())
            self.records[id] = call.json()
        self.changed(id, call.json())
        return 204, None, self._entity(call, id)

    @route("DELETE", base + "({id})")
    def remove(self, _call, id):
        self.removed(id)
        return 204, None

    @route("GET", base + "({id})")
    def read(self, _call, id):
        return 200, {"contactid": id, "@odata.etag": 'W/"1"', **self.got(id)}

    @route("GET", base)
    def query(self, call):
        asked = self.where.fullmatch(call.value("$filter") or "")
        if not asked:
            raise Said(400, self._error("0x80060888", "Syntax error"))
        names = call.value("$select").split(",")
        found = self.others("emailaddress1", asked[1].replace("''", "'"))
        rows = [{"contactid": each, **self.records[each]} for each in found]
        rows = [{name: row.get(name) for name in names} for row in rows]
        return 200, {"value": rows[: int(call.value("$top") or 5000)]}


class Zoho(Granting):
    """Zoho CRM's records API v8, as in zoho/crm-oas and its guides: insert, update,
    search, and the refusals that come in an answer of status 200.
    """

    name = "Zoho CRM"
    odd = Odd({"email": "nobody"}, "invalid data")
    token_path = "/oauth/v2/token"
    scheme = "Zoho-oauthtoken"
    email = "Email"
    base = "/crm/v8/Contacts"
    fields = {"First_Name", "Last_Name", "Email", "Phone", "Title", "Mailing_Street"}
    fields |= {"Mailing_Zip", "Mailing_City", "Mailing_Country"}

    def refused_at_the_door(self):
        return 401, self._said("INVALID_TOKEN", "invalid oauth token", "error", {}), {}

    def missing(self):
        return 404, self._said("INVALID_URL_PATTERN", "not there", "error", {}), {}

    def new_id(self):
        return f"5725767000000{super().new_id()}"

    def _said(self, code, message, status, details):
        said = {"code": code, "details": details, "message": message}
        return {**said, "status": status}

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            self._refuse("INVALID_DATA", "invalid data", {"api_name": name})
        if not record.get("Last_Name"):
            details = {"api_name": "Last_Name", "json_path": "$.data[0].Last_Name"}
            self._refuse("MANDATORY_NOT_FOUND", "required field not found", details)
        email = record.get("Email")
        if email and not is_email(email):
            details = {"expected_data_type": "email", "api_name": "Email"}
            self._refuse("INVALID_DATA", "invalid data", details)
        there = email and self.others("Email", email, record_id)
        if there:
            details = {
                "api_name": "Email",
                "duplicate_record": {
                    "id": there[0],
                    "module": {"api_name": "Contacts"},
                },
            }
            self._refuse("DUPLICATE_DATA", "duplicate data", details)

    def _refuse(self, code, message, details):
        raise Said(0, self._said(code, message, "error", details))

    def planted(self, email, name):
        return {"Email": email, "Last_Name": name}

    def _each(self, call, carry_out, most=100):
        data = (call.json() or {}).get("data")
        if not isinstance(data, list) or not 0 < len(data) <= most:
            said = self._said("INVALID_DATA", "body", "error", {"api_name": "data"})
            raise Said(400, said)
        told = []
        for record in data:
            try:
                record_id, action = carry_out(record)
                details = {"id": record_id, "Created_Time": NOW, "Modified_Time": NOW}
                message = f"record {action}"
                told.append(self._said("SUCCESS", message, "success", details))
            except Said as said:
                told.append(said.answer[1])
        return 200, {"data": told}

    @route("POST", base)
    def create(self, call):
        return self._each(call, lambda record: (self.stored(record), "added"))

    @route("PUT", base)
    def update_many(self, call):
        return self._each(call, self._update)

    @route("PUT", base + "/{id}")
    def update(self, call, id):
        return self._each(call, lambda record: self._update({**record, "id": id}), 1)

    def _update(self, record):
        record_id = record.pop("id")
        if record_id not in self.records:
            details = {"api_name": "id", "json_path": "$.data[0].id"}
            self._refuse("INVALID_DATA", "the id given seems to be invalid", details)
        self.changed(record_id, record)
        return record_id, "updated"

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        done = self._said("SUCCESS", "record deleted", "success", {"id": id})
        return 200, {"data": [done]}

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, {"data": [{"id": id, **self.got(id)}]}

    @route("GET", base + "/search")
    def search(self, call):
        found = self.others("Email", call.value("email"))
        if not found:
            return 204, None
        told = [{"id": each, **self.records[each]} for each in found]
        return 200, {"data": told, "info": {"count": len(told), "more_records": False}}


class Pipedrive(Double):
    """Pipedrive's API v2 of persons, as in pipedrive/client-nodejs, versions/v2."""

    name = "Pipedrive"
    odd = Odd({"email": "nobody"}, "must be a valid email")
    base = "/api/v2/persons"

    def authorized(self, call):
        return call.headers.get("x-api-token") == self.secret

    def refused_at_the_door(self):
        said = {"success": False, "error": "unauthorized access", "errorCode": 401}
        return 401, said, {}

    def missing(self):
        said = {"success": False, "error": "Person not found"}
        return 404, {**said, "code": "ERR_NOT_FOUND"}, {}

    def check(self, record, record_id=None):
        if not record.get("name"):
            self._refuse("name is a required field")
        for each in record.get("emails", ()):
            if not is_email(each.get("value")):
                self._refuse("emails[0].value must be a valid email")

    def _refuse(self, said):
        told = {"success": False, "error": f"Validation failed: {said}"}
        raise Said(400, {**told, "code": "ERR_SCHEMA_VALIDATION_FAILED"})

    def planted(self, email, name):
        return {"name": name, "emails": [{"value": email, "primary": True}]}

    def _told(self, record_id):
        return {"success": True, "data": {"id": int(record_id), **self.got(record_id)}}

    @route("POST", base)
    def create(self, call):
        return 201, self._told(self.stored(call.json()))

    @route("PATCH", base + "/{id}")
    def update(self, call, id):
        self.changed(id, call.json())
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 200, {"success": True, "data": {"id": int(id)}}

    @route("GET", base + "/search")
    def search(self, call):
        if call.value("fields") != "email" or call.value("exact_match") != "true":
            self._refuse("fields")
        wanted = call.value("term").lower()
        items = []
        for record_id, record in self.records.items():
            emails = [each["value"] for each in record.get("emails", ())]
            if wanted in map(str.lower, emails):
                item = {"id": int(record_id), "type": "person", "name": record["name"]}
                items.append({"result_score": 0.3, "item": {**item, "emails": emails}})
        more = {"next_cursor": None}
        found = items[: int(call.value("limit") or 100)]
        return 200, {"success": True, "data": {"items": found}, "additional_data": more}

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, self._told(id)
