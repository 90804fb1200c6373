# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A request as a person types it, and nothing that it could be made to send."""

import json
import random
from urllib.parse import parse_qsl, unquote, urlsplit

from odoo.tests import BaseCase, tagged

from ..exceptions import Misconfigured, Rejected
from ..transports.base import Message, Route
from ..transports.http.connection import prepare
from ..transports.rest.requests import (
    CREATE,
    FIND,
    FORM,
    MANY,
    READ,
    REMOVE,
    UPDATE,
    Data,
    RequestLine,
    default_lines,
    form_encoded,
    leads_away,
    read_line,
    request_problem,
)
from ..transports.urls import join_url
from ..wording import Sentence
from .transport_case import SECRET, RestCase, message

BASE = "https://crm.example.com/api/v2"
RECORD = {
    "name": "Zoë O'Brien",
    "email": "zoë+1@example.com",
    "vip": True,
    "rate": 1.5,
    "street": None,
    "address": {"city": "Łódź", "zip": "90-001"},
    "emails": [{"value": "a@b.c"}, {"value": "d@e.f"}],
    "id": "own",
    "a.b@odata.bind": "/x(7)",
    "tags": ["a", "b"],
}


def sent(**values):
    values = {"key": 7, "payload": RECORD, "idempotency_key": "key-1", **values}
    return Message(values.pop("operation", "upsert"), route=Route(""), **values)


def filled(kind, line, body="", encoding="json", record_id="c/1", **values):
    version = values.pop("version", None)
    parsed = RequestLine.parse(kind, line, body, encoding)
    return parsed.fill(BASE, sent(**values), record_id, version)


class RequestCase(BaseCase):
    def assertUrl(self, kind, line, expected, **values):
        with self.subTest(line):
            self.assertEqual(filled(kind, line, **values).url, f"{BASE}{expected}")

    def assertBody(self, body, expected, **values):
        with self.subTest(body):
            found = filled(UPDATE, "POST contacts/{id}", json.dumps(body), **values)
            self.assertEqual(json.loads(found.body), expected)

    def assertProblem(self, words, kind, line, body="", **options):
        with self.subTest(line=line[:60], body=body[:60]):
            problem = request_problem(kind, line, body, **options)
            self.assertIsInstance(problem, Sentence)
            self.assertIn(words, problem)
            if not options.get("known"):
                with self.assertRaises(Misconfigured):
                    RequestLine.parse(kind, line, body, **options)


