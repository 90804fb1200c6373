# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is read out of an answer, whatever it holds."""

import json
import random
import time
from unittest.mock import patch

import jmespath

from odoo.tests import BaseCase, tagged

from ..exceptions import Misconfigured
from ..transports.http import Answer
from ..transports.http.answer import at, found_id
from ..transports.http.reasons import reasons, xml_reasons
from ..transports.redact import Redactor
from ..transports.rest import readings
from ..transports.rest.readings import (
    USUAL_MANY,
    ManyReading,
    Reading,
    id_after,
    reading_problem,
)
from ..wording import Sentence
from .transport_case import SECRET

BODY = {
    "id": 7,
    "data": [{"code": "SUCCESS", "details": {"id": "48"}}, {"details": {"id": "49"}}],
    "x-id": "dash",
    "1": {"2": "digits"},
    "Customer Id": "blank",
    "@id": "/contacts/9",
    "@odata": {"id": "no"},
    "ns:id": "colon",
    "$id": "dollar",
    "größe": "umlaut",
    "headers": {"Location": "of the body", "a": {"b": "deep"}},
    "list": [1, None, "x"],
    "nothing": None,
}
HEADERS = {"LOCATION": "/contacts/77", "X-Record-Id": "12", "Set-Cookie": SECRET}


def found_in(text, *answer):
    """Read an answer: its body, and its headers, or those of all."""
    body, headers = (*(answer or (BODY,)), HEADERS)[:2]
    return Reading.parse(text).of(body, headers)


class ReadingCase(BaseCase):
    def assertReads(self, text, expected, *args):
        with self.subTest(text):
            found = found_in(text, *args)
            self.assertIsNone(found.problem)
            self.assertEqual(found.value, expected)

    def assertProblem(self, text, *words):
        with self.subTest(text[:60]):
            problem = reading_problem(text)
            self.assertIsInstance(problem, Sentence)
            for word in words:
                self.assertIn(word, problem)
            with self.assertRaises(Misconfigured):
                Reading.parse(text)


