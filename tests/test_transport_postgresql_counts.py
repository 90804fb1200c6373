# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is written is counted: a statement that succeeds may have written nothing."""

from unittest.mock import patch

from odoo.tests import tagged

from ..exceptions import Misconfigured, Rejected, Temporary, Unreachable
from ..transports.base import DONE, REFUSED, UNKNOWN
from ..transports.postgresql import PostgresqlTransport
from ..transports.postgresql import transport as postgresql_transport
from ..transports.postgresql.connection import Connection
from .test_transport_postgresql_tables import TablesCase
from .transport_case import message

KEPT_BACK = "took 0 of 1 rows"
TABLE = "CREATE TABLE t (odoo_id integer PRIMARY KEY, name text, gone boolean);"
# Row level security of the table, with policies to come.
SECURED = TABLE + "ALTER TABLE t ENABLE ROW LEVEL SECURITY;"


def trigger(body, when="BEFORE INSERT OR UPDATE OR DELETE", table="t"):
    """:return: SQL that gives a table a trigger for each row"""
    return (
        "CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"{body} END $$;"
        f"CREATE TRIGGER act {when} ON {table} FOR EACH ROW EXECUTE FUNCTION act();"
    )


class CountsCase(TablesCase):
    def setUp(self):
        super().setUp()
        self.statements = []
        execute = Connection.execute

        def counting(connection, query, parameters=None):
            self.statements.append(query.as_string(connection.open()))
            return execute(connection, query, parameters)

        self.enterContext(patch.object(Connection, "execute", counting))

    def upserts(self, *names, target="own.t", **options):
        return self.sent(
            *[
                message(key=key, target=target, payload={"name": name}, **options)
                for key, name in enumerate(names)
            ]
        )

    def deletes(self, *keys, target="own.t"):
        return self.sent(
            *[message("delete", key=key, target=target, payload={}) for key in keys]
        )

    def marks(self, *keys, target="own.t"):
        payload = {"gone": True}
        return self.sent(
            *[message("mark", key=key, target=target, payload=payload) for key in keys]
        )

    def sent(self, *messages):
        """:return: a list of receipts, also for one message"""
        self.statements.clear()
        receipts = self.send(*messages)
        return receipts if len(messages) > 1 else [receipts]

    def assertRefused(self, receipt, *words):
        self.assertFails(receipt, Rejected, *words)
        self.assertEqual(receipt.fate, REFUSED)
        self.assertEqual(receipt.status, "00000")

    def assertDone(self, *receipts, warning=""):
        for receipt in receipts:
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(receipt.fate, DONE)
            if warning:
                self.assertIn(warning, receipt.warning)
            else:
                self.assertIsNone(receipt.warning)