@tagged("-at_install", "post_install")
class TestAddress(RequestCase):
    def test_what_is_typed_stays(self):
        for line, expected in (
            ("POST contacts", "/contacts"),
            ("  post   contacts  ", "/contacts"),
            ("POST /contacts", "/contacts"),
            ("POST contacts/", "/contacts/"),
            ("POST", ""),
            ("POST /", "/"),
            ("POST ?notify=false", "?notify=false"),
            ("POST /?a=1", "/?a=1"),
            ("POST contacts?", "/contacts?"),
            ("POST contacts.json?a=b&c=d?e/../f", "/contacts.json?a=b&c=d?e/../f"),
            ("POST people:create;v=2", "/people:create;v=2"),
            ("POST contacts?filters[email][$eq]=x", "/contacts?filters[email][$eq]=x"),
            ("POST a%2Fb/c%20d", "/a%2Fb/c%20d"),
            ("POST odata/People('x')", "/odata/People('x')"),
            ("POST kontakte/größe", "/kontakte/größe"),
            (
                "POST ?to=https://other.example.com//x",
                "?to=https://other.example.com//x",
            ),
        ):
            self.assertUrl(CREATE, line, expected)

    def test_placeholders_are_quoted(self):
        for line, expected in (
            ("PUT contacts/{id}", "/contacts/c%2F1"),
            ("PUT contacts/{id}.json", "/contacts/c%2F1.json"),
            ("PUT contacts/{id}/", "/contacts/c%2F1/"),
            ("PUT {id}", "/c%2F1"),
            ("PUT /{id}?x", "/c%2F1?x"),
            ("PUT Contacts('{id}')", "/Contacts('c%2F1')"),
            ("PUT {key}/{address.city}", "/7/%C5%81%C3%B3d%C5%BA"),
            ("PUT c?e={email}", "/c?e=zo%C3%AB%2B1%40example.com"),
            ("PUT c?e={emails[1].value}&k={key}", "/c?e=d%40e.f&k=7"),
            ("PUT c?v={vip}&r={rate}", "/c?v=true&r=1.5"),
            ('PUT c?b={"a.b@odata.bind"}', "/c?b=%2Fx%287%29"),
            ("PUT c?i={record.id}", "/c?i=own"),
            ('PUT c?i={"id"}', "/c?i=own"),
            ("PUT c?{key}={operation}", "/c?7=upsert"),
            ("PUT c/{idempotency_key}", "/c/key-1"),
        ):
            self.assertUrl(UPDATE, line, expected)
        self.assertUrl(UPDATE, "PUT c/{id:number}", "/c/12", record_id="12")
        self.assertUrl(UPDATE, "PUT c/{id}?v={version}", "/c/1?v=W%2F", **V)

    def test_refused(self):
        for words, *lines in (
            ("begins with its method", "", "contacts", "GET contacts", "PUSH contacts"),
            (
                "begins with its method",
                "POSTcontacts/{id}",
                "{id} contacts",
                "P\x00T a",
            ),
            ("begins with its method", "PUT " + "a" * 5000),
            ("longer than 2000", "PUT " + "a" * 2001),
            (
                "below the URL",
                "PUT https://other.example.com/{id}",
                "PUT //other.example.com/{id}",
                "PUT https%3A//other.example.com/{id}",
                "PUT user:secret@other://{id}",
            ),
            (
                "must not contain //",
                "PUT ../{id}",
                "PUT contacts/../{id}",
                "PUT contacts/./{id}",
                "PUT contacts//{id}",
                "PUT contacts/%2e%2E/{id}",
                "PUT contacts/%252e%252e/{id}",
                "PUT contacts/%25252e./{id}",
                "PUT contacts/..;x=1/{id}",
                "PUT contacts%2F..%2F{id}",
                "PUT contacts/..%5C{id}",
                "PUT contacts/%2F/{id}",
                "PUT contacts/\u2025/{id}",
                "PUT contacts\uff0f\uff0e\uff0e\uff0f{id}",
                "PUT contacts/%EF%BC%8E%EF%BC%8E/{id}",
                "PUT {id}/..",
                "PUT {id}/../{key}",
                "PUT {id}//{key}",
            ),
            (
                "spaces",
                "PUT contacts\\{id}",
                "PUT con tacts/{id}",
                "PUT c/{id}?q=a b",
                "PUT c/{id}\r\nHost: evil",
                "PUT c\u2028/{id}",
                "PUT c\u202e/{id}",
                "PUT c\x7f/{id}",
                "PUT c\ud800/{id}",
                "PUT c/{id}\x00",
            ),
            ("must not contain #", "PUT c/{id}#x", "PUT c/{id}?a#"),
            (
                "control character",
                "PUT c/{id}?a=%0d%0aSet-Cookie:x",
                "PUT c%00/{id}",
                "PUT c/{id}%2500",
                "PUT c/{id}%",
                "PUT c/{id}%g0",
                "PUT c/{id}?%C0%AE%C0%AE",
                "PUT c/%2{id}E%2E",
                "PUT c/{id}?a=%{key}0",
            ),
            (
                "Braces in an address",
                "PUT c/{id",
                "PUT c/id}",
                "PUT c/{}",
                "PUT c/{ id }",
                "PUT c/{{id}}",
                "PUT c/{a..b}/{id}",
                "PUT c/{a[x]}/{id}",
                "PUT c/{a[12345]}/{id}",
                "PUT c/{a b}/{id}",
                'PUT c/{"a}/{id}',
            ),
            (
                "follows the colon",
                "PUT c/{id:text}",
                "PUT c/{email:number}/{id}",
                "PUT c/{id:Number}",
                "PUT c/{id:}",
                "PUT c/{env:HOME}/{id}",
                "PUT c/{config:x.y}",
            ),
            ("stands in a body", "PUT c/{record}", "PUT c/{id}?r={record}"),
            (
                "between quotes",
                "PUT c/{id:escaped}",
                "PUT c/{id}?q={email:doubled}",
                "PUT c/{id}?q='x'{email:escaped}",
                "PUT c/{id}?q='x&r={email:escaped}'",
            ),
        ):
            for line in lines:
                self.assertProblem(words, UPDATE, line)

    def test_kinds(self):
        for kind, *lines in (
            (FIND, "GET contacts?email={email}", "POST search?k={key}"),
            (READ, "GET contacts/{id}", "POST contacts/{key}/read"),
            (CREATE, "POST contacts", "PUT contacts/{key}", "PATCH c?e={email}"),
            (UPDATE, "PUT contacts/{id}", "POST contacts", "PATCH c?k={key}"),
            (REMOVE, "DELETE contacts/{id}?force=true", "POST c/{key}/archive"),
            (MANY, "POST contacts/batch", "PUT contacts", "PATCH contacts"),
        ):
            for line in lines:
                with self.subTest(line):
                    self.assertIsNone(request_problem(kind, line))
        for words, kind, line in (
            ("one of GET, POST", FIND, "PUT contacts?email={email}"),
            ("one of DELETE, POST", REMOVE, "GET contacts/{id}"),
            ("one of POST, PUT", MANY, "DELETE contacts"),
            ("not known yet in a search", FIND, "GET contacts/{id}"),
            ("what to search for", FIND, "GET contacts"),
            ("not known yet of a new", CREATE, "POST contacts/{id}"),
            ("not known yet of a new", CREATE, "POST contacts?v={version}"),
            ("which record it is", REMOVE, "DELETE contacts"),
            ("only {id} and {key}", REMOVE, "DELETE contacts/{email}/{id}"),
            ("only {id} and {key}", READ, "GET contacts/{id}?e={email}"),
            ("which record it is", READ, "GET contacts"),
            ("no placeholders", MANY, "POST contacts/{key}"),
        ):
            self.assertProblem(words, kind, line)
        self.assertProblem("which record it is", UPDATE, "PUT contacts", '{"a": 1}')
        self.assertProblem("no body", FIND, "GET c?e={email}", '{"a": 1}')

    def test_values_that_cannot_stand_there(self):
        """A value is one part of a path, whatever it is, or nothing is sent."""
        for value in (
            *("", None, [], {}, True, 1.5, ".", "..", " ", "\t", "a\nb", "a\r\nX: y"),
            *("a\x00b", "\ud800", "x" * 256, 10**400, "../x", "x/../y", "..\\x"),
            *("%2e%2e", "%2e%2e/x", "%252e%252e", "..;x", "\u2025", "\uff0e\uff0e"),
            *("\uff0e\uff0e\uff0fx", ". ", "a\u0085"),
        ):
            with self.subTest(value), self.assertRaises(Rejected):
                filled(UPDATE, "PUT c/{x}", payload={"x": value})
        for record_id in (None, ""):
            with self.assertRaisesRegex(Rejected, "no value for {id}"):
                filled(UPDATE, "PUT c/{id}", record_id=record_id)
        for value in (None, "", ".", "..", "a\nb", "../x"):
            with self.subTest(value), self.assertRaises(Rejected):
                filled(UPDATE, "PUT c/{id}.json", record_id=value)

    def test_values_that_a_query_cannot_have(self):
        """Nothing in it would find all that there is."""
        for value in (None, "", " ", [], {"a": 1}, 10**400, "\ud800", float("nan")):
            with self.subTest(value), self.assertRaises(Rejected):
                filled(FIND, "GET c?x={x}", payload={"x": value})
        with self.assertRaisesRegex(Rejected, "no value for {y.z}"):
            filled(FIND, "GET c?x={y.z}", payload={"y": {}})
        for value in (0, False, "a&b=c#d", "..", "\r\n", "\r\nx"):
            if value == "\r\n":
                continue
            with self.subTest(value):
                url = filled(FIND, "GET c?x={x}", payload={"x": value}).url
                text = str(value).lower() if isinstance(value, bool) else str(value)
                self.assertEqual(parse_qsl(urlsplit(url).query), [("x", text)])

    def test_nothing_leads_out_of_the_system(self):
        """Also when requests has read the address in its own way."""
        letters = [
            "/",
            "\\",
            ".",
            "..",
            "%",
            "2e",
            "2f",
            "5c",
            "?",
            "#",
            "@",
            ":",
            "//",
        ]
        letters += ["a", "ü", "\uff0e", "\uff0f", "\u2025", ";", "25", "{id}", "{x}"]
        letters += ["http:", "\t", "\r\n", "[", "]", "&", "'", " ", "0", "é"]
        dice, typed, came_through = random.Random(17), None, 0
        for _time in range(5_000):
            typed = "".join(dice.choices(letters, k=dice.randint(1, 7)))
            value = "".join(dice.choices(letters[:-1], k=dice.randint(1, 4)))
            try:
                parsed = RequestLine.parse(UPDATE, f"PUT {typed}")
                found = parsed.fill(BASE, sent(payload={"x": value}), value)
            except (Misconfigured, Rejected):
                continue
            came_through += 1
            prepared = prepare("PUT", found.url, {}, None)
            parts = urlsplit(prepared.url)
            with self.subTest(typed=typed, value=value, url=prepared.url):
                self.assertEqual((parts.scheme, parts.netloc), ("https", HOST))
                self.assertRegex(parts.path, r"^/api/v2(/|$)")
                self.assertFalse(parts.fragment)
                self.assertFalse(leads_away(unquote(parts.path)))
        self.assertGreater(came_through, 300)

    def test_host_alone(self):
        """Where the URL has no path, what follows is still none of the host."""
        for line in ("PUT {x}", "PUT ?{x}={key}", "PUT {x}{key}", "PUT @{x}"):
            for value in ("@evil.example", ":80", ".evil.example", "evil", "@"):
                parsed = RequestLine.parse(UPDATE, line)
                url = parsed.fill("https://crm", sent(payload={"x": value})).url
                with self.subTest(url):
                    prepared = urlsplit(prepare("PUT", url, {}, None).url)
                    self.assertEqual(prepared.netloc, "crm")

    def test_quotes_in_a_query(self):
        soql = "GET q?q=SELECT+Id+FROM+Contact+WHERE+Email='{x:escaped}'"
        odata = "GET c?$filter=email%20eq%20%27{x:doubled}%27&$top=2"
        formula = 'GET c?f={key}&q="{x:escaped}"&r={y}'
        for line, value, expected in (
            (soql, "O'Brien", "Email='O%5C%27Brien'"),
            (soql, "\\' OR 'a'='a", "Email='%5C%5C%5C%27%20OR%20%5C%27a%5C%27%3D"),
            (odata, "O'Brien", "%27O%27%27Brien%27&$top=2"),
            (formula, 'a"b', 'q="a%5C%22b"&r=y'),
            ('GET c?f=[["n","=","{x:escaped}"]]', "O'B\"", '"O%27B%5C%22"]]'),
        ):
            with self.subTest(line):
                url = filled(FIND, line, payload={"x": value, "y": "y"}).url
                self.assertIn(expected, url)
        for line in ("GET c?q='{x}'", "GET c?q=%27a{x}%27", "GET c?a=1&q=it\\'s='{x}'"):
            for value in ("O'Brien", "\\"):
                with self.subTest(line=line, value=value):
                    if "\\" in line:
                        self.assertProblem("spaces", FIND, line)
                        continue
                    with self.assertRaisesRegex(Rejected, "between quotes"):
                        filled(FIND, line, payload={"x": value})
        url = filled(FIND, "GET c?a='b'&q={x}", payload={"x": "O'Brien"}).url
        self.assertIn("q=O%27Brien", url)

    def test_ids_that_are_numbers(self):
        for value in ("7", "0", "12345678901234567890"):
            body = filled(UPDATE, "POST c", '{"id": "{id:number}"}', record_id=value)
            self.assertEqual(json.loads(body.body), {"id": int(value)})
        for value in ("x", "7.0", "-1", "007", "٣", "1e3", "9" * 21, " 7", "7\n", "²"):
            with self.subTest(value), self.assertRaisesRegex(Rejected, "no number"):
                filled(UPDATE, "POST c", '{"id": "{id:number}"}', record_id=value)

    def test_a_key_that_is_a_text(self):
        body = filled(CREATE, "POST c", '{"a": "{key}", "b": "{key:text}"}').body
        self.assertEqual(json.loads(body), {"a": 7, "b": "7"})
        for name in ("{id:text}", "{email:text}", "{key:number}"):
            self.assertProblem("colon", UPDATE, "PUT c/{id}", f'{{"a": "{name}"}}')

    def test_only_the_message_is_reachable(self):
        """Neither attributes nor what else the process knows."""
        for name in ("__class__", "route", "route.target", "items", "payload", "env"):
            with self.subTest(name):
                found = filled(UPDATE, "POST c/{id}", f'{{"x": "{{{name}}}"}}')
                self.assertEqual(json.loads(found.body), {})
        for name in ("{env:SECRET}", "{config:db_password}", "{secret:x}"):
            self.assertProblem("longer", UPDATE, "PUT c/{id}", f'{{"a": "x {name}"}}')
            self.assertProblem("colon", UPDATE, "PUT c/{id}", f'{{"a": "{name}"}}')
        self.assertNotIn(SECRET, str(RequestLine.parse(UPDATE, "PUT c/{id}")))