@tagged("-at_install", "post_install")
class TestReading(ReadingCase):
    def test_paths_mean_what_they_have_meant(self):
        """Names with dots between, as they are there, and nothing else."""
        for path in (
            *("id", "x-id", "1.2", "Customer Id", "@id", "@odata.id", "ns:id", "$id"),
            *("größe", "nothing", "nothing.x", "id.x", "list.0", "no", "no.x.y", " id"),
            *(
                "data.id",
                "data.0.id",
                "headers.a.b",
                "headers",
                "a/b",
                "x?",
                "50%",
                "~",
            ),
            *("true", "null", "-1", "a+b", "a#b", "a;b", "a^b", "a\\b"),
        ):
            with self.subTest(path):
                parsed = Reading.parse(path)
                self.assertEqual(parsed.path, tuple(path.split(".")))
                self.assertEqual(parsed.of(BODY, HEADERS).value, at(BODY, path))
                answer = Answer(
                    "POST", "http://h/c", 201, {}, json.dumps(BODY).encode()
                )
                self.assertEqual(parsed.id_in(BODY), found_id(answer, path))
        for body in (None, [], "x", 7, [{"id": 1}], {}):
            self.assertReads("id", None, body)

    def test_expressions(self):
        for text, expected in (
            ("data[0].details.id", "48"),
            ("data[*].details.id", ["48", "49"]),
            ("data[-1].details.id | @", "49"),
            ("data[?code=='SUCCESS'].details.id | [0]", "48"),
            ('"Customer Id"', "blank"),
            ('"1"."2"', "digits"),
            ("no || id", 7),
            ("[no, list][]", [1, "x"]),
            ("{a: id, b: no}", {"a": 7, "b": None}),
            ("length(data)", 2),
            ("join(': ', [data[0].code, to_string(id)])", "SUCCESS: 7"),
            ("to_string(data[0])", '{"code":"SUCCESS","details":{"id":"48"}}'),
            ("list[1]", None),
            ("list[7]", None),
            ("id[0]", None),
            ("id > `5`", True),
            ("data[::-1] | [0].details.id", "49"),
        ):
            self.assertReads(text, expected)
        for body in (42, "x", None, [1], {"a": 1}, True, 1.5):
            self.assertReads("@", body, body)

    def test_headers(self):
        for text, expected in (
            ("headers.Location", "/contacts/77"),
            ("headers.location", "/contacts/77"),
            ("headers.X-Record-Id", "12"),
            ('headers."x-record-id"', "12"),
            ("headers.No", None),
            ("headers.No || id", 7),
            ("[headers.Location, id]", ["/contacts/77", 7]),
            ("headers.Location | @", "/contacts/77"),
            ("length(headers.Location)", 12),
            # of the body
            ("@.headers.Location", "of the body"),
            ("headers.a.b", "deep"),
            ('"headers".a.b', "deep"),
            ("headers | Location", "of the body"),
            ("@ | headers.Location", "of the body"),
            ("data[0].headers.Location", None),
            ("data[?headers.Location]", []),
            ("map(&headers.Location, data)", [None, None]),
        ):
            self.assertReads(text, expected)
        self.assertReads("headers.Location", None, BODY, None)
        self.assertReads("headers.Location", None, BODY, {})
        for text in ("headers.Set-Cookie", 'id || headers."set-cookie"'):
            self.assertProblem(text, "secret")
        # what others have compiled stays as it was
        text = "no || headers.Location"
        Reading.parse(text)
        self.assertEqual(jmespath.search(text, BODY), "of the body")

    def test_what_is_not_understood(self):
        for text, *words in (
            ("", "where in the answer"),
            ("  ", "where in the answer"),
            ("a" * 501, "longer than 500"),
            ("data[", "character 6"),
            ("data[0", "character 7"),
            ("a..b", "character 3"),
            ("data.", "character 6"),
            (".id", "character 1"),
            ("data[x]", "character 6"),
            ("items[?a=1]", "character 9"),
            ("'open", "character 1"),
            ("a || ", "character 6"),
            ("@@", "character"),
            ("*", None),
            ("(" * 400, "character"),
            ("!" * 500, "character"),
            ("[" * 500, "character"),
            ("a[" + "9" * 400 + "]x", "character"),
            ("nope(id)", "no function nope()"),
            ("length()", "length()"),
            ("length(a, b)", "length()"),
            ("map(&nope(@), a)", "nope()"),
            ("__import__('os')", "no function __import__()"),
            ("|".join(["[@,@]"] * 7), "too many values"),
            ("[a,b,c,d,e,f,g,h] | {a: @, b: @} | [@,@,@,@,@]", "too many values"),
        ):
            if words == [None]:
                self.assertIsNone(reading_problem(text))
                continue
            self.assertProblem(text, *words)

    def test_what_an_answer_makes_of_it(self):
        """Whatever is there, it is a value or a sentence."""
        bodies = [BODY, None, [], "x", 7, True, {"id": "1"}, {"id": [None, {}]}]
        for text in (
            *("length(id)", "sort(list)", "list[::0]", "id > 'x'", "'x' < id"),
            *("max(list)", "sum(list)", "contains(id, 'x')", "keys(list)", "ceil(id)"),
            *("to_number(id)", "join(id, list)", "sort_by(list, &id)", "abs(id)"),
            *(
                "merge(id, @)",
                "reverse(@)",
                "map(&length(@), list)",
                "list[" + "9" * 30,
            ),
            *("avg(list)", "list[?@ > `1`]", "floor(to_number('1e999'))", "id.*", "*"),
            *("min_by(data, &details)", "not_null(no, id)", "type(@)", "values(@)"),
        ):
            text += "]" if text.endswith("9") else ""
            parsed = Reading.parse(text)
            for body in bodies:
                with self.subTest(text=text, body=body):
                    found = parsed.of(body)
                    if found.problem:
                        self.assertIsNone(found.value)
                        self.assertIn(f"“{text}” cannot be read", found.problem)

    def test_anything_that_may_be_typed(self):
        pieces = [*"[]{}().,:|&!<>='\"`@*?-0123 \\", "id", "list", "data", "headers"]
        pieces += ["[*]", "[?", "&&", "||", "==", "length(", "map(&", "sort_by(", "]|["]
        pieces += ["`1`", "'x'", "Location", "to_string(", "join(", "::", "[]", "é"]
        dice, understood = random.Random(17), 0
        for _time in range(10_000):
            text = "".join(dice.choices(pieces, k=dice.randint(1, 9)))
            try:
                parsed = Reading.parse(text)
            except Misconfigured:
                continue
            understood += 1
            for body in (BODY, [BODY], "x", None):
                with self.subTest(text=text, body=type(body)):
                    parsed.of(body, HEADERS)
                    parsed.id_in(body, HEADERS, "http://h/c")
                    parsed.ids_in(body, HEADERS)
                    parsed.refusal(body, HEADERS)
        self.assertGreater(understood, 500)

    def test_problem_does_not_repeat_the_answer(self):
        found = found_in("length(id)", {"id": None, "secret": SECRET})
        self.assertIn("length() does not take null", found.problem)
        for text in ("sort([id, `1`])", "length(to_number(id))", "join(',', @)"):
            found = found_in(text, {"id": SECRET})
            self.assertNotIn(SECRET, str(found.problem))

    def test_it_gives_up_in_time(self):
        large = [{"a": str(number), "b": [1, 2]} for number in range(60_000)]
        self.enterContext(patch.object(readings, "MAX_STEPS", 50_000))
        started = time.monotonic()
        for text in (
            *("[*].a", "[*].b[]", "[?a=='x'].b", "sort_by(@, &a)", "max_by(@, &a)"),
            *("to_string(@)", "[@,@][]|[@,@][]|[@,@][]", "[*].[a,a,a,a,a,a,a,a]"),
            *("map(&[a, b], @)", "[::-1]|[::-1]|[::-1]", "join(',', [*].a)"),
        ):
            with self.subTest(text):
                found = Reading.parse(text).of(large)
                self.assertTrue(found.value is None)
                self.assertIn("too many steps", found.problem)
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual(Reading.parse("[-1].a").of(large).value, "59999")

    def test_texts_are_bounded(self):
        text = "x" * 8_000_000
        twice = " | ".join(["[@, @] | join('', @)"] * 5)
        for expression in (twice, "join(@, [@, @, @, @, @])", "reverse(@)"):
            with self.subTest(expression):
                found = Reading.parse(expression).of(text)
                self.assertLessEqual(len(found.value or ""), 8 * len(text))
        self.assertIn("too many steps", Reading.parse(twice).of(text).problem)

    def test_deep_answers(self):
        deep = []
        for _level in range(50_000):
            deep = [deep]
        for text in (
            "to_string(@)",
            "@ == `[[[1]]]`",
            "[0][0]",
            "@[]",
            "no",
            "length(@)",
        ):
            Reading.parse(text).of(deep)  # nothing else is raised
        Reading.parse("@").refusal(deep)
        Reading.parse("@").id_in(deep)


