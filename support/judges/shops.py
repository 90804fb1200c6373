# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Doubles of shops: WooCommerce, BigCommerce, Magento. Shopify is a real GraphQL
server, see :mod:`.real`.
"""

from support.judges.double import Double, Said, basic, is_email, merged, route
from support.judges.judge import Odd


class WooCommerce(Double):
    """WooCommerce's customers, as in woocommerce-rest-api-docs, wp-api-v3."""

    name = "WooCommerce"
    odd = Odd({"email": "nobody"}, "Invalid parameter(s): email")
    base = "/wp-json/wc/v3/customers"
    consumer = "ck_the_consumer"

    def __init__(self):
        super().__init__()
        self.answers["consumer"] = self.consumer

    def authorized(self, call):
        return basic(call) == (self.consumer, self.secret)

    def refused_at_the_door(self):
        said = "Sorry, you cannot list resources."
        return 401, self._error("woocommerce_rest_cannot_view", said, 401), {}

    def missing(self):
        return 404, self._error("wc_user_invalid_id", "Invalid user ID.", 404), {}

    def _error(self, code, said, status, **data):
        return {"code": code, "message": said, "data": {"status": status, **data}}

    def check(self, record, record_id=None):
        email = record.get("email")
        if not is_email(email):
            said = "Invalid parameter(s): email"
            params = {"email": "Invalid email address."}
            error = self._error("rest_invalid_param", said, 400, params=params)
            raise Said(400, error)
        if self.others("email", email, record_id):
            said = "An account is already registered with your email address."
            error = self._error("registration-error-email-exists", said, 400)
            raise Said(400, error)

    def planted(self, email, name):
        return {"email": email, "last_name": name}

    def _told(self, record_id):
        return {"id": int(record_id), **self.got(record_id)}

    def _update(self, record_id, values):
        if record_id not in self.records:
            # another status and code than a look and a deletion have
            said = "Invalid resource ID."
            raise Said(400, self._error("woocommerce_rest_invalid_id", said, 400))
        self.changed(record_id, merged(self.got(record_id), values))
        return record_id

    @route("POST", base)
    def create(self, call):
        return 201, self._told(self.stored(call.json()))

    @route("PUT", base + "/{id}")
    def update(self, call, id):
        return 200, self._told(self._update(id, call.json()))

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, call, id):
        told = self._told(id)
        if call.value("force") != "true":
            said = "Customers do not support trashing."
            code = "woocommerce_rest_trash_not_supported"
            raise Said(501, self._error(code, said, 501))
        self.removed(id)
        return 200, told

    @route("GET", base)
    def search(self, call):
        # the role is customer unless it is said
        found = self.others("email", call.value("email"))
        return 200, [self._told(each) for each in found]

    @route("POST", base + "/batch")
    def many(self, call):
        asked = call.json()
        if sum(map(len, asked.values())) > 100:
            raise Said(
                413, self._error("woocommerce_rest_request_entity_too_large", "", 413)
            )
        told = {}
        for name, carry_out in (
            ("create", self.stored),
            ("update", lambda each: self._update(str(each.pop("id")), each)),
        ):
            if name in asked:
                told[name] = [self._one(carry_out, each) for each in asked[name]]
        return 200, told

    def _one(self, carry_out, record):
        record_id = record.get("id", 0)
        try:
            return self._told(carry_out(record))
        except Said as said:
            return {"id": record_id, "error": said.answer[1]}


