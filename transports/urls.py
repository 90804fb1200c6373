# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Addresses: which are accepted, how they are joined and compared."""

import re
from urllib.parse import quote, unquote, urlsplit

from .. import wording
from ..text import storable

DEFAULT_PORTS = {"http": 80, "https": 443}
# Parsers disagree about these, and a disagreement can lead to another host.
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# What follows the collection's name: ('x'), (7), (id=7). A quote within is doubled.
_ODATA_KEY = re.compile(r"\((?:\w+=)?(?:'((?:[^']|'')*)'|([^'(),]+))\)")
# Written for none; the last is the nil UUID of RFC 9562 section 5.9.
_NO_IDS = {"0", "none", "null", "undefined", "00000000-0000-0000-0000-000000000000"}
NOT_VALID = wording._lt("The URL is not valid: check its host and port.")


def url_problem(url: str) -> str | None:
    """Say what is wrong with the URL of a destination.

    :return: a sentence for the person who typed it, marked for the translators;
        ``None`` when it is fine. It never repeats the URL, which may hold a password.
    """
    if not url:
        return wording._lt("The URL is missing.")
    if _UNSAFE.search(url):
        return wording._lt(
            "The URL must not contain spaces, control characters or backslashes."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return NOT_VALID
    if parts.scheme not in DEFAULT_PORTS:
        return wording._lt("The URL must begin with https:// or http://.")
    if not host or port == 0:
        return wording._lt(
            "The URL must name a host, as in https://crm.example.com/api."
        )
    if "@" in parts.netloc:
        return wording._lt(
            "The URL must not contain a user name or password: "
            "use the authentication settings."
        )
    if "#" in url:
        return wording._lt("The URL must not contain a fragment (#).")
    if "?" in url:
        return wording._lt(
            "The URL must not contain a query (?): "
            "it would be logged with every request."
        )
    return None


def endpoint_problem(endpoint: str) -> str | None:
    """Say what is wrong with the path of a stream below the destination's URL.

    :return: as :func:`url_problem`
    """
    if _UNSAFE.search(endpoint):
        return wording._lt("The endpoint must not contain spaces or backslashes.")
    if "://" in endpoint or endpoint.startswith("//"):
        return wording._lt(
            "The endpoint is a path below the URL of the system, such as contacts."
        )
    if "?" in endpoint or "#" in endpoint:
        return wording._lt("The endpoint must not contain ? or #.")
    if any(part in (".", "..") for part in endpoint.split("/")):
        return wording._lt(
            "The endpoint must not contain . or .. as a part of the path."
        )
    return None


def record_url_problem(pattern: str) -> str | None:
    """Say what is wrong with the pattern of the pages that show single records.

    :return: as :func:`url_problem`
    """
    rest = pattern.replace("{external_id}", "").replace("{id}", "")
    if "{" in rest or "}" in rest:
        return wording._lt(
            "The only placeholders of a page's address are {external_id} and {id}."
        )
    if rest == pattern:
        return wording._lt(
            "The address of a record's page needs {external_id} or {id}."
        )
    # pages have queries and fragments, and what comes before them names the host
    before = re.split(r"[?#]", pattern, maxsplit=1)[0]
    problem = url_problem(before) or (_UNSAFE.search(pattern) and url_problem(pattern))
    if not problem and "{" in urlsplit(before).netloc:
        return wording._lt(
            "The host of a page's address must not depend on the record."
        )
    return problem or None


def record_url(pattern: str, record_id: int, external_id: str | None) -> str | None:
    """Make the address of the page that shows a record at the destination.

    :param pattern: see :func:`record_url_problem`
    :param record_id: id in Odoo
    :param external_id: id at the destination, ``None`` when unknown
    :return: the address with quoted ids, or ``None`` when it needs an unknown one
    """
    usable = usable_id(external_id)
    if "{external_id}" in pattern and not usable:
        return None
    # the id of Odoo first: an external id may look like a placeholder
    address = pattern.replace("{id}", str(record_id))
    return address.replace("{external_id}", quote(usable or "", safe=""))


def join_url(base: str, path: str, record_id: str | None = None) -> str:
    """:return: base, path and, as one quoted segment, the id of a record. Where the
    path ends with a slash, so do the addresses of its records"""
    parts = [base.rstrip("/"), path.strip("/")]
    if record_id is not None:
        parts.append(quote(record_id, safe=""))
    slash = "/" if path.strip("/") and path.endswith("/") else ""
    return "/".join(filter(None, parts)) + slash


def usable_id(value) -> str | None:
    """:return: the value as an id that can stand in a URL, or ``None``

    ``.`` and ``..`` cannot: they mean another path even when quoted (RFC 3986
    section 6.2.2). Nor can blanks alone, control characters, and what our tables would
    only hold with other characters, which would be another id.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int) and value.bit_length() > 850:
        return None  # Python refuses to write it, or it is too long all the same
    text = str(value)
    if not 0 < len(text) <= 255 or text in (".", "..") or storable(text) != text:
        return None
    return None if not text.strip() or _CONTROL.search(text) else text


def given_id(value) -> str | None:
    """:return: the value as an id that a destination has given to a record: as
    :func:`usable_id`, and nothing that programs write for none"""
    text = usable_id(value)
    if text is None or (isinstance(value, int) and value <= 0):
        return None
    return None if text.strip("{} ").lower() in _NO_IDS else text


def new_id(location: str, collection: str) -> str | None:
    """Read the id out of the address of a new record.

    :param location: absolute address from the ``Location`` header of a 201 (RFC 9110
        section 10.2.2)
    :param collection: address that the record was sent to
    :return: the segment right below the collection, ``contacts/7`` or, as in OData 4.01
        "URL Conventions" section 4.3.1, ``contacts(7)``; ``None`` where it is none of
        its addresses
    """
    if not _same_place(location, collection):
        return None
    (*before, last), above = (
        [unquote(part) for part in urlsplit(url).path.rstrip("/").split("/")]
        for url in (location, collection)
    )
    if before == above:
        return given_id(last)
    if before != above[:-1] or not last.startswith(above[-1]):
        return None
    key = _ODATA_KEY.fullmatch(last[len(above[-1]) :])
    return key and given_id(key[2] or key[1].replace("''", "'"))


def _same_place(location, collection):
    """:return: whether one server has both addresses, as it may see them behind a proxy
    that speaks TLS for it"""
    try:
        places = origin(location), origin(collection)
    except ValueError:
        return False
    usual = all(DEFAULT_PORTS.get(scheme, 0) == port for scheme, _host, port in places)
    return places[0] == places[1] or (usual and places[0][1] == places[1][1])


def origin(url: str) -> tuple[str, str, int | None]:
    """:return: scheme, host and port (RFC 6454 section 4)"""
    parts = urlsplit(url)
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def same_host(url: str, other: str) -> bool:
    """:return: whether two addresses are at one host, whatever the port"""
    try:
        return origin(url)[1] == origin(other)[1]
    except ValueError:
        return False  # one is no address


def spelling(url: str) -> tuple[str, int | None, str, str]:
    """:return: what is the same for the addresses of one place: whether by TLS or not,
    with ``www.`` and a slash at the end or without"""
    scheme, host, port = origin(url)
    parts = urlsplit(url)
    port = None if port == DEFAULT_PORTS.get(scheme) else port
    return host.removeprefix("www."), port, parts.path.rstrip("/"), parts.query


def address(url: str) -> str:
    """:return: host and port, as a person writes them"""
    _scheme, host, port = origin(url)
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}"


def loggable(url: str) -> str:
    """:return: the URL without what may be secret: user info, query, fragment"""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc, query="", fragment="").geturl()