@tagged("-at_install", "post_install")
class TestIds(ReadingCase):
    def test_one(self):
        for text, body, expected in (
            ("id", {"id": 7}, "7"),
            ("@", 42, "42"),
            ("@", "abc", "abc"),
            ("data[0].details.id", BODY, "48"),
            ("data[0:1].details.id", BODY, "48"),
            ("data[*].details.id", BODY, None),
            ("result.id", {"jsonrpc": "2.0", "id": 3, "result": {"id": 5}}, "5"),
            ("id", {"jsonrpc": "2.0", "id": 3, "result": {}}, None),
            ("headers.Location", None, "77"),
            ("headers.X-Record-Id", None, "12"),
        ):
            with self.subTest(text=text, body=body):
                self.assertEqual(Reading.parse(text).id_in(body, HEADERS), expected)

    def test_what_can_be_no_id(self):
        for value in (
            *(None, True, False, 0, -1, 1.5, "", " ", ".", "..", "null", "0", "a\tb"),
            *("x" * 256, 10**400, "\ud800", [], [1, 2], {}, {"id": 1}, "undefined"),
            "00000000-0000-0000-0000-000000000000",
        ):
            with self.subTest(value):
                self.assertIsNone(Reading.parse("id").id_in({"id": value}))
                self.assertIsNone(Reading.parse("[id]").id_in({"id": value}))

    def test_addresses_in_headers(self):
        url = "https://crm.example.com/api/contacts?x=1"
        for location, expected in (
            ("https://crm.example.com/api/contacts/7", "7"),
            ("/api/contacts/7/", "7"),
            ("/api/people/7#/8", "7"),
            ("/api/people?id=eq.7", None),
            ("/api/people/7?x=/9", None),
            ("https://inside:8080/people/a%20b", "a b"),
            ("/api/contacts(7)", "7"),
            ("/api/contacts('a b')", "a b"),
            ("https://x/accounts(0f8fad5b-d9cb-469f)", "0f8fad5b-d9cb-469f"),
            ("https://x/accounts(id=7)", "7"),
            ("/api/contacts/%2e%2e", None),
            ("/api/contacts/%00", None),
            ("//", None),
            ("http://[", None),
            ("/", None),
        ):
            headers = {"Location": location}
            for known in ("", url):
                with self.subTest(location=location, url=known):
                    found = Reading.parse("headers.Location")
                    self.assertEqual(found.id_in(None, headers, known), expected)

    def test_all_that_are_found(self):
        for text, body, expected in (
            ("results[*].id", {"results": []}, []),
            ("results[*].id", {"results": None}, []),
            ("results[*].id", {"results": [{"id": 1}]}, ["1"]),
            ("results[*].id", {"results": [{"id": 1}, {"id": "1"}]}, ["1"]),
            ("results[*].id", {"results": [{"id": 1}, {"id": 2}]}, ["1", "2"]),
            ("[*].id", [{"id": 1}, {"id": 0}], ["1", None]),
            ("id", {"id": 7}, ["7"]),
            ("id", {"id": 0}, [None]),
            ("@", [], []),
        ):
            with self.subTest(text=text, body=body):
                self.assertEqual(Reading.parse(text).ids_in(body), expected)
        many = Reading.parse("@").ids_in([*range(1, 5000)])
        self.assertEqual(len(many), readings.MAX_IDS)

    def test_id_in_words(self):
        for text, before, expected in (
            ("Contact already exists. Existing ID: 12345", "Existing ID:", "12345"),
            ("Existing ID: 12345.", "Existing ID:", "12345"),
            ("(id='a-b_c')", "id", "a-b_c"),
            ('{"user_id":36}', '"user_id"', "36"),
            ("ID: 1 and ID: 1", "ID:", "1"),
            ("ID: 1 and ID: 2", "ID:", None),
            ("Existing ID: ", "Existing ID:", None),
            ("nothing", "Existing ID:", None),
            ("anything", "", None),
            ("anything", " ", None),
            ("id .. x", "id", None),
            ("a.b 7", "a?b", None),
            ("x" * 100_000, "(x+)+y", None),
        ):
            with self.subTest(text=text[:40], before=before):
                self.assertEqual(id_after(text, before), expected)


