# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Where the answers of systems have the reason of a refusal.

What is looked for is data: names, whatever the system. What they cover, each as its
vendor documents it: RFC 9457; JSON:API; GraphQL; Google; Salesforce; Stripe;

- Zoho ``{"data": [{"code", "message", "status": "error", "details": {"api_name"}}]}``
- QuickBooks ``{"Fault": {"Error": [{"Message", "Detail", "code", "element"}]}}``
- Xero ``{"Message", "Elements": [{"ValidationErrors": [{"Message"}]}]}``
- Frappe ``{"exception", "_server_messages"}``, the latter JSON within JSON
- Elasticsearch ``{"error": {"type", "reason", "caused_by": {"reason"}}}``
- Zendesk ``{"error", "description", "details": {"email": [{"description"}]}}``
- Strapi ``{"error": {"message", "details": {"errors": [{"path": [], "message"}]}}}``
- Freshdesk ``{"description", "errors": [{"field", "message", "code"}]}``
- Magento ``{"message": "%fieldName is required.", "parameters": {"fieldName"}}``
- PrestaShop ``{"errors": [{"code", "message"}]}``, or the same in XML
- HubSpot ``{"message", "errors": [{"message", "context": {"propertyName": []}}]}``
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..redact import Redactor, one_line

# Characters of the destination's own explanation in an error.
MAX_REASON = 300
# "title" and "detail" are those of RFC 9457.
_KEYS = (
    "title",
    "Title",
    "message",
    "msg",
    "detail",
    "Detail",
    "description",
    "reason",
    "error",
    "error_description",
    "errors",
    "errmsg",
    "faultstring",
    "fault",
    "Fault",
    "Error",
    "Message",
    "_server_messages",
    "exception",
    "caused_by",
    "details",
    "Elements",
    "ValidationErrors",
    "fieldViolations",
    "data",
)
# {"email": ["is invalid"]} names the field of each reason
_BY_FIELD = {"errors", "details"}
# Where an explanation names its field, itself or one level below.
_FIELDS = ("field", "api_name", "propertyName", "path", "pointer", "element")
_BESIDE = ("details", "context", "source")
# In data, what is the record itself is no explanation.
_FAILED = {"error", "fail", "failed", "failure"}
_LEVELS, _WIDTH = 6, 20
# With nothing behind what takes all there is: two that could share a run of blanks
# would try every way to divide it.
_XML = re.compile(r"<message>\s*(?:<!\[CDATA\[)?([^<]*)", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")


def reasons(value: Any, redact: Redactor) -> list[str]:
    """Collect the explanations in what an answer says, whatever its shape.

    :param value: of JSON
    :return: each once, on one line and without secrets
    """
    return list(dict.fromkeys(_texts(value, redact, 0)))


def xml_reasons(text: str) -> list[str]:
    """:return: the messages in an answer that is XML, as they stand there"""
    found = (match[1].partition("]]>")[0] for match in _XML.finditer(text))
    return [*islice(filter(None, map(str.strip, found)), _WIDTH)]


def _texts(value, redact, depth):
    # each is shortened after its secrets are hidden, so that no half of one is left
    if depth > _LEVELS:
        return
    if isinstance(value, str):
        if value.strip():
            yield one_line(redact.excerpt(value, 2 * MAX_REASON))
    elif isinstance(value, list):
        for item in value[:_WIDTH]:
            yield from _texts(item, redact, depth + 1)
    elif isinstance(value, dict):
        yield from _of_object(value, redact, depth)


def _of_object(value, redact, depth) -> Iterator[str]:
    field = _field(value)
    for key in _KEYS:
        found = value.get(key)
        if not found:
            continue
        if key == "exception" and _within_text(value.get("_server_messages")):
            continue  # the same, for programmers
        if key in _BY_FIELD and isinstance(found, dict):
            yield from _by_field(key, found, redact, depth)
            continue
        if key == "data":
            found = _failed(found)
        elif key == "_server_messages":
            found = _within_text(found)
        elif key == "message" and isinstance(found, str):
            found = _filled(found, value.get("parameters"))
        for reason in _texts(found, redact, depth + 1):
            if field and isinstance(found, str) and field.lower() not in reason.lower():
                reason = f"{one_line(redact.excerpt(field, 60))}: {reason}"
            yield reason


def _by_field(key, found, redact, depth):
    listed = all(isinstance(each, list) for each in found.values())
    if key == "details" and ("errors" in found or not listed):
        yield from _texts(found.get("errors"), redact, depth + 1)
        return
    for name, inner in list(found.items())[:_WIDTH]:
        name = one_line(redact.excerpt(name, 60))
        for reason in _texts(inner, redact, depth + 1):
            if key == "errors" or name.lower() not in reason.lower():
                reason = f"{name}: {reason}"
            yield reason


def _field(value):
    """:return: the name of the field that an explanation is about, if it says so"""
    inner = (value.get(key) for key in _BESIDE)
    for place in (value, *(each for each in inner if isinstance(each, dict))):
        for key in _FIELDS:
            found = place.get(key)
            if isinstance(found, list) and all(isinstance(each, str) for each in found):
                found = ".".join(found[:_WIDTH])
            if found and isinstance(found, str):
                return found[:500]
    return None


def _failed(data):
    """:return: of what an answer has for data, what says that it failed"""
    items = data[:_WIDTH] if isinstance(data, list) else []
    return [
        item
        for item in items
        if isinstance(item, dict)
        and isinstance(item.get("status"), str)
        and item["status"].lower() in _FAILED
    ]


def _within_text(text):
    """:return: the messages of Frappe, each an object written as JSON, and HTML in it,
    in a list that is written as JSON"""
    try:
        found = json.loads(text) if isinstance(text, str) else text
        items = found[:_WIDTH] if isinstance(found, list) else []
        items = [json.loads(each) if isinstance(each, str) else each for each in items]
    except (ValueError, RecursionError):
        return None
    messages = (each.get("message") for each in items if isinstance(each, dict))
    return [_TAG.sub(" ", each) for each in messages if isinstance(each, str)]


def _filled(message, parameters):
    """:return: a message of Magento with its parameters, %1 or %fieldName"""
    if isinstance(parameters, list):
        parameters = {str(place): each for place, each in enumerate(parameters, 1)}
    if not isinstance(parameters, dict):
        return message

    def given(match):
        found = parameters.get(match[1])
        return str(found) if isinstance(found, str | int) else match[0]

    return re.sub(r"%(\w{1,60})", given, message[:10_000])