V = {"record_id": "1", "version": "W/"}
HOST = "crm.example.com"


@tagged("-at_install", "post_install")
class TestBody(RequestCase):
    def test_whole_values(self):
        self.assertBody("{record}", RECORD)
        self.assertBody(["{record}"], [RECORD])
        self.assertBody({"data": {"x": "{record}"}}, {"data": {"x": RECORD}})
        self.assertBody(
            {
                "id": "{id}",
                "key": "{key}",
                "op": "{operation}",
                "once": "{idempotency_key}",
                "v": "{version}",
                "vip": "{vip}",
                "street": "{street}",
                "city": "{address.city}",
                "own": "{record.id}",
                "bind": '{"a.b@odata.bind"}',
                "first": "{emails[0].value}",
                "tags": "{tags}",
                "fixed": [1, None, "x", {"y": False}],
            },
            {
                "id": "c/1",
                "key": 7,
                "op": "upsert",
                "once": "key-1",
                "v": None,
                "vip": True,
                "street": None,
                "city": "Łódź",
                "own": "own",
                "bind": "/x(7)",
                "first": "a@b.c",
                "tags": ["a", "b"],
                "fixed": [1, None, "x", {"y": False}],
            },
        )
        self.assertBody({"v": "{version:number}"}, {"v": 3}, version="3")

    def test_what_the_record_leaves_out(self):
        body = {"a": "{no}", "b": ["{no}", "{key}"], "c": "{address.no}", "d": {}}
        body |= {"e": "{emails[9].value}", "f": "{name.x}", "g": {"h": "{no}"}}
        self.assertBody(body, {"b": [7], "d": {}, "g": {}})
        self.assertBody("{no}", None)

    def test_all_of_an_object(self):
        body = {"Id": "{id}", "name": "fixed", "...": "{record}", "sparse": True}
        expected = {"Id": "c/1", "sparse": True, **RECORD, "name": "fixed"}
        self.assertBody(body, expected)
        self.assertBody({"...": "{address}"}, RECORD["address"])
        self.assertBody({"...": "{name}"}, {})
        for body in ('{"...": "{id}"}', '{"...": {"a": 1}, "b": "{id}"}'):
            self.assertProblem("puts an object", UPDATE, "PUT c/{id}", body)

    def test_texts_that_are_no_placeholders(self):
        for text in (
            *(
                "",
                "{",
                "}",
                "{}",
                "{ id }",
                "{{id}}",
                "Hi {{name}}",
                "{{ x }}",
                "{a b}",
            ),
            *('{"a": 1}', "{}{}", "50% {of} ".replace("{of}", "of"), "[{]}"),
        ):
            self.assertBody({"x": text, "k": "{key}"}, {"x": text, "k": 7})
        self.assertBody({"x": "\\{name}"}, {"x": "{name}"})
        self.assertBody({"x": "Hi \\{name}!"}, {"x": "Hi {name}!"})
        self.assertBody({"{id}": "\\x"}, {"{id}": "\\x"})
        for text in (
            "Hi {name}",
            "{name} {id}",
            "{a:b} x",
            "{name}!",
            " {id}",
            "a{address.city}",
        ):
            body = json.dumps({"x": text})
            self.assertProblem("within a longer text", UPDATE, "PUT c/{id}", body)

    def test_graphql(self):
        for document in (
            "mutation($i: I!) { update(input: $i) { contact {id} errors {field} } }",
            "query { x(name: $n) {id name} }",
            "# a {comment}\n {contact(id:1){id}}",
            "\n,subscription{x{id}}",
            "{ ping }",
        ):
            body = {"query": document, "variables": {"i": {"id": "{id}"}}}
            self.assertBody(body, {**body, "variables": {"i": {"id": "c/1"}}})
            self.assertBody([body], [{**body, "variables": {"i": {"id": "c/1"}}}])
        # a search is none, nor is what stands elsewhere
        for body in (
            {"query": "email:{email}"},
            {"query": "queries {email}"},
            {"x": "query { x {id} }"},
            {"a": {"query": "{ x {id} }"}},
        ):
            text = json.dumps(body)
            self.assertProblem("within a longer text", UPDATE, "PUT c/{id}", text)
        self.assertBody({"query": "{email}"}, {"query": RECORD["email"]})

    def test_refused(self):
        for words, *bodies in (
            ("is not JSON", "{", "{'a': 1}", '{"a": {record}}', "[1,]", "{id}", "x"),
            ("line 2, column 2", "{\n a}"),
            (
                "cannot be written",
                "NaN",
                "[Infinity]",
                "1e999",
                '"\\ud800"',
                "1" * 5000,
            ),
            ("nests too deeply", "[" * 31 + "]" * 31, "[" * 9000 + "]" * 9000),
            ("longer than 20000", '"' + "x" * 20_000 + '"'),
            ("name a twice", '{"a": 1, "b": {"a": 2, "a": 3}}'),
            ("follows the colon", '"{record:number}"', '"{id:x}"', '"{key:number}"'),
            ("between quotes", '"{id:escaped}"', '{"a": "{name:doubled}"}'),
        ):
            for body in bodies:
                self.assertProblem(words, UPDATE, "PUT c/{id}", body)
        self.assertProblem("{id} is not known", CREATE, "POST c", '{"id": "{id}"}')
        self.assertProblem("only {id}", REMOVE, "POST c/{id}", '{"e": "{email}"}')

    def test_usual_bodies(self):
        for kind, line, expected in (
            (CREATE, "POST c", RECORD),
            (UPDATE, "PATCH c/{id}", RECORD),
            (REMOVE, "DELETE c/{id}", None),
            (REMOVE, "POST c/{id}/archive", None),
            (FIND, "GET c?e={email}", None),
            (READ, "GET c/{id}", None),
        ):
            with self.subTest(line):
                found = filled(kind, line)
                self.assertEqual(found.method, line.split()[0])
                body = json.loads(found.body) if found.body is not None else None
                self.assertEqual(body, expected)
                kinds = {True: None, False: "application/json"}
                self.assertEqual(found.content_type, kinds[body is None])
        found = filled(REMOVE, "PATCH c/{id}", '{"active": false}')
        self.assertEqual(json.loads(found.body), {"active": False})
        found = filled(FIND, "POST search", '{"q": "{email}"}')
        self.assertEqual(json.loads(found.body), {"q": RECORD["email"]})

    def test_what_cannot_be_written(self):
        for value in (float("nan"), "\ud800", {1, 2}, 10**5000):
            with self.subTest(type(value)), self.assertRaises(Rejected):
                filled(CREATE, "POST c", payload={"x": value})
        deep = []
        for _level in range(100_000):
            deep = [deep]
        for encoding in ("json", "form"):
            with self.assertRaises((Rejected, RecursionError)):
                filled(CREATE, "POST c", encoding=encoding, payload={"x": deep})

    def test_record_is_not_changed(self):
        payload = {"a": {"b": [1]}, "c": None}
        before = json.dumps(payload)
        body = '{"x": "{a}", "...": "{record}", "y": ["{a.b}"]}'
        for _time in range(2):
            filled(UPDATE, "PUT c/{id}", body, payload=payload)
            filled(UPDATE, "PUT c/{id}", body, FORM, payload=payload)
        self.assertEqual(json.dumps(payload), before)

    def test_unknown_names(self):
        known = ["name", "address.city", "lines[].sku", "emails[0].value", '"a.b@c"']
        line = RequestLine.parse(
            UPDATE,
            "PUT c/{id}?n={name}&x={nam}",
            '{"a": "{address}", "b": "{address.zip}", "c": "{lines}", "d": "{record}",'
            ' "e": "{emails[0].value}", "f": "{\\"a.b@c\\"}", "g": "{lines[0].sku}"}',
        )
        self.assertEqual(line.unknown_names(known), ["{address.zip}", "{nam}"])
        self.assertProblem(
            "{nam} is in no field", UPDATE, "PUT c/{id}?x={nam}", known=["name"]
        )
        self.assertIsNone(request_problem(UPDATE, "PUT c/{id}", known=[]))

    def test_lines_can_be_compared(self):
        lines = [RequestLine.parse(UPDATE, "PUT c/{id}?a", "[1, 2]") for _time in "ab"]
        self.assertEqual(*lines)
        self.assertEqual(len({*lines}), 1)
        self.assertEqual(str(lines[0]), "PUT c/{id}?a")
        self.assertNotEqual(lines[0], RequestLine.parse(UPDATE, "PUT c/{id}?a"))