# As each vendor documents it; then what a person is to read.
REFUSALS = {
    "Zoho": (
        {
            "data": [
                {
                    "code": "INVALID_DATA",
                    "details": {"api_name": "Email", "json_path": "$.data[0].Email"},
                    "message": "invalid data",
                    "status": "error",
                }
            ]
        },
        ["Email: invalid data"],
    ),
    "Zoho, all of it": (
        {
            "code": "INVALID_TOKEN",
            "details": {},
            "message": "invalid oauth token",
            "status": "error",
        },
        ["invalid oauth token"],
    ),
    "QuickBooks": (
        {
            "Fault": {
                "Error": [
                    {
                        "Message": "Duplicate Name Exists Error",
                        "Detail": "The name supplied already exists. : null",
                        "code": "6240",
                        "element": "",
                    }
                ],
                "type": "ValidationFault",
            },
            "time": "2017-09-29T09:17:31.892-07:00",
        },
        ["The name supplied already exists. : null", "Duplicate Name Exists Error"],
    ),
    "Xero": (
        {
            "ErrorNumber": 10,
            "Type": "ValidationException",
            "Message": "A validation exception occurred",
            "Elements": [
                {
                    "ContactID": "00000000-0000-0000-0000-000000000000",
                    "HasValidationErrors": True,
                    "ValidationErrors": [{"Message": "Email address must be valid."}],
                }
            ],
        },
        ["A validation exception occurred", "Email address must be valid."],
    ),
    "Frappe": (
        {
            "exception": "frappe.exceptions.MandatoryError: [Customer]: customer_name",
            "exc_type": "MandatoryError",
            "exc": '["Traceback (most recent call last):\\n ..."]',
            "_server_messages": json.dumps(
                [
                    json.dumps(
                        {"message": "Value missing for: <b>Name</b>", "title": "x"}
                    )
                ]
            ),
        },
        ["Value missing for: Name"],
    ),
    "Frappe without messages": (
        {"exception": "frappe.exceptions.DuplicateEntryError", "_server_messages": "["},
        ["frappe.exceptions.DuplicateEntryError"],
    ),
    "Elasticsearch": (
        {
            "error": {
                "root_cause": [{"type": "x", "reason": "failed to parse"}],
                "type": "document_parsing_exception",
                "reason": "failed to parse",
                "caused_by": {"type": "y", "reason": "not a number"},
            },
            "status": 400,
        },
        ["failed to parse", "not a number"],
    ),
    "Zendesk": (
        {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {
                "email": [
                    {
                        "description": "Email: a@b.c is already being used",
                        "error": "DuplicateValue",
                    }
                ]
            },
        },
        [
            "Record validation errors",
            "RecordInvalid",
            "Email: a@b.c is already being used",
            "email: DuplicateValue",
        ],
    ),
    "Strapi": (
        {
            "data": None,
            "error": {
                "status": 400,
                "name": "ValidationError",
                "message": "1 error occurred",
                "details": {
                    "errors": [
                        {
                            "path": ["email"],
                            "message": "must be valid",
                            "name": "ValidationError",
                        }
                    ]
                },
            },
        },
        ["1 error occurred", "email: must be valid"],
    ),
    "Freshdesk": (
        {
            "description": "Validation failed",
            "errors": [
                {
                    "field": "email",
                    "additional_info": {"user_id": 36},
                    "message": "It should be a unique value",
                    "code": "duplicate_value",
                }
            ],
        },
        ["Validation failed", "email: It should be a unique value"],
    ),
    "Magento": (
        {
            "message": '"%fieldName" is required. Enter and try again.',
            "parameters": {"fieldName": "firstname", "fieldValue": ""},
        },
        ['"firstname" is required. Enter and try again.'],
    ),
    "Magento, by place": (
        {"message": "No such entity with %1 = %2", "parameters": ["id", 7]},
        ["No such entity with id = 7"],
    ),
    "PrestaShop": (
        {"errors": [{"code": 41, "message": "Property Customer->email is empty"}]},
        ["Property Customer->email is empty"],
    ),
    "HubSpot": (
        {
            "status": "error",
            "message": "Property values were not valid",
            "correlationId": "aeb5f871-7f07-4993-9211-075dc63e7cbf",
            "category": "VALIDATION_ERROR",
            "errors": [
                {
                    "message": "is not a valid address",
                    "code": "INVALID_EMAIL",
                    "context": {"propertyName": ["email"]},
                }
            ],
        },
        ["Property values were not valid", "email: is not a valid address"],
    ),
    "of a record": (
        {
            "message": "no",
            "data": {"title": "Ms", "description": "x", "status": "error"},
        },
        ["no"],
    ),
    "of other records": (
        {"message": "no", "data": [{"title": "Ms", "status": "success"}, "x"]},
        ["no"],
    ),
    "JSON:API": (
        {
            "errors": [
                {
                    "title": "Invalid input.",
                    "detail": "must be valid",
                    "source": {"pointer": "/data/attributes/email"},
                }
            ]
        },
        [
            "/data/attributes/email: Invalid input.",
            "/data/attributes/email: must be valid",
        ],
    ),
}


