# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import ast
import inspect
from dataclasses import replace

from lxml import etree

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, Form, TransactionCase, new_test_user, tagged

from odoo.addons.queue_job_sync.exceptions import Misconfigured, Rejected
from odoo.addons.queue_job_sync.tests.conformance.rest_destination import TOKEN
from odoo.addons.queue_job_sync.transports.base import REFUSED, Message, Route
from odoo.addons.queue_job_sync.transports.http import HttpConfig

from .. import transport as written
from ..transport import CardDavTransport
from ..vcard import vcard
from .carddav_server import BOOK, CardDavServer, contact_of

PATH = f"{BOOK}/7.vcf"
# Lines of code that a transport of this kind takes, at most.
MOST_LINES = 40


def message(operation="upsert", payload=None, target=BOOK, **options):
    route = Route(target, id_policy="odoo")
    payload = {"name": "Ada"} if payload is None else payload
    return Message(operation, 7, payload, route, **options)


def lines_of_code(module):
    """Return the numbers of the lines that are neither empty nor say what is done."""
    source = inspect.getsource(module)
    said = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said |= {*range(node.lineno, node.end_lineno + 1)}
    return [
        number
        for number, line in enumerate(source.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in said
    ]


class CardDavCase(BaseCase):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(CardDavServer())

    def transport(self, **options):
        values = {"url": self.server.url, "auth": "bearer", "secret": TOKEN}
        values.update(connect_timeout=2, read_timeout=2)
        return CardDavTransport(HttpConfig(**{**values, **options}))

    def send(self, sent):
        with self.transport() as transport:
            (receipt,) = transport.send([sent])
        return receipt

    def asked(self):
        """Return what was asked since this was asked, with the versions."""
        found = [
            " ".join(
                filter(None, (each.method, each.path, each.headers.get("If-Match")))
            )
            for each in self.server.requests
        ]
        self.server.requests.clear()
        return found

    def held(self):
        return contact_of(self.server.records[PATH])


@tagged("post_install", "-at_install")
class TestCardDav(CardDavCase):
    """What is particular to address books, beside what the kit tests."""

    def test_it_is_as_short_as_is_said(self):
        self.assertLessEqual(len(lines_of_code(written)), MOST_LINES)

    def test_change_names_the_version_that_it_is_about(self):
        receipt = self.send(message())
        self.assertEqual(self.asked(), [f"PUT /{PATH}"])
        self.assertTrue(receipt.version)
        again = self.send(message(payload={"name": "Eve"}, version=receipt.version))
        self.assertEqual(self.asked(), [f"PUT /{PATH} {receipt.version}"])
        self.assertNotIn(again.version, (None, receipt.version))
        self.assertEqual(self.held()["name"], "Eve")

    def test_last_state_wins_over_what_was_changed_there(self):
        first = self.send(message())
        second = self.send(message(payload={"name": "Eve"}))
        self.asked()
        receipt = self.send(message(payload={"name": "Bob"}, version=first.version))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(
            self.asked(),
            [
                f"PUT /{PATH} {first.version}",
                f"GET /{PATH}",
                f"PUT /{PATH} {second.version}",
            ],
        )
        self.assertEqual(self.held()["name"], "Bob")
        self.assertIn(f"GET {self.server.url}/{PATH}", receipt.request)

    def test_what_is_changed_there_all_the_time_is_refused(self):
        self.server.answer(412, times=1)
        self.server.answer(200, headers={"ETag": '"1"'})
        self.server.answer(412)
        receipt = self.send(message(version='"0"'))
        self.assertIs(type(receipt.error), Rejected)
        self.assertEqual(receipt.fate, REFUSED)

    def test_what_is_gone_there_is_made_anew(self):
        first = self.send(message())
        self.server.records.clear()
        receipt = self.send(message(version=first.version))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.held()["name"], "Ada")

    def test_mark_keeps_all_else(self):
        self.send(message(payload={"name": "Ada", "city": "Rome", "deleted": False}))
        self.asked()
        receipt = self.send(message("mark", {"deleted": True}))
        self.assertTrue(receipt.ok, receipt.error)
        found = self.held()
        self.assertEqual((found["city"], found["deleted"]), ("Rome", True))
        look, change = self.asked()
        self.assertEqual(look, f"GET /{PATH}")
        self.assertIn(f'PUT /{PATH} "', change)

    def test_address_book_that_is_not_there_is_a_wrong_setting(self):
        for operation in ("upsert", "mark", "delete"):
            with self.subTest(operation):
                receipt = self.send(message(operation, target="books/none"))
                self.assertIs(type(receipt.error), Misconfigured)
                self.assertIn("no such address book", receipt.error.message)
        self.assertEqual(receipt.fate, REFUSED)

    def test_nothing_is_sent_to_show_what_would_be(self):
        with self.transport() as transport:
            shown = transport.preview(message())
        self.assertIn(f"PUT {self.server.url}/{PATH}", shown)
        self.assertIn("FN:Ada", shown)
        self.assertIn("Authorization: ***", shown)
        self.assertNotIn(TOKEN, shown)
        self.assertEqual(self.asked(), [])

    def test_who_listens_is_told_of_each_request(self):
        heard = []
        with self.transport() as transport:
            transport.heard(heard.append).send([message(version='"0"')])
        self.assertEqual([each.status[:3] for each in heard], ["412", "404", "201"])
        self.assertNotIn(TOKEN, repr(heard))

    def test_several_are_sent_at_once(self):
        sent = [replace(message(), key=key) for key in range(20)]
        with self.transport(concurrency=4) as transport:
            receipts = transport.send(sent)
        self.assertEqual([each.message.key for each in receipts], [*range(20)])
        self.assertTrue(all(each.ok for each in receipts))
        self.assertLessEqual(self.server.connections, 5)

    def test_cards_are_as_the_documents_say(self):
        text = vcard(7, {"name": "Zoë; \\ 漢字🙂\r\nx,y" * 9, "vat": 1.5}, "4.0")
        for line in text.split("\r\n"):
            self.assertLessEqual(len(line.encode()), 75)
        self.assertIn("X-VAT:1.5\r\n", text)
        found = contact_of(text.encode())
        self.assertEqual(found["name"], "Zoë; \\ 漢字🙂\nx,y" * 9)