@tagged("-at_install", "post_install")
class TestForm(RequestCase):
    def test_what_nests(self):
        content = {
            "name": "Zoë & Co",
            "vip": True,
            "off": False,
            "rate": 1.5,
            "count": 7,
            "nothing": None,
            "none": [],
            "address": {"city": "Łódź", "geo": {"lat": 1}},
            "tags": ["a", "b"],
            "lines": [{"sku": "x"}, {"sku": "y", "tax": ["t"]}],
            "a=b&c": "d",
        }
        self.assertEqual(
            parse_qsl(form_encoded(content).decode("ascii"), keep_blank_values=True),
            [
                ("name", "Zoë & Co"),
                ("vip", "true"),
                ("off", "false"),
                ("rate", "1.5"),
                ("count", "7"),
                ("nothing", ""),
                ("none", ""),
                ("address[city]", "Łódź"),
                ("address[geo][lat]", "1"),
                ("tags[]", "a"),
                ("tags[]", "b"),
                ("lines[0][sku]", "x"),
                ("lines[1][sku]", "y"),
                ("lines[1][tax][]", "t"),
                ("a=b&c", "d"),
            ],
        )
        self.assertEqual(form_encoded({}), b"")

    def test_refused(self):
        for content in (
            *([], None, "x", {"a": float("inf")}, {"a": "\ud800"}, {"a": {1}}),
            {"a": 10**400},
        ):
            with self.subTest(str(content)[:20]), self.assertRaises(Rejected):
                form_encoded(content)
        for body in ("[1]", "7", '"{id}"', '"x"'):
            self.assertProblem("form", UPDATE, "PUT c/{id}", body, encoding=FORM)
        self.assertProblem("JSON", MANY, "POST c", encoding=FORM)

    def test_request(self):
        found = filled(CREATE, "POST v1/customers", encoding=FORM, payload={"a": [1]})
        self.assertEqual(found.body, b"a%5B%5D=1")
        self.assertEqual(found.content_type, "application/x-www-form-urlencoded")


