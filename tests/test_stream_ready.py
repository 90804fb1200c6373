# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a draft may lack, and what goes live, or stays live, may not."""

from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged

from ..mapping import secrecy
from .common import SyncCase, stream_values, write_backend
from .postgresql_case import PostgresqlCase


class ReadyCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = new_test_user(cls.env, "sync_ready_admin", "base.group_system")
        values = stream_values(cls.backend, name="Draft", state="draft")
        cls.draft = cls.env["sync.stream"].with_user(cls.admin).create(values)
        cls.live = cls.stream.with_user(cls.admin)
        cls.before_commit(cls)

    def add(self, stream, **values):
        stream.mapping_ids = [fields.Command.create({"target": "more", **values})]
        self.before_commit()
        return stream.mapping_ids[-1]

    def shown(self, stream):
        """Return what the form says is missing."""
        stream.invalidate_recordset(["lacking"])
        return stream.lacking or ""

    def assertKept(self, message, **values):
        """A draft may have it, and says so; nothing that is live may."""
        line = self.add(self.draft, **values)
        self.assertRegex(self.shown(self.draft), message)
        wizard = self.env["sync.go.live"].with_user(self.admin)
        wizard = wizard.create({"stream_id": self.draft.id})
        self.assertRegex(wizard.lacking, message)
        with self.assertRaisesRegex(ValidationError, message):
            with self.env.cr.savepoint():
                wizard.action_go_live()
        self.assertEqual(self.draft.state, "draft")
        with self.assertRaisesRegex(ValidationError, message):
            with self.env.cr.savepoint():
                self.add(self.live, **values)
        line.unlink()
        self.before_commit()
        self.assertFalse(self.shown(self.draft))

    def assertTaken(self, **values):
        self.add(self.live, **values).unlink()
        self.before_commit()


