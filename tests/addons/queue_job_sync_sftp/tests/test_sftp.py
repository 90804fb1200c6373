# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json

import paramiko

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, TransactionCase, new_test_user, tagged

from odoo.addons.queue_job_sync.exceptions import Misconfigured, Rejected, Unreachable
from odoo.addons.queue_job_sync.transports.base import Message, Route

from ..connection import SftpConfig, host_key_problem
from ..transport import SftpTransport
from .sftp_server import FOLDER, PASSWORD, USER, SftpServer


def message(operation="upsert", key=7, payload=None, target=FOLDER):
    return Message(operation, key, payload or {"name": "Ada"}, Route(target))


@tagged("post_install", "-at_install")
class TestSftp(BaseCase):
    """What is particular to files, beside what the kit tests."""

    def setUp(self):
        super().setUp()
        self.server = SftpServer()
        self.addCleanup(self.server.stop)
        self.server.start()

    def send(self, *messages, **options):
        values = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "user": USER,
            "password": PASSWORD,
            "host_key": self.server.host_key,
            "connect_timeout": 3,
            "read_timeout": 3,
        }
        with SftpTransport(SftpConfig(**{**values, **options})) as transport:
            return transport.send(messages)

    def test_one_file_for_each_record(self):
        self.send(message(key=7), message(key=8))
        self.assertEqual(self.server.files(), ["7.json", "8.json"])
        content = (self.server.root / FOLDER / "7.json").read_text()
        self.assertEqual(json.loads(content), {"name": "Ada"})

    def test_old_file_is_whole_until_the_new_one_is(self):
        self.send(message())
        self.server.fault = "refuse"
        (receipt,) = self.send(message(payload={"name": "Refused"}))
        self.assertIsInstance(receipt.error, Rejected)
        # nothing half written is left there
        self.assertEqual(self.server.files(), ["7.json"])
        content = (self.server.root / FOLDER / "7.json").read_text()
        self.assertEqual(json.loads(content), {"name": "Ada"})

    def test_another_host_key_gets_neither_password_nor_data(self):
        asked = []
        self.server.password = type(
            "Told", (str,), {"__eq__": lambda *both: asked.append(both)}
        )(PASSWORD)
        key = paramiko.ECDSAKey.generate()
        (receipt,) = self.send(
            message(), host_key=f"{key.get_name()} {key.get_base64()}"
        )
        self.assertIsInstance(receipt.error, Unreachable)
        self.assertIn("host key", receipt.error.message)
        self.assertFalse(asked)
        self.assertFalse(self.server.files())

    def test_folder_that_is_not_there_is_refused(self):
        (receipt,) = self.send(message(target="nowhere"))
        self.assertIsInstance(receipt.error, Misconfigured)

    def test_key_that_is_no_name_of_a_file_is_refused(self):
        for key in ("../7", "a/b", ".hidden", ""):
            (receipt,) = self.send(message(key=key))
            self.assertIsInstance(receipt.error, Rejected)

    def test_mark_of_a_record_that_never_arrived_writes_nothing(self):
        (receipt,) = self.send(message("mark", payload={"deleted": True}))
        self.assertTrue(receipt.ok)
        self.assertFalse(self.server.files())

    def test_host_keys(self):
        self.assertIsNone(host_key_problem(self.server.host_key))
        self.assertIsNone(host_key_problem(f"{self.server.host_key} root@files"))
        for wrong in ("", "ssh-ed25519", "ssh-ed25519 no=base64", "ssh-rsa AAAA"):
            self.assertTrue(host_key_problem(wrong), wrong)


@tagged("post_install", "-at_install")
class TestSftpBackend(TransactionCase):
    def test_what_is_missing_is_told(self):
        values = {"name": "Files", "transport": "sftp", "sftp_host": "files"}
        with self.assertRaisesRegex(ValidationError, "a login"):
            self.env["sync.backend"].create(values)
        values["sftp_user"] = "odoo"
        with self.assertRaisesRegex(ValidationError, "host key"):
            self.env["sync.backend"].create(values)

    def test_fields_are_shown_for_their_transport_only(self):
        for model in ("sync.backend", "sync.stream"):
            view = self.env[model].get_view(view_type="form")
            self.assertIn("transport != 'sftp'", view["arch"])


@tagged("post_install", "-at_install")
class TestSftpSetup(TransactionCase):
    """The guided set-up, with a kind of system that has settings of its own."""

    def setUp(self):
        super().setUp()
        self.server = SftpServer()
        self.addCleanup(self.server.stop)
        self.server.start()
        admin = new_test_user(self.env, "sync_sftp_admin", "base.group_system")
        setups = self.env["sync.setup"].with_user(admin)
        self.setup = setups.create({"name": "Files", "transport": "sftp"})
        self.setup.action_choose(False)

    def fill_in_system(self):
        self.setup.backend_id.write(
            {
                "sftp_host": "127.0.0.1",
                "sftp_port": self.server.port,
                "sftp_user": USER,
                "sftp_host_key": self.server.host_key,
            }
        )
        self.setup.backend_id.set_secret("sftp_password", PASSWORD)

    def test_from_kind_to_live(self):
        setup = self.setup
        setup.action_next()
        for button in (setup.action_test, setup.action_next):
            with self.assertRaisesRegex(ValidationError, "a host and a login"):
                button()
        self.assertEqual(setup.action_open_backend()["res_id"], setup.backend_id.id)
        self.fill_in_system()
        setup.action_test()
        self.assertEqual(setup.test_state, "ok", setup.test_answer)
        setup.action_next()
        with self.assertRaisesRegex(ValidationError, "needs a folder"):
            setup.action_next()
        self.assertEqual(setup.action_open_stream()["res_id"], setup.stream_id.id)
        setup.stream_id.sftp_folder = "nowhere"
        setup.action_test()
        self.assertEqual(setup.test_state, "failed")
        self.assertIn("no folder", setup.test_answer)
        setup.stream_id.sftp_folder = FOLDER
        setup.action_test()
        self.assertEqual(setup.test_state, "untold")
        setup.action_next()
        self.assertIn("name", setup.mapping_ids.mapped("target"))
        setup.action_next()
        self.assertIn("cannot show its requests", setup.request_problem)
        setup.start_with = "changes"
        setup.action_finish()
        self.assertEqual(setup.stream_id.state, "live")
        self.assertFalse(self.server.files())
        with self.assertRaisesRegex(ValidationError, "needs a folder"):
            setup.stream_id.sftp_folder = False

    def test_what_is_connected_stays_complete(self):
        self.setup.action_next()
        self.fill_in_system()
        self.setup.backend_id.active = True
        with self.assertRaisesRegex(ValidationError, "a host and a login"):
            self.setup.backend_id.sftp_host = False