@tagged("-at_install", "post_install")
class TestMany(RequestCase):
    def filled(self, body, count=2):
        line = RequestLine.parse(MANY, "POST many", body)
        items = [
            Data(sent(key=key, payload={"n": key}), f"c{key}" if key else None)
            for key in range(count)
        ]
        return json.loads(line.fill_many(BASE, items).body)

    def test_list_that_is_repeated(self):
        for body, expected in (
            ("", [{"n": 0}, {"n": 1}]),
            ('["{record}"]', [{"n": 0}, {"n": 1}]),
            ('{"data": ["{record}"]}', {"data": [{"n": 0}, {"n": 1}]}),
            (
                '{"a": {"b": [{"id": "{id}", "...": "{record}"}]}, "c": [1], "d": []}',
                {
                    "a": {"b": [{"id": None, "n": 0}, {"id": "c1", "n": 1}]},
                    "c": [1],
                    "d": [],
                },
            ),
            ('[{"x": ["{n}"]}]', [{"x": [0]}, {"x": [1]}]),
            ('{"a": ["{no}"]}', {"a": [None, None]}),
            (
                '{"query": "mutation { x {id} }", "variables": {"all": ["{record}"]}}',
                {
                    "query": "mutation { x {id} }",
                    "variables": {"all": [{"n": 0}, {"n": 1}]},
                },
            ),
        ):
            with self.subTest(body):
                self.assertEqual(self.filled(body), expected)
        self.assertEqual(self.filled("", count=0), [])

    def test_refused(self):
        for body in (
            '"{record}"',
            '{"a": "{record}"}',
            '{"a": ["{record}"], "b": "{key}"}',
            '{"a": ["{record}"], "b": ["{key}"]}',
            '["{record}", 1]',
            '[1, ["{record}"]]',
            '{"...": ["{record}"]}',
        ):
            with self.subTest(body):
                self.assertIsNotNone(request_problem(MANY, "POST many", body))
        self.assertProblem("one list", MANY, "POST many", "[1]")
        self.assertProblem("no record", MANY, "POST many", '["{idempotency_key}"]')

    def test_thousands(self):
        self.assertEqual(len(self.filled("", count=5000)), 5000)