@tagged("post_install", "-at_install")
class TestReady(ReadyCase):
    def test_a_draft_that_is_complete_goes_live(self):
        self.assertFalse(self.shown(self.draft))
        wizard = self.env["sync.go.live"].with_user(self.admin)
        wizard.create({"stream_id": self.draft.id}).action_go_live()
        self.assertEqual(self.draft.state, "live")

    def test_the_status_of_synchronizing_is_not_sent(self):
        for path in ("sync_state", "sync_date", "child_ids.sync_state"):
            with self.subTest(path):
                self.assertKept("tells of the synchronization itself", field_path=path)

    def test_what_nobody_may_read_is_not_sent(self):
        for path in ("user_ids.totp_secret", "user_ids.api_key_ids.name"):
            with self.subTest(path):
                names = path.split(".")[1]
                if names not in self.env["res.users"]._fields:
                    continue
                self.assertKept("for system administrators alone", field_path=path)

    def test_what_administrators_alone_may_read_is_not_sent(self):
        field = self.env["res.partner"]._fields["ref"]
        for groups in ("base.group_system", ".", " base.group_system , ."):
            with self.subTest(groups), patch.object(field, "groups", groups):
                self.assertKept("for system administrators alone", field_path="ref")
        for groups in ("base.group_user", "base.group_system,base.group_user", None):
            with self.subTest(groups), patch.object(field, "groups", groups):
                self.assertTaken(field_path="ref")

    def test_what_is_called_a_password_or_a_key_is_not_sent(self):
        self.assertKept("called like a password", field_path="user_ids.password")
        self.assertKept("called like a password", field_path="user_ids.new_password")
        field = self.env["res.partner"]._fields["ref"]
        for name in (
            "x_api_key",
            "x_Access_Token",
            "shop_secret",
            "privateKey_private_key",
        ):
            with self.subTest(name), patch.object(field, "name", name):
                self.assertEqual(len([*self.called(field)]), 1)
        for name in ("key", "x_keyword", "x_secretary", "tokenized", "api_version"):
            with self.subTest(name), patch.object(field, "name", name):
                self.assertFalse([*self.called(field)])

    def called(self, field):
        found = secrecy.refusal(self.env, "path", [field])
        return [found] if found else []

    def test_what_repeats_a_secret_is_one(self):
        field = self.env["res.partner"]._fields["ref"]
        with patch.object(field, "related", "user_ids.password"):
            self.assertKept("called like a password", field_path="ref")

    def test_a_yes_or_no_about_a_secret_is_none(self):
        field = self.env["res.partner"]._fields["is_company"]
        with patch.object(field, "name", "has_password"):
            self.assertFalse([*self.called(field)])

    def test_a_constant_has_a_value(self):
        for argument in (False, "", "  "):
            with self.subTest(argument):
                self.assertKept(
                    "more is a constant without a value",
                    conversion="constant",
                    conversion_argument=argument,
                )
        for argument in ("null", "0", "false", "EUR"):
            with self.subTest(argument):
                self.assertTaken(conversion="constant", conversion_argument=argument)

    def test_a_draft_without_an_endpoint_says_so(self):
        self.draft.endpoint = False
        self.assertIn("Draft needs an endpoint", self.shown(self.draft))
        with self.assertRaisesRegex(ValidationError, "needs an endpoint"):
            with self.env.cr.savepoint():
                self.draft._go_live(False)

    def test_all_that_is_missing_is_told_at_once(self):
        self.draft.endpoint = False
        self.add(self.draft, field_path="sync_state")
        self.assertEqual(self.shown(self.draft).count("<li>"), 2)
        with self.assertRaises(ValidationError) as caught:
            self.draft._go_live(False)
        self.assertEqual(str(caught.exception).count("•"), 2)

    def test_a_line_alone_is_not_made_wrong_either(self):
        line = self.live.mapping_ids[0]
        for values in (
            {"field_path": "sync_state"},
            {"conversion": "constant", "field_path": False},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                with self.env.cr.savepoint():
                    line.write(values)
                    self.before_commit()

    def test_what_is_not_about_it_may_be_changed(self):
        """Something that was live before is not locked."""
        self.env.cr.execute(
            "UPDATE sync_mapping SET field_path = 'sync_state' WHERE id = %s",
            (self.live.mapping_ids[0].id,),
        )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        self.assertIn("sync_state", self.shown(self.live))
        self.live.write({"priority": 2, "name": "Renamed"})
        self.before_commit()
        with self.assertRaisesRegex(ValidationError, "sync_state"):
            with self.env.cr.savepoint():
                self.live.endpoint = "others"
        self.live.action_back_to_draft()
        self.live.mapping_ids[0].field_path = "name"
        self.before_commit()
        self.live._go_live(False)

    def test_a_preview_of_a_draft_shows_no_secret(self):
        self.add(self.draft, field_path="user_ids.password")
        preview = self.env["sync.preview"].create({"stream_id": self.draft.id})
        preview._look(self.env["res.partner"].create({"name": "Ada"}))
        self.assertIn("called like a password", preview.request_problem)
        self.assertFalse(preview.request or preview.comparison_lines)


@tagged("post_install", "-at_install")
class TestReadyColumns(ReadyCase, PostgresqlCase):
    """Against the columns of a real table."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["sync.stream"].search([]).action_back_to_draft()
        (cls.draft | cls.live).write({"table": "contacts", "endpoint": False})
        write_backend(cls.backend, cls.system_values(cls))
        cls.draft.mapping_ids = [
            fields.Command.clear(),
            fields.Command.create({"field_path": "name", "target": "name"}),
        ]

    def refused(self, message):
        with self.assertRaisesRegex(ValidationError, message):
            with self.env.cr.savepoint():
                self.draft._go_live(False)

    def test_they_are_read_when_it_goes_live(self):
        self.assertFalse(self.draft.columns)
        self.draft._go_live(False)
        self.assertEqual(len(self.draft.columns), 9)

    def test_a_required_column_is_mapped(self):
        self.draft.mapping_ids[0].write({"field_path": "email", "target": "email"})
        action = self.draft.action_go_live()
        self.assertIn("requires a value for: name", self.shown(self.draft))
        self.assertFalse(action["context"]["default_columns_unread"])
        self.refused("requires a value for: name")

    def test_a_required_column_stays_mapped(self):
        self.draft._go_live(False)
        line = self.draft.mapping_ids
        for change in (
            lambda: self.draft.write({"mapping_ids": [fields.Command.clear()]}),
            line.unlink,
            lambda: line.write({"target": "email"}),
        ):
            with self.assertRaisesRegex(ValidationError, "requires a value for: name"):
                with self.env.cr.savepoint():
                    change()
                    self.before_commit()
        # what another line fills in the same go
        self.draft.mapping_ids = [
            fields.Command.delete(line.id),
            fields.Command.create({"field_path": "display_name", "target": "name"}),
        ]
        self.before_commit()

    def test_columns_that_are_not_there(self):
        self.draft.mapping_ids = [
            fields.Command.create({"field_path": "phone", "target": "telephone"})
        ]
        self.refused("has no column: telephone.*")
        self.draft.mapping_ids[-1].unlink()
        self.draft.write({"delete_policy": "mark", "mark_key": "gone"})
        self.refused("has no column: gone")

    def test_a_column_that_was_added_since(self):
        self.draft._go_live(False)
        self.query("ALTER TABLE contacts ADD COLUMN telephone text")
        self.addCleanup(self.query, "ALTER TABLE contacts DROP COLUMN telephone")
        with self.assertRaisesRegex(ValidationError, "press Read Columns first"):
            with self.env.cr.savepoint():
                self.add(self.draft, field_path="phone", target="telephone")
        self.draft.action_read_columns()
        self.add(self.draft, field_path="phone", target="telephone")

    def test_a_change_asks_nobody(self):
        self.draft._go_live(False)
        backends = self.env.registry["sync.backend"]
        with patch.object(backends, "_open_transport", side_effect=AssertionError):
            self.draft.mapping_ids[0].default_value = "nobody"
            self.draft.write({"delete_policy": "ignore"})
            self.before_commit()

    def test_a_table_that_is_not_there(self):
        self.draft.table = "nowhere"
        self.refused("no table “nowhere”")

    def test_a_database_that_cannot_be_reached(self):
        self.draft.action_read_columns()
        self.backend.db_port = 9
        # of another database
        self.assertFalse(self.draft.columns)
        action = self.draft.action_go_live()
        unread = action["context"]["default_columns_unread"]
        self.assertIn("could not be read", unread)
        self.draft._go_live(False)
        self.assertEqual(self.draft.state, "live")
        self.assertIn("could not be read", self.draft.message_ids[0].body)

    def test_what_is_known_counts_where_it_cannot_be_reached(self):
        self.draft.mapping_ids[0].write({"field_path": "email", "target": "email"})
        self.draft.action_read_columns()
        self.draft.columns_date = "2026-01-01 12:00:00"
        write_backend(self.backend, {"db_password": "another"})
        self.assertIn("What is known", self.draft._renew_columns())
        self.refused("requires a value for: name")

    def test_columns_of_another_system_say_nothing(self):
        self.draft._go_live(False)
        other = self.backend.copy({"name": "Other"})
        self.draft.write({"backend_id": other.id, "delete_policy": "ignore"})
        self.assertFalse(self.draft.columns)

    def test_what_a_trigger_may_fill_in_is_not_required(self):
        self.query(
            "CREATE TABLE filled (odoo_id integer PRIMARY KEY, name text NOT NULL);"
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.name = 'x'; RETURN NEW; END $$;"
            "CREATE TRIGGER fill BEFORE INSERT ON filled"
            " FOR EACH ROW EXECUTE FUNCTION fill();"
            "GRANT ALL ON filled TO PUBLIC"
        )
        self.addCleanup(self.query, "DROP TABLE filled; DROP FUNCTION fill")
        self.draft.write({"table": "filled", "mapping_ids": [fields.Command.clear()]})
        self.draft._go_live(False)

    def test_what_a_model_fills_in_itself_is_not_required(self):
        self.draft.mapping_ids = [fields.Command.clear()]
        self.refused("requires a value for: name")
        model = self.env.registry["res.partner"]
        with patch.object(model, "_sync_payload", lambda *_args: {"name": "Ada"}):
            self.draft._go_live(False)