@tagged("-at_install", "post_install")
class TestRefusals(ReadingCase):
    def test_shapes(self):
        for name, (body, expected) in REFUSALS.items():
            with self.subTest(name):
                self.assertEqual(reasons(body, Redactor(())), expected)
                answer = Answer(
                    "POST", "http://h/c", 400, {}, json.dumps(body).encode()
                )
                self.assertEqual(answer.reason(), "; ".join(expected))
                self.assertEqual(found_in("@", body).problem, None)
                refusal = Reading.parse("@").refusal(body)
                self.assertEqual(refusal.value, "; ".join(expected))

    def test_xml(self):
        text = (
            "<prestashop><errors><error><code><![CDATA[41]]></code>"
            "<message><![CDATA[Property Customer->email is empty]]></message></error>"
            "<error><message>no</message></error></errors></prestashop>"
        )
        expected = ["Property Customer->email is empty", "no"]
        self.assertEqual(xml_reasons(text), expected)
        headers = {"Content-Type": "text/xml;charset=utf-8"}
        answer = Answer("POST", "http://h/c", 400, headers, text.encode())
        self.assertEqual(answer.reason(), "; ".join(expected))
        for text, expected in (
            ("<message>\n <![CDATA[ Bad [x] ]]>\n</message>", ["Bad [x]"]),
            ("<MESSAGE> one of [a] </MESSAGE>", ["one of [a]"]),
            ("<message><![CDATA[]]></message><message> </message>", []),
            ("<message>broken off", ["broken off"]),
            ("<message><b>x</b></message>", []),
        ):
            self.assertEqual(xml_reasons(text), expected)

    def test_xml_that_keeps_a_worker_busy(self):
        """Blanks that could be shared out in many ways, and no end"""
        for text, expected in (
            ("<message>" * 100_000, []),
            ("<message>" + " " * 1_000_000, []),
            ("<message>" + " \n" * 200_000 + "<![CDATA[" + " " * 200_000, []),
            ("<message>x" + " " * 1_000_000, ["x"]),
            ("<message>x" + "]" * 1_000_000 + "</message>", ["x" + "]" * 1_000_000]),
        ):
            started = time.monotonic()
            self.assertEqual(xml_reasons(text), expected)
            self.assertLess(time.monotonic() - started, 5)

    def test_id_behind_a_run_of_signs(self):
        for sign in "( [ \" ' : =".split():
            started = time.monotonic()
            self.assertIsNone(id_after(sign * 200_000, sign))
            self.assertLess(time.monotonic() - started, 5)
        self.assertEqual(id_after("ID:" + " " * 40 + "7", "ID:"), "7")

    def test_what_is_no_refusal(self):
        for value in (
            *(
                None,
                False,
                0,
                "",
                " ",
                "none",
                "OK",
                "0",
                [],
                {},
                [None, ""],
                {"a": None},
            ),
            *([[]], [{}], {"a": [False, 0]}),
        ):
            with self.subTest(value):
                self.assertEqual(Reading.parse("e").refusal({"e": value}), (None, None))

    def test_what_is_one(self):
        for value, expected in (
            (True, ""),
            (3001, "3001"),
            (1.5, "1.5"),
            ("Taken", "Taken"),
            (" two\n  lines ", "two lines"),
            (["a", "b", "a"], "a; b"),
            ({"email": ["is taken"]}, "is taken"),
            ({"code": 17, "x": {"y": "why"}}, "17; why"),
            ([None, "b"], "b"),
            (10**400, ""),
            ("x" * 5000, "x" * 299 + "…"),
        ):
            with self.subTest(str(value)[:30]):
                found = Reading.parse("e").refusal({"e": value})
                self.assertEqual(found, (expected, None))

    def test_secrets_are_hidden(self):
        redact = Redactor([SECRET])
        for value in (SECRET, [f"a {SECRET}"], {"x": SECRET}, {"message": SECRET}):
            found = Reading.parse("e").refusal({"e": value}, None, redact)
            self.assertIn("***", found.value)
            self.assertNotIn(SECRET, found.value)

    def test_what_cannot_be_read_is_told(self):
        """It is no proof that all is well."""
        found = Reading.parse("length(errors)").refusal({"errors": None})
        self.assertIsNone(found.value)
        self.assertIn("cannot be read", found.problem)

    def test_hostile_shapes(self):
        redact = Redactor(())
        deep = {}
        for _level in range(2000):
            deep = {"errors": [deep], "details": {"errors": deep}}
            if _level > 400:
                deep = {"errors": deep}
        for body in (
            deep,
            {"message": "%1 " * 100_000, "parameters": ["x" * 1000]},
            {"_server_messages": "[" * 100_000},
            {
                "_server_messages": json.dumps(
                    ["[" * 100_000, 7, None, '{"message": 7}']
                )
            },
            {"errors": {str(number): "x" for number in range(100_000)}},
            {"errors": [{"message": "x"}] * 100_000},
            {"path": ["x"] * 100_000, "message": "y"},
            {"message": {"message": {"message": 7}}, "details": {"a": [[[[["z"]]]]]}},
            {"parameters": {"a": {}}, "message": "%a %b"},
        ):
            started = time.monotonic()
            self.assertIsInstance(reasons(body, redact), list)
            self.assertLess(time.monotonic() - started, 5)