@tagged("post_install", "-at_install")
class TestCardDavScreens(TransactionCase):
    """The places for what is a transport's own, and the settings of HTTP."""

    def setUp(self):
        super().setUp()
        self.server = self.enterContext(CardDavServer())
        admin = new_test_user(self.env, "sync_carddav_admin", "base.group_system")
        setups = self.env["sync.setup"].with_user(admin)
        self.setup = setups.create({"name": "Book", "transport": "carddav"})
        self.setup.action_choose(False)
        self.setup.action_next()

    def in_place(self, model, path):
        """Return the names of the fields that are in a place of a form."""
        view = self.env[model].get_view(view_type="form")
        return set(etree.fromstring(view["arch"]).xpath(f"{path}//field/@name"))

    def test_forms_have_places_for_fields(self):
        for model, path, name in (
            ("sync.backend", "//div[@name='own_settings']", "carddav_version"),
            ("sync.stream", "//group[@name='where']", "carddav_book"),
            ("sync.setup", "//div[@name='own_settings']", "carddav_version"),
            ("sync.setup", "//div[@name='own_place']", "carddav_book"),
        ):
            with self.subTest(model):
                self.assertIn(name, self.in_place(model, path))

    def test_form_shows_what_http_needs(self):
        form = Form(self.env["sync.backend"])
        form.name, form.transport = "Book", "carddav"
        form.url, form.carddav_version = self.server.url, "4.0"
        backend = form.save()
        self.assertTrue(backend.over_http)
        with self.assertRaisesRegex(ValidationError, "cannot be used"):
            backend.url = "ftp://book"
        self.assertFalse(
            self.env["sync.backend"].new({"transport": "postgresql"}).over_http
        )

    def test_steps_ask_for_all_of_it(self):
        setup = self.setup
        self.assertTrue(setup.over_http and setup.asks_all)
        setup.write({"url": self.server.url, "auth": "bearer"})
        setup.set_secret("auth_secret", TOKEN)
        setup.carddav_version = "4.0"
        setup.action_test()
        # what answers at its own address may be anything
        self.assertEqual(setup.test_state, "untold", setup.test_answer)
        setup.action_next()
        with self.assertRaisesRegex(ValidationError, "needs an address book"):
            setup.action_next()
        setup.carddav_book = BOOK
        self.assertFalse(setup.test_state)
        setup.action_test()
        self.assertEqual(setup.test_state, "untold", setup.test_answer)
        setup.carddav_book = f"{BOOK}/"
        self.assertFalse(setup.test_state)
        setup.action_next()
        setup.action_next()
        self.assertIn(f"{self.server.url}/{BOOK}/", setup.request)
        setup.start_with = "changes"
        setup.action_finish()
        self.assertEqual(setup.stream_id.state, "live")
        self.assertEqual(setup.backend_id.carddav_version, "4.0")

    def test_other_kinds_have_none_of_it(self):
        setup = self.setup.create({"name": "Shop", "transport": "postgresql"})
        self.assertFalse(setup.over_http)
        self.assertTrue(setup.asks_all)