@tagged("-at_install", "post_install")
class TestPostgresqlCounts(CountsCase):
    def test_usual_way_is_one_statement(self):
        self.make(TABLE)
        for _time in range(2):
            self.assertDone(*self.upserts("a", "b", "c"))
            self.assertEqual(len(self.statements), 1)
        self.assertDone(*self.marks(0, 1))
        self.assertEqual(len(self.statements), 1)
        receipts = self.deletes(0, 1, 2)
        self.assertDone(*receipts)
        self.assertEqual(receipts[0].response, "DELETE 3")
        self.assertEqual(len(self.statements), 1)

    def test_trigger_that_keeps_some_back(self):
        self.make(
            TABLE
            + trigger(
                "IF NEW.name LIKE 'bad%' THEN RETURN NULL; END IF; RETURN NEW;",
                "BEFORE INSERT OR UPDATE",
            )
        )
        receipts = self.upserts("a", "bad", "c", "d", "bad too")
        for number, receipt in enumerate(receipts):
            if number in (1, 4):
                self.assertRefused(receipt, "“own.t”", KEPT_BACK, "trigger", "policy")
                self.assertEqual(receipt.response, "INSERT 0 0")
            else:
                self.assertDone(receipt)
        self.assertEqual(self.rows(), [(0, "a"), (2, "c"), (3, "d")])
        receipts = self.upserts("bad", "new")
        self.assertRefused(receipts[0], KEPT_BACK)
        self.assertDone(receipts[1])
        self.assertEqual(self.rows()[:2], [(0, "a"), (1, "new")])

    def test_one_is_found_among_a_thousand(self):
        self.make(
            TABLE
            + trigger(
                "IF NEW.name = 'bad' THEN RETURN NULL; END IF; RETURN NEW;",
                "BEFORE INSERT OR UPDATE",
            )
        )
        names = [f"n{number}" for number in range(1000)]
        names[456] = "bad"
        receipts = self.upserts(*names)
        self.assertDone(*receipts[:456], *receipts[457:])
        self.assertRefused(receipts[456], KEPT_BACK)
        # the statement, a look, and both once more for what is not there
        self.assertEqual(len(self.statements), 4)

    def test_trigger_that_keeps_back_and_another_one_that_changes_content(self):
        """What differs from what was sent is sent again, alone, and then counted."""
        self.make(
            TABLE
            + trigger(
                "IF NEW.name = 'BAD' THEN RETURN NULL; END IF; "
                "NEW.name = lower(NEW.name); RETURN NEW;",
                "BEFORE INSERT OR UPDATE",
            )
        )
        receipts = self.upserts("A", "BAD", "C", "d")
        self.assertRefused(receipts[1], KEPT_BACK)
        self.assertDone(receipts[0], *receipts[2:])
        self.assertEqual(self.rows(), [(0, "a"), (2, "c"), (3, "d")])

    def test_trigger_that_writes_elsewhere_and_does_not_say_so(self):
        """As tables were divided before PostgreSQL 10."""
        self.make(
            "CREATE TABLE t (odoo_id integer, name varchar(9), price numeric(5,2), "
            "doc json);"
            "CREATE UNIQUE INDEX ON t (odoo_id);"
            "CREATE TABLE t1 (PRIMARY KEY (odoo_id)) INHERITS (t);"
            + trigger("INSERT INTO own.t1 SELECT NEW.*; RETURN NULL;", "BEFORE INSERT")
        )
        content = {"name": "a", "price": 1.005, "doc": {"b": 1, "a": [None]}}
        for _time in range(2):
            receipts = self.sent(
                *[message(key=key, target="own.t", payload=content) for key in range(3)]
            )
            self.assertDone(*receipts)
        self.assertEqual(self.query("SELECT count(*) FROM own.t1"), [(3,)])

    def test_trigger_that_keeps_a_row_from_being_deleted(self):
        self.make(
            TABLE
            + trigger(
                "IF OLD.name = 'kept' THEN RETURN NULL; END IF; RETURN OLD;",
                "BEFORE DELETE",
            )
        )
        self.upserts("a", "kept", "c", "kept")
        receipts = self.deletes(0, 1, 2, 3, 99)
        for number, receipt in enumerate(receipts):
            if number in (1, 3):
                self.assertRefused(receipt, "still in “own.t”")
                self.assertEqual(receipt.response, "DELETE 0")
            else:
                self.assertDone(receipt)
        self.assertEqual(self.rows(), [(1, "kept"), (3, "kept")])

    def test_trigger_that_marks_instead_of_deleting(self):
        self.make(
            TABLE
            + trigger(
                "UPDATE own.t SET gone = true WHERE odoo_id = OLD.odoo_id; "
                "RETURN NULL;",
                "BEFORE DELETE",
            )
        )
        self.upserts("a")
        self.assertRefused(*self.deletes(0), "still in “own.t”")

    def test_mark_that_meets_no_row(self):
        self.make(TABLE)
        self.upserts("a", "b")
        receipts = self.marks(0, 5, 1)
        self.assertDone(receipts[0], receipts[2])
        self.assertRefused(receipts[1], "“own.t”", "no row to mark")
        self.assertEqual(self.rows("odoo_id, gone"), [(0, True), (1, True)])

    def test_rows_of_others_with_the_same_key_are_not_looked_at(self):
        self.make(
            "CREATE TABLE t (tenant text, odoo_id integer, name text, gone boolean, "
            "PRIMARY KEY (tenant, odoo_id));"
            "INSERT INTO t VALUES ('theirs', 0, 'a', true), ('ours', 1, 'b', NULL)"
        )
        options = {"target": "own.t", "constants": (("tenant", "ours"),)}
        receipts = self.sent(
            *[
                message("mark", key=key, payload={"gone": True}, **options)
                for key in (0, 1)
            ]
        )
        self.assertRefused(receipts[0], "no row to mark")
        self.assertDone(receipts[1])
        receipts = self.sent(
            *[message("delete", key=key, payload={}, **options) for key in (0, 1)]
        )
        self.assertDone(*receipts)
        self.assertEqual(self.rows("tenant, name"), [("theirs", "a")])

    def test_rows_that_are_history_are_not_looked_at(self):
        self.make(
            "CREATE TABLE t (odoo_id integer, name text, until date, gone boolean);"
            "CREATE UNIQUE INDEX ON t (odoo_id) WHERE until IS NULL;"
            "INSERT INTO t VALUES (0, 'a', '2020-01-01'), (0, 'b', NULL);"
            + trigger("RETURN NULL;")
        )
        self.assertRefused(*self.upserts("a"), KEPT_BACK)
        self.assertDone(*self.upserts("b"))
        self.assertRefused(*self.deletes(0), "still in “own.t”")

    def test_mark_that_is_kept_back(self):
        self.make(TABLE)
        self.upserts("a", "b")
        self.query("SET search_path = own; " + trigger("RETURN NULL;", "BEFORE UPDATE"))
        self.query("RESET search_path; UPDATE own.t SET gone = true WHERE odoo_id = 1")
        for receipt in self.marks(0, 1):
            self.assertRefused(receipt, KEPT_BACK)

    def test_several_rows_of_a_record_stand_for_no_other(self):
        self.make(
            "CREATE TABLE t (odoo_id integer, lang text, name text, gone boolean, "
            "PRIMARY KEY (odoo_id, lang));"
            "INSERT INTO t VALUES (0, 'en'), (0, 'fr'), (1, 'en')"
        )
        self.query(
            "SET search_path = own;"
            + trigger("RETURN CASE OLD.odoo_id WHEN 0 THEN NEW END;", "BEFORE UPDATE")
            + "RESET search_path"
        )
        receipts = self.marks(0, 1)
        self.assertDone(receipts[0])
        self.assertRefused(receipts[1], KEPT_BACK)

    def test_rules(self):
        for rule, operation, words in (
            ("ON DELETE TO t DO INSTEAD NOTHING", "delete", "still in “own.t”"),
            ("ON UPDATE TO t DO INSTEAD NOTHING", "mark", KEPT_BACK),
        ):
            with self.subTest(rule):
                self.make(f"{TABLE} INSERT INTO t VALUES (0, 'a'), (1, 'b');")
                self.query(f"CREATE RULE r AS {rule.replace(' t ', ' own.t ')}")
                act = self.deletes if operation == "delete" else self.marks
                for receipt in act(0, 1):
                    self.assertRefused(receipt, words)
        self.make(f"{TABLE} CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING")
        for receipt in self.upserts("a", "b"):
            self.assertRefused(receipt, KEPT_BACK)
        # PostgreSQL does not take our statement then, and says so
        self.make(f"{TABLE} CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING")
        for receipt in self.upserts("a", "b"):
            self.assertFails(receipt, Misconfigured, "DO INSTEAD NOTHING")
            self.assertEqual(receipt.error.setting, "address")

    def test_rule_that_deletes_elsewhere(self):
        self.make(
            f"{TABLE} CREATE TABLE log (odoo_id integer);"
            "CREATE RULE r AS ON DELETE TO t DO ALSO INSERT INTO log VALUES "
            "(OLD.odoo_id)"
        )
        for _time in range(2):
            self.assertDone(*self.upserts("a", "b"))
            self.assertEqual(len(self.statements), 1)
        self.assertDone(*self.deletes(0, 1, 2))
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.rows("odoo_id", "own.log"), [(0,), (1,)])

    def test_error_after_a_doubt_does_not_settle_it(self):
        """The first statement may have written what a trigger has changed."""
        self.make(
            "CREATE SEQUENCE s;"
            + TABLE
            + trigger(
                "IF NEW.name = 'BAD' THEN RETURN NULL; END IF; "
                "IF nextval('own.s') > 1 THEN RAISE 'as told' USING ERRCODE = '55P03'; "
                "END IF; NEW.name = lower(NEW.name); RETURN NEW;",
                "BEFORE INSERT OR UPDATE",
            )
        )
        written, bad = self.upserts("A", "BAD")
        self.assertFails(written, Temporary, "as told")
        self.assertEqual((written.status, written.fate), ("55P03", UNKNOWN))
        self.assertRefused(bad, KEPT_BACK)
        self.assertEqual(self.rows(), [(0, "a")])

    def test_who_may_write_and_not_look(self):
        """The count alone decides then."""
        self.make(
            f"{TABLE} INSERT INTO t VALUES (0), (1);"
            + trigger("RETURN CASE OLD.odoo_id WHEN 0 THEN NEW END;", "BEFORE UPDATE")
        )
        self.query(
            "REVOKE ALL ON own.t FROM PUBLIC; GRANT INSERT, UPDATE, SELECT (odoo_id) "
            "ON own.t TO PUBLIC"
        )
        receipts = self.marks(0, 1)
        self.assertDone(receipts[0])
        self.assertRefused(receipts[1], KEPT_BACK)

    def test_connection_that_is_lost_before_the_look(self):
        self.make(TABLE + trigger("RETURN NULL;", "BEFORE INSERT"))
        ask = PostgresqlTransport._ask

        def after_the_end(transport, *arguments):
            self.disconnect()
            return ask(transport, *arguments)

        with patch.object(PostgresqlTransport, "_ask", after_the_end):
            for receipt in self.upserts("a", "b"):
                self.assertFails(receipt, Unreachable)
                self.assertEqual(receipt.fate, UNKNOWN)