@tagged("-at_install", "post_install")
class TestMany(ReadingCase):
    def made(self, items="@", **parts):
        return ManyReading(
            Reading.parse(items),
            **{name: Reading.parse(text) for name, text in parts.items()},
        )

    def test_batch(self):
        body = {
            "items": [
                {"key": "2", "status": 422, "error": "Taken"},
                {"key": 1, "status": 201, "id": "c1"},
                {"key": 3, "status": "200", "id": 0},
                {"key": 9, "status": 200},
            ]
        }
        one, two, three, four = USUAL_MANY.of(body, [1, 2, 3, 4])
        self.assertEqual((one.status, one.id, one.refusal), (201, "c1", None))
        self.assertEqual((two.status, two.id), (422, None))
        self.assertEqual(two.content, body["items"][0])
        self.assertEqual((three.status, three.id), (200, None))
        self.assertIsNone(four)

    def test_by_place(self):
        salesforce = self.made(id="id", refused="errors")
        body = [
            {"id": "003RM0", "success": True, "errors": []},
            {"success": False, "errors": [{"message": "Taken", "statusCode": "DUP"}]},
        ]
        one, two = salesforce.of(body, [7, 8])
        self.assertEqual((one.id, one.refusal), ("003RM0", None))
        self.assertEqual((two.id, two.refusal), (None, "Taken"))
        for keys in ([7], [7, 8, 9], []):
            self.assertEqual(salesforce.of(body, keys), [None] * len(keys))
        for body in (None, {}, "x", {"a": []}, 7):
            self.assertEqual(salesforce.of(body, [7]), [None])

    def test_two_lists(self):
        mailchimp = self.made(
            "[new_members, updated_members, errors][]",
            key="email_address",
            id="id",
            refused="error",
        )
        body = {
            "new_members": [{"id": "m1", "email_address": "a@b.c"}],
            "updated_members": [],
            "errors": [{"email_address": "d@e.f", "error": "looks fake"}],
        }
        one, two, three = mailchimp.of(body, ["a@b.c", "d@e.f", "x@y.z"])
        self.assertEqual((one.id, one.refusal), ("m1", None))
        self.assertEqual((two.id, two.refusal), (None, "looks fake"))
        self.assertIsNone(three)

    def test_by_key(self):
        reading = self.made(key="k", id="id")
        for body, expected in (
            ([{"k": 1, "id": 5}, {"k": 1, "id": 6}], [None, None]),
            ([{"k": 1, "id": 5}, {"k": 1, "id": 5}], ["5", None]),
            ([{"k": 1, "id": 5}, {"k": 1, "id": 6}, {"k": 1, "id": 5}], [None, None]),
            ([{"k": True, "id": 5}, {"k": 2.0, "id": 5}], [None, None]),
            ([None, 7, "x", [], {"k": None}, {"k": "2", "id": 9}], [None, "9"]),
            ([{"k": 10**5000, "id": 5}], [None, None]),
        ):
            found = [each and each.id for each in reading.of(body, [1, 2])]
            self.assertEqual(found, expected)
        # of two records with one key, nobody can tell whose answer it is
        found = reading.of([{"k": 1, "id": 5}], [1, "1"])
        self.assertEqual(found, [None, None])

    def test_status(self):
        reading = self.made(status="s")
        for value, expected in (
            *((200, 200), ("409", 409), (599, 599), (True, None), ("2 00", None)),
            *((99, None), (600, None), (None, None), ("٢٠٠", None), (200.0, None)),
            ("9" * 5000, None),
        ):
            [found] = reading.of([{"s": value}], [1])
            self.assertEqual(found.status, expected)

    def test_thousands(self):
        reading = self.made("items[*].body", key="k", id="id", refused="e", status="s")
        items = [{"body": {"k": key, "id": key + 1, "s": 200}} for key in range(5000)]
        started = time.monotonic()
        found = reading.of({"items": items}, [*range(5000)])
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual([each.id for each in found], [str(k + 1) for k in range(5000)])

    def test_more_than_is_read(self):
        with patch.object(readings, "MAX_STEPS", 10):
            found = self.made("items[*].body").of({"items": [{}] * 20}, [*range(20)])
        self.assertEqual(found, [None] * 20)