class BigCommerce(Double):
    """BigCommerce's customers v3, as in its specification: lists, all or nothing."""

    name = "BigCommerce"
    odd = Odd({"email": "nobody"}, "email is invalid")
    store = "abc123"
    base = f"/stores/{store}/v3/customers"

    def __init__(self):
        super().__init__()
        self.answers["store"] = self.store

    def authorized(self, call):
        return call.headers.get("X-Auth-Token") == self.secret

    def refused_at_the_door(self):
        return 401, {"status": 401, "title": "Unauthorized", "type": "about:blank"}, {}

    def missing(self):
        return 404, {"status": 404, "title": "The resource was not found."}, {}

    def _refuse(self, said, name=".customer_create"):
        told = {
            "status": 422,
            "title": "Create customers failed.",
            "type": "about:blank",
        }
        raise Said(422, {**told, "errors": {name: said}})

    def check(self, record, record_id=None):
        for name in ("email", "first_name", "last_name"):
            if not record.get(name):
                self._refuse(f"missing attribute {name}")
        email = record["email"]
        if not is_email(email):
            self._refuse(f"Error creating customers: {email}: email is invalid")
        if self.others("email", email, record_id):
            self._refuse(f"Error creating customers: {email}: email already in use")

    def planted(self, email, name):
        return {"email": email, "first_name": "-", "last_name": name}

    def _told(self, found):
        data = [{"id": int(each), **self.records[each]} for each in found]
        return {"data": data, "meta": {}}

    def _list(self, call):
        asked = call.json()
        if not isinstance(asked, list) or not 0 < len(asked) <= 10:
            self._refuse("the request is a list of 1 to 10 customers")
        return asked

    @route("POST", base)
    def create(self, call):
        asked, before = self._list(call), dict(self.records)
        try:
            return 200, self._told([self.stored(each) for each in asked])
        except Said:
            self.records = before
            raise

    @route("PUT", base)
    def update(self, call):
        asked, before = self._list(call), dict(self.records)
        done = []
        try:
            for each in asked:
                if not isinstance(each.get("id"), int):
                    self._refuse("id is a number")
                record_id = str(each.pop("id"))
                if record_id in self.records:
                    self.changed(record_id, each)
                    done.append(record_id)
        except Said:
            self.records = before
            raise
        return 200, self._told(done)

    @route("GET", base)
    def search(self, call):
        if call.value("id:in"):
            wanted = call.value("id:in").split(",")
            return 200, self._told([each for each in wanted if each in self.records])
        wanted = call.value("email:in").lower().split(",")
        found = [
            each
            for each, record in self.records.items()
            if record["email"].lower() in wanted
        ]
        return 200, self._told(found)

    @route("DELETE", base)
    def remove(self, call):
        for each in (call.value("id:in") or "").split(","):
            self.records.pop(each, None)
        return 204, None


class Magento(Double):
    """Magento's customers, as in AdobeDocs/commerce-webapi: REST, search criteria."""

    name = "Magento 2"
    odd = Odd({"email": "nobody"}, "is not a valid email address")
    base = "/rest/V1/customers"
    fields = {"id", "email", "firstname", "lastname", "website_id", "store_id"}
    fields |= {"group_id", "addresses", "taxvat"}

    def refused_at_the_door(self):
        said = "The consumer isn't authorized to access %resources."
        return 401, {"message": said, "parameters": {"resources": "customers"}}, {}

    def missing(self):
        said = "No such entity with %fieldName = %fieldValue"
        parameters = {"fieldName": "customerId", "fieldValue": "7"}
        return 404, {"message": said, "parameters": parameters}, {}

    def check(self, record, record_id=None):
        for name in record.keys() - self.fields:
            said = 'Property "%1" does not have accessor method in class "%2".'
            raise Said(400, {"message": said, "parameters": [name, "Customer"]})
        for name in ("firstname", "lastname"):
            if not record.get(name):
                said = '"%fieldName" is required. Enter and try again.'
                parameters = {"fieldName": name}
                raise Said(400, {"message": said, "parameters": parameters})
        email = record.get("email")
        if not is_email(email):
            said = '"%1" is not a valid email address.'
            raise Said(400, {"message": said, "parameters": [email]})
        if self.others("email", email, record_id):
            said = "A customer with the same email address already exists in an"
            raise Said(400, {"message": f"{said} associated website."})

    def planted(self, email, name):
        made = {"email": email, "firstname": "-", "lastname": name}
        return {**made, "website_id": 1}

    def _told(self, record_id):
        return {**self.got(record_id), "id": int(record_id)}

    @route("POST", base)
    def create(self, call):
        return 200, self._told(self.stored(call.json()["customer"]))

    @route("PUT", base + "/{id}")
    def update(self, call, id):
        customer = call.json()["customer"]
        if customer.pop("id", None) != int(id):
            raise Said(400, {"message": "The id is not that of the address."})
        # what is left out is emptied
        self.got(id)
        self.check(customer, id)
        self.records[id] = customer
        return 200, self._told(id)

    @route("GET", base + "/{id}")
    def read(self, _call, id):
        return 200, self._told(id)

    @route("DELETE", base + "/{id}")
    def remove(self, _call, id):
        self.removed(id)
        return 200, True

    @route("GET", base + "/search")
    def search(self, call):
        within = "searchCriteria[filterGroups][0][filters][0]"
        found = self.others(
            call.value(f"{within}[field]"), call.value(f"{within}[value]")
        )
        items = [self._told(each) for each in found]
        items = items[: int(call.value("searchCriteria[pageSize]") or 20)]
        return 200, {"items": items, "search_criteria": {}, "total_count": len(found)}