@tagged("-at_install", "post_install")
class TestPostgresqlCountsOfViews(CountsCase):
    def make_view(self, insert, update, delete, shown="name"):
        self.make(
            TABLE
            + f"CREATE VIEW v AS SELECT odoo_id, {shown} AS name, gone FROM t;"
            + trigger(
                f"IF TG_OP = 'INSERT' THEN {insert} "
                f"ELSIF TG_OP = 'UPDATE' THEN {update} ELSE {delete} END IF;",
                "INSTEAD OF INSERT OR UPDATE OR DELETE",
                "v",
            )
        )

    def test_triggers_that_do_nothing(self):
        self.make_view(*["RETURN NULL;"] * 3)
        for receipt in self.upserts("a", "b", target="own.v"):
            self.assertRefused(receipt, KEPT_BACK)
        self.query("INSERT INTO own.t VALUES (0, 'old'), (1, 'old')")
        for receipt in self.upserts("a", "b", target="own.v"):
            self.assertRefused(receipt, KEPT_BACK)
        for receipt in self.marks(0, 1, target="own.v"):
            self.assertRefused(receipt, KEPT_BACK)
        for receipt in self.deletes(0, 1, target="own.v"):
            self.assertRefused(receipt, "still in “own.v”")

    def test_triggers_that_write_and_do_not_say_so(self):
        for shown, warning in (("name", ""), ("upper(name)", "other content")):
            with self.subTest(shown):
                self.make_view(
                    "INSERT INTO own.t VALUES (NEW.odoo_id, NEW.name); RETURN NULL;",
                    "UPDATE own.t SET name = NEW.name, gone = NEW.gone "
                    "WHERE odoo_id = NEW.odoo_id; RETURN NULL;",
                    "DELETE FROM own.t WHERE odoo_id = OLD.odoo_id; RETURN NULL;",
                    shown,
                )
                for name in "ab":
                    receipts = self.upserts(name, name, target="own.v")
                    self.assertDone(*receipts, warning=warning)
                    self.assertEqual(self.rows(), [(0, name), (1, name)])
                self.assertDone(*self.marks(0, 1, target="own.v"))
                receipts = self.deletes(0, 1, target="own.v")
                self.assertDone(*receipts, warning="deleted 0 of 2 rows, and shows")
                self.assertEqual(self.rows(), [])

    def test_connection_that_is_lost_while_it_is_found_out(self):
        self.make_view(
            "INSERT INTO own.t VALUES (NEW.odoo_id, lower(NEW.name)); RETURN NULL;",
            *["RETURN NULL;"] * 2,
        )
        writes = PostgresqlTransport._writes

        def after_the_end(transport, *arguments):
            self.disconnect()
            return writes(transport, *arguments)

        with patch.object(PostgresqlTransport, "_writes", after_the_end):
            (receipt,) = self.upserts("A", target="own.v")
        self.assertFails(receipt, Unreachable)
        self.assertEqual(receipt.fate, UNKNOWN)

    def test_triggers_that_say_what_they_do(self):
        self.make_view(
            "INSERT INTO own.t VALUES (NEW.odoo_id, lower(NEW.name)); RETURN NEW;",
            "UPDATE own.t SET name = NEW.name WHERE odoo_id = NEW.odoo_id; RETURN NEW;",
            "DELETE FROM own.t WHERE odoo_id = OLD.odoo_id; RETURN OLD;",
        )
        for _time in range(2):
            self.assertDone(*self.upserts("A", "B", target="own.v"))
            self.assertEqual(len(self.statements), 1)
        receipts = self.upserts("A", "B", "C", target="own.v")
        self.assertEqual(receipts[0].response, "UPDATE 2, INSERT 0 1")
        self.assertDone(*self.deletes(0, 1, target="own.v"))
        self.assertEqual(len(self.statements), 1)
        self.assertDone(*self.deletes(0, target="own.v"), warning="shows none of them")

    def test_view_that_is_written_by_rules(self):
        self.make(
            TABLE
            + "CREATE VIEW v AS SELECT odoo_id, name, gone FROM t;"
            + "CREATE RULE i AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES "
            "(NEW.odoo_id, NEW.name);"
            "CREATE RULE u AS ON UPDATE TO v DO INSTEAD UPDATE t SET name = NEW.name "
            "WHERE odoo_id = OLD.odoo_id;"
            "CREATE RULE d AS ON DELETE TO v DO INSTEAD DELETE FROM t WHERE odoo_id = "
            "OLD.odoo_id;"
        )
        for name in "ab":
            self.assertDone(*self.upserts(name, name, target="own.v"))
            self.assertEqual(self.rows(), [(0, name), (1, name)])
        self.assertDone(*self.deletes(0, 1, target="own.v"))
        self.assertEqual(self.rows(), [])

    def test_view_that_does_nothing_by_a_rule(self):
        self.make(
            f"{TABLE} CREATE VIEW v AS SELECT DISTINCT odoo_id, name, gone FROM t;"
            "INSERT INTO t VALUES (0, 'a'), (1, 'b');"
            "CREATE RULE d AS ON DELETE TO v DO INSTEAD NOTHING"
        )
        for receipt in self.deletes(0, 1, target="own.v"):
            self.assertRefused(receipt, "still in “own.v”")


