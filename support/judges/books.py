# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of systems that keep books: QuickBooks Online, Xero, ERPNext."""

import json
import re
import uuid

from support.judges.double import Double, Granting, Said, is_email, merged, route
from support.judges.judge import Odd

TIME = "2026-11-26T12:00:00.000-08:00"


class QuickBooks(Granting):
    """QuickBooks Online's customers, as in its API explorer and "Error codes":
    each answer has a SyncToken, which the next change has to repeat.
    """

    name = "QuickBooks Online"
    odd = Odd({"email": "nobody"}, "email address format is invalid")
    token_path = "/oauth2/v1/tokens/bearer"
    company = "9130347957983546"
    base = f"/v3/company/{company}"
    fields = {"Id", "SyncToken", "sparse", "Active", "DisplayName", "BillAddr"}
    fields |= {"PrimaryEmailAddr", "PrimaryPhone", "GivenName", "FamilyName"}
    where = re.compile(
        r"select ([\w,]+) from Customer where DisplayName='((?:[^'\\]|\\.)*)'"
    )

    def __init__(self):
        super().__init__()
        self.answers["company"] = self.company

    def refused_at_the_door(self):
        said = "AuthenticationFailed"
        return 401, self._fault("3200", said, said, "AUTHENTICATION"), {}

    def missing(self):
        said = (
            "Object Not Found : Something you're trying to use has been made inactive"
        )
        fault = self._fault("610", "Object Not Found", said)
        return 400, fault, {}

    def _fault(self, code, message, detail, kind="ValidationFault"):
        error = {"Message": message, "Detail": detail, "code": code, "element": ""}
        return {"Fault": {"Error": [error], "type": kind}, "time": TIME}

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            said = f"Property Name:{name} specified is unsupported or invalid"
            fault = self._fault("2010", "Request has invalid property", said)
            raise Said(400, fault)
        name = record.get("DisplayName") or ""
        if not name or ":" in name:
            said = "The name may not contain a colon."
            raise Said(400, self._fault("2040", "Invalid String", said))
        there = self.others("DisplayName", name, record_id)
        if there:
            said = f"The name supplied already exists. : Id={there[0]}"
            fault = self._fault("6240", "Duplicate Name Exists Error", said)
            raise Said(400, fault)
        email = (record.get("PrimaryEmailAddr") or {}).get("Address")
        if email and not is_email(email):
            said = "The email address format is invalid: it has to be x@y.com."
            fault = self._fault("2210", "Invalid Email Address format", said)
            raise Said(400, fault)

    def planted(self, email, name):
        address = {"Address": email}
        made = {"DisplayName": name, "PrimaryEmailAddr": address}
        return {**made, "Active": True, "SyncToken": "0"}

    def _told(self, record_id):
        customer = {"domain": "QBO", "Id": record_id, **self.got(record_id)}
        return {"Customer": customer, "time": TIME}

    @route("POST", base + "/customer")
    def write(self, call):
        values = call.json()
        record_id = values.pop("Id", None)
        if record_id is None:
            made = {"Active": True, "SyncToken": "0", **values}
            return 200, self._told(self.stored(made))
        old = self.got(record_id)
        if values.pop("SyncToken", None) != old["SyncToken"]:
            said = "Stale Object Error : You and root were working on this at the same"
            fault = self._fault("5010", "Stale Object Error", f"{said} time.")
            raise Said(400, fault)
        if not values.pop("sparse", False):
            old = {"Active": True}
        new = merged(old, values)
        if not new["Active"] and "(deleted)" not in new["DisplayName"]:
            new["DisplayName"] += " (deleted)"
        new["SyncToken"] = str(int(self.records[record_id]["SyncToken"]) + 1)
        self.check(new, record_id)
        self.records[record_id] = new
        return 200, self._told(record_id)

    @route("GET", base + "/customer/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("GET", base + "/query")
    def query(self, call):
        asked = self.where.fullmatch(call.value("query") or "")
        if not asked:
            fault = self._fault("4000", "Error parsing query", "QueryParserError")
            raise Said(400, fault)
        found = self.others("DisplayName", re.sub(r"\\(.)", r"\1", asked[2]))
        rows = [{"Id": each, **self.records[each]} for each in found]
        rows = [{name: row[name] for name in asked[1].split(",")} for row in rows]
        told = {"Customer": rows, "startPosition": 1, "maxResults": len(rows)}
        return 200, {"QueryResponse": told if rows else {}, "time": TIME}

    def touch(self, record_id):
        token = int(self.records[record_id]["SyncToken"])
        self.records[record_id]["SyncToken"] = str(token + 1)

    def held(self, email):
        """Return those that are not made inactive."""
        found = super().held(email)
        return {
            each: text for each, text in found.items() if self.records[each]["Active"]
        }


class Xero(Granting):
    """Xero's contacts, as in XeroAPI/Xero-OpenAPI, xero_accounting.yaml, and "API
    response codes": several in each request, each with its own errors.
    """

    name = "Xero"
    odd = Odd({"email": "nobody"}, "valid email address")
    token_path = "/connect/token"
    tenant = "3a6b8f6c-0000-4000-8000-3f1c2b6d7e8f"
    base = "/api.xro/2.0/Contacts"
    where = re.compile(r'EmailAddress=="([^"]*)"')
    email = "EmailAddress"

    def __init__(self):
        super().__init__()
        self.answers["tenant"] = self.tenant

    def authorized(self, call):
        has_tenant = call.headers.get("xero-tenant-id") == self.tenant
        return has_tenant and super().authorized(call)

    def refused_at_the_door(self):
        said = {"Type": None, "Title": "Unauthorized", "Status": 401}
        return 401, {**said, "Detail": "AuthenticationUnsuccessful"}, {}

    def missing(self):
        return 404, {"Title": "The resource you're looking for cannot be found"}, {}

    def new_id(self):
        return str(uuid.uuid4())

    def _problem(self, record, record_id):
        email = record.get("EmailAddress")
        if not record.get("Name"):
            return "The contact name must be specified."
        if self.others("Name", record["Name"], record_id):
            return (
                f"The contact name {record['Name']} is already assigned to another "
                "contact. The contact name must be unique across all active contacts."
            )
        if email and not is_email(email):
            return "Email address must be a valid email address."
        return None

    def planted(self, email, name):
        made = {"Name": name, "EmailAddress": email}
        return {**made, "ContactStatus": "ACTIVE"}

    def _write(self, call, ids):
        """Carry out a request.

        :param ids: gives the ids of its contacts, None for new ones
        """
        contacts = call.json()["Contacts"]
        one_by_one = call.value("summarizeErrors") == "false"
        told, wrong = [], []
        for contact, record_id in zip(contacts, ids(contacts), strict=True):
            contact.pop("ContactID", None)
            old = self.got(record_id) if record_id else {"ContactStatus": "ACTIVE"}
            new = {**old, **contact}
            problem = self._problem(new, record_id)
            if problem:
                errors = [{"Message": problem}]
                said = {**contact, "ValidationErrors": errors}
                wrong.append(said)
                told.append({**said, "HasValidationErrors": True})
                continue
            record_id = record_id or self.new_id()
            self.records[record_id] = new
            done = {"ContactID": record_id, **new, "HasValidationErrors": False}
            told.append(done)
        if wrong and not one_by_one:
            said = {"ErrorNumber": 10, "Type": "ValidationException"}
            said["Message"] = "A validation exception occurred"
            raise Said(400, {**said, "Elements": wrong})
        return 200, {"Id": str(uuid.uuid4()), "Status": "OK", "Contacts": told}

    @route("PUT", base)
    def create(self, call):
        return self._write(call, lambda contacts: [None] * len(contacts))

    @route("POST", base)
    def write_many(self, call):
        return self._write(
            call, lambda contacts: [each.get("ContactID") for each in contacts]
        )

    @route("POST", base + "/{id}")
    def update(self, call, id):
        return self._write(call, lambda _contacts: [id])

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, {"Contacts": [{"ContactID": id, **self.got(id)}]}

    @route("GET", base)
    def search(self, call):
        asked = self.where.fullmatch(call.value("where") or "")
        if not asked:
            said = {"ErrorNumber": 16, "Type": "QueryParseException"}
            raise Said(400, {**said, "Message": "No property or field exists"})
        found = [
            {"ContactID": each, **self.records[each]}
            for each in self.others("EmailAddress", asked[1])
            if self.records[each]["ContactStatus"] == "ACTIVE"
        ]
        return 200, {"Id": str(uuid.uuid4()), "Status": "OK", "Contacts": found}

    def held(self, email):
        """Return those that are not archived."""
        found = super().held(email)
        return {each: text for each, text in found.items() if '"ACTIVE"' in text}


class ErpNext(Double):
    """ERPNext's customers, as in Frappe's "REST API" and frappe/utils/response.py:
    ids are names.
    """

    name = "ERPNext"
    odd = Odd({"email": "nobody"}, "is not a valid Email Address")
    base = "/api/resource/Customer"
    fields = {"customer_name", "email_id", "mobile_no", "tax_id", "website"}
    fields |= {"customer_type", "customer_group", "territory", "language"}

    def authorized(self, call):
        return call.headers.get("Authorization") == f"token {self.secret}"

    def refused_at_the_door(self):
        return 401, {"exc_type": "AuthenticationError"}, {}

    def missing(self):
        said = self._said("DoesNotExistError", "Customer not found")
        return 404, said, {}

    def _said(self, kind, message):
        messages = json.dumps([json.dumps({"message": message, "title": "Message"})])
        told = {"exception": f"frappe.exceptions.{kind}: {message}", "exc_type": kind}
        return {**told, "_server_messages": messages}

    def check(self, record, record_id=None):
        if not record.get("customer_name"):
            said = "[Customer, ]: customer_name"
            raise Said(417, self._said("MandatoryError", said))
        email = record.get("email_id")
        if email and not is_email(email):
            said = f"{email} is not a valid Email Address"
            raise Said(417, self._said("InvalidEmailAddressError", said))

    def stored(self, record):
        self.check(record)
        name, number = record["customer_name"], 0
        while name in self.records:
            number += 1
            name = f"{record['customer_name']} - {number}"
        self.records[name] = record
        return name

    def plant(self, email, name):
        return self.stored({"customer_name": name, "email_id": email})

    def _told(self, name):
        return {"data": {"name": name, "doctype": "Customer", **self.got(name)}}

    @route("POST", base)
    def create(self, call):
        return 200, self._told(self.stored(call.json()))

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
        return 202, {"data": "ok"}

    @route("GET", base)
    def search(self, call):
        ((name, operator, value),) = json.loads(call.value("filters"))
        if operator != "=":
            raise Said(417, self._said("ValidationError", "operator"))
        names = json.loads(call.value("fields") or '["name"]')
        rows = [
            {"name": each, **self.records[each]} for each in self.others(name, value)
        ]
        return 200, {"data": [{each: row.get(each) for each in names} for row in rows]}