TARGETS = (
    *("contacts", "/contacts", "contacts/", "/api/contacts/", "//", "", "/", "a//b"),
    *("a{b}/{id}", "größe", "a%2Fb", "c;v=1", "People('x')", "%7Bid%7D"),
)


@tagged("-at_install", "post_install")
class TestUsualLines(RestCase):
    """What is not typed is sent to the last byte as it has been without lines."""

    def test_addresses(self):
        for base in ("https://crm.example.com", "http://h:8/api/", "https://h/a//"):
            for target in TARGETS:
                for record_id in ("7", "a b", "c/1", "ü%", "{id}", "x" * 255):
                    lines = default_lines(Route(target, update_method="patch"))
                    with self.subTest(base=base, target=target):
                        one = join_url(base, target, record_id)
                        for line in (
                            lines.update,
                            lines.mark,
                            lines.remove,
                            lines.read,
                        ):
                            found = line.fill(base, message(), record_id)
                            self.assertEqual(found.url, one)
                        found = lines.create.fill(base, message())
                        self.assertEqual(found.url, join_url(base, target))
                        self.assertIsNone(lines.many)

    def test_requests(self):
        for options in (
            {"operation": "upsert"},
            {"operation": "upsert", "external_id": "c 1"},
            {"operation": "upsert", "external_id": "c 1", "update_method": "patch"},
            {"operation": "upsert", "id_policy": "odoo", "target": "people/"},
            {"operation": "upsert", "id_policy": "none", "target": "hooks/x"},
            {"operation": "delete", "external_id": "c1", "payload": {}},
            {"operation": "delete", "id_policy": "odoo", "payload": {}},
            {"operation": "mark", "external_id": "c1", "payload": {"gone": True}},
            {"operation": "mark", "id_policy": "none", "payload": {"gone": True}},
        ):
            with self.subTest(options):
                self.server.requests.clear()
                self.server.answer(200, {"id": "c1"})
                made = message(**options)
                self.send(made)
                [request] = self.server.requests
                record_id = self.transport().record_id(made)
                lines = default_lines(made.route)
                kind = {"upsert": lines.update, "mark": lines.mark}
                line = kind.get(made.operation, lines.remove)
                line = line if record_id else lines.create
                found = line.fill(self.server.url, made, record_id)
                self.assertEqual(request.method, found.method)
                self.assertEqual(f"{self.server.url}{request.path}", found.url)
                self.assertEqual(request.body, found.body or b"")
                self.assertEqual(request.headers["Content-Type"], found.content_type)

    def test_batch(self):
        messages = [
            message(key=1, batch_target="many/", external_id="c1"),
            message(key=2, batch_target="many/"),
            message(
                "delete", key=3, batch_target="many/", external_id="c3", payload={}
            ),
        ]
        self.server.answer(200, {"items": []})
        self.transport().send(messages)
        request = self.server.requests[0]
        line = default_lines(messages[0].route).many
        items = [Data(each, each.external_id) for each in messages]
        found = line.fill_many(self.server.url, items)
        self.assertEqual(request.body, found.body)
        self.assertEqual(f"{self.server.url}{request.path}", found.url)
        self.assertEqual(request.method, found.method)

    def test_they_can_be_typed(self):
        route = Route("contacts", batch_target="batch")
        lines = default_lines(route)
        for name in ("create", "update", "mark", "remove", "read", "many"):
            line = getattr(lines, name)
            typed = RequestLine.parse(line.kind, str(line), line.body)
            self.assertEqual(typed, line)

    def test_how_a_record_is_looked_at(self):
        for typed, expected in (
            ("PUT contacts/{id}.json?x=1", "GET contacts/{id}.json"),
            ("POST contacts/{key}/", "GET contacts/{key}/"),
            ("POST contacts/{key}/update", None),
            ("PUT contacts/{key}/profile", "GET contacts/{key}/profile"),
            ("POST contacts", None),
            ("PUT contacts/{email}", None),
        ):
            found = read_line(RequestLine.parse(UPDATE, typed))
            self.assertEqual(found and str(found), expected)