@tagged("-at_install", "post_install")
class TestPostgresqlPolicies(CountsCase):
    def test_row_that_violates_a_policy_is_set_apart(self):
        self.make(SECURED + "CREATE POLICY p ON t USING (name <> 'bad')")
        names = [f"n{number}" for number in range(20)]
        names[7] = "bad"
        receipts = self.upserts(*names)
        self.assertFails(receipts.pop(7), Rejected, "row-level security")
        self.assertDone(*receipts)
        self.assertEqual(len(self.rows()), 19)

    def test_row_that_a_policy_keeps_from_being_changed(self):
        self.make(
            SECURED
            + "INSERT INTO t VALUES (0, 'theirs'), (1, 'ours');"
            + "CREATE POLICY s ON t FOR SELECT USING (true);"
            "CREATE POLICY i ON t FOR INSERT WITH CHECK (true);"
            "CREATE POLICY u ON t FOR UPDATE USING (name = 'ours') WITH CHECK (true);"
            "CREATE POLICY d ON t FOR DELETE USING (name = 'ours')"
        )
        receipts = self.marks(0, 1)
        self.assertRefused(receipts[0], KEPT_BACK)
        self.assertDone(receipts[1])
        receipts = self.upserts("ours", "ours")
        self.assertFails(receipts[0], Rejected, "row-level security")
        self.assertDone(receipts[1])
        receipts = self.deletes(0, 1)
        self.assertRefused(receipts[0], "still in “own.t”")
        self.assertDone(receipts[1])
        self.assertEqual(self.rows(), [(0, "theirs")])

    def test_row_that_a_policy_hides(self):
        self.make(
            SECURED
            + "INSERT INTO t VALUES (0, 'theirs'), (1, 'ours'), (2, 'ours');"
            + "CREATE POLICY p ON t USING (name = 'ours')"
        )
        receipts = self.marks(0, 1)
        self.assertRefused(receipts[0], "no row to mark", "a policy hides it")
        self.assertDone(receipts[1])
        receipts = self.deletes(0, 1, 2)
        self.assertRefused(receipts[0], "“own.t”", "may hide it")
        self.assertDone(*receipts[1:])
        self.assertEqual(self.rows(), [(0, "theirs")])
        # nor can it be told from one that is gone
        self.assertRefused(*self.deletes(1), "may hide it")

    def test_who_is_above_the_policies_is_believed(self):
        self.make(SECURED)
        self.query(f"ALTER ROLE {self.user} BYPASSRLS")
        self.addCleanup(self.query, f"ALTER ROLE {self.user} NOBYPASSRLS")
        self.assertDone(*self.upserts("a", "b"), *self.deletes(0, 1, 2))

    def test_right_that_is_lacking_is_no_policy(self):
        self.make(SECURED + "CREATE POLICY p ON t USING (true)")
        self.query("REVOKE UPDATE ON own.t FROM PUBLIC")
        for receipt in self.upserts("a", "b"):
            self.assertFails(receipt, Misconfigured, "permission denied")
            self.assertEqual((receipt.status, receipt.fate), ("42501", REFUSED))

    def test_right_that_a_trigger_lacks_for_one_row(self):
        self.make(
            TABLE
            + "CREATE TABLE closed (id integer);"
            + trigger(
                "IF NEW.name = 'bad' THEN PERFORM FROM own.closed; END IF; RETURN NEW;",
                "BEFORE INSERT",
            )
        )
        self.query("REVOKE ALL ON own.closed FROM PUBLIC")
        receipts = self.upserts("a", "bad", "c")
        self.assertFails(receipts[1], Rejected, "permission denied")
        self.assertDone(receipts[0], receipts[2])

    def test_function_that_raises_the_same_code(self):
        """In the words of whoever wrote it."""
        self.make(
            TABLE
            + trigger(
                "IF NEW.name = 'bad' THEN RAISE 'permission denied for table t' "
                "USING ERRCODE = '42501'; END IF; RETURN NEW;",
                "BEFORE INSERT",
            )
        )
        receipts = self.upserts("a", "bad", "c")
        self.assertEqual([each.ok for each in receipts], [True, False, True])
        self.assertFails(receipts[1], Rejected, "permission denied")


@tagged("-at_install", "post_install")
class TestPostgresqlCountsOfStatements(CountsCase):
    def test_each_statement_is_counted(self):
        self.make(
            TABLE
            + trigger(
                "IF NEW.name = 'bad' THEN RETURN NULL; END IF; RETURN NEW;",
                "BEFORE INSERT",
            )
        )
        names = ["a", "bad", "c", "d", "bad", "f"]
        with patch.object(postgresql_transport, "MAX_ROWS", 2):
            receipts = self.upserts(*names)
        self.assertEqual(
            [each.ok for each in receipts], [name != "bad" for name in names]
        )
