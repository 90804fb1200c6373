# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Tables, views and roles as people have them."""

import base64
import threading
from unittest.mock import patch

import psycopg2

from odoo.tests import tagged

from ..exceptions import Misconfigured, Rejected, Temporary
from ..mapping.comparison import same
from ..transports.postgresql import PostgresqlTransport
from ..transports.postgresql.connection import Connection
from ..transports.postgresql.transport import RUNS
from .postgresql_case import PostgresqlCase
from .postgresql_database import PostgresqlDatabase, connect
from .transport_case import message


class TablesCase(PostgresqlCase):
    def make(self, text):
        """Make tables in a schema of their own, and give them away."""
        self.query("DROP SCHEMA IF EXISTS own CASCADE")
        self.query(
            "CREATE SCHEMA own; SET search_path = own;"
            + text
            + "; RESET search_path;"
            + "GRANT ALL ON SCHEMA own TO PUBLIC;"
            "GRANT ALL ON ALL TABLES IN SCHEMA own TO PUBLIC;"
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA own TO PUBLIC"
        )

    def put(self, target="own.t", key=7, **payload):
        receipt = self.send(message(key=key, target=target, payload=payload))
        self.assertTrue(receipt.ok, receipt.error)
        return receipt

    def rows(self, columns="odoo_id, name", table="own.t"):
        return self.query(f"SELECT {columns} FROM {table} ORDER BY {columns}")

    def at_once(self, *sends):
        """Run functions at the same time, each in a thread, and return the results."""
        results, ready = [None] * len(sends), threading.Barrier(len(sends))

        def run(number, send):
            ready.wait(10)
            results[number] = send()

        threads = [threading.Thread(target=run, args=each) for each in enumerate(sends)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return results

    def together(self, count=6, **options):
        """Let transports write the same new rows at once."""

        def sender(number):
            payload = {"name": f"n{number}", **options.get("payload", {})}
            messages = [
                message(key=key, target="own.t", payload=payload) for key in range(5)
            ]

            def send():
                config = self.config(statement_timeout=10)
                with PostgresqlTransport(config) as transport:
                    return transport.send(messages)

            return send

        for receipts in self.at_once(*map(sender, range(count))):
            for receipt in receipts:
                self.assertTrue(receipt.ok, receipt.error)
        [(rows, keys)] = self.query(
            "SELECT count(*), count(DISTINCT odoo_id) FROM own.t"
        )
        self.assertEqual((rows, keys), (5, 5))


@tagged("-at_install", "post_install")
class TestPostgresqlKeys(TablesCase):
    def test_numbers_of_a_sequence_are_not_used_up_by_edits(self):
        self.make(
            "CREATE TABLE t (id serial PRIMARY KEY, no integer GENERATED ALWAYS AS "
            "IDENTITY, odoo_id integer UNIQUE NOT NULL, name text)"
        )
        for name in "abc":
            receipt = self.put(name=name)
        self.assertEqual(receipt.response, "UPDATE 1")
        self.put(key=8, name="d")
        self.assertEqual(
            self.rows("id, no, odoo_id, name"), [(1, 1, 7, "c"), (2, 2, 8, "d")]
        )

    def test_some_are_there_and_some_are_missing(self):
        self.make("CREATE TABLE t (odoo_id integer PRIMARY KEY, name text)")
        self.put(key=1, name="old")
        receipts = self.send(
            *[
                message(key=key, target="own.t", payload={"name": "new"})
                for key in range(4)
            ]
        )
        self.assertEqual({each.response for each in receipts}, {"UPDATE 1, INSERT 0 3"})
        self.assertEqual(self.rows(), [(key, "new") for key in range(4)])

    def test_required_column_that_is_not_mapped_does_not_hinder_an_edit(self):
        self.make(
            "CREATE TABLE t (odoo_id integer PRIMARY KEY, name text, "
            "own text NOT NULL);"
            "INSERT INTO t VALUES (7, 'a', 'theirs')"
        )
        self.put(name="b")
        self.assertEqual(self.rows("odoo_id, name, own"), [(7, "b", "theirs")])

    def test_key_together_with_another_column(self):
        self.make(
            "CREATE TABLE t (odoo_id integer, lang text, name text, "
            "PRIMARY KEY (odoo_id, lang))"
        )
        self.put(name="a", lang="fr")
        self.put(name="b", lang="fr")
        self.assertEqual(self.rows("odoo_id, lang, name"), [(7, "fr", "b")])
        self.put(name="c", lang="en")
        self.assertEqual(self.rows("odoo_id, lang, name"), [(7, "en", "c")])
        self.assertTrue(self.send(message("delete", target="own.t", payload={})).ok)
        self.assertEqual(self.rows(), [])

    def test_table_that_several_share_by_a_constant(self):
        self.make(
            "CREATE TABLE t (tenant text, odoo_id integer, name text, deleted boolean, "
            "PRIMARY KEY (tenant, odoo_id));"
            "INSERT INTO t VALUES ('theirs', 7, 'x'), ('theirs', 8, 'y')"
        )
        options = {"target": "own.t", "constants": (("tenant", "ours"),)}
        theirs = [("theirs", 7, "x", None), ("theirs", 8, "y", None)]
        columns = "tenant, odoo_id, name, deleted"
        for name in "ab":
            payload = {"name": name, "tenant": "ours"}
            receipt = self.send(message(payload=payload, **options))
            self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(self.rows(columns), [("ours", 7, name, None), *theirs])
        with PostgresqlTransport(self.config()) as transport:
            held = transport.held(message(payload=payload, **options))
            absent = transport.held(message(key=8, payload=payload, **options))
        self.assertEqual((held, absent), ({"name": "b", "tenant": "ours"}, None))
        receipt = self.send(message("mark", payload={"deleted": True}, **options))
        self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.rows(columns), [("ours", 7, "b", True), *theirs])
        receipts = self.send(
            *[message("delete", key=key, payload={}, **options) for key in (7, 8)]
        )
        self.assertTrue(all(each.ok for each in receipts), receipts)
        self.assertEqual(self.rows(columns), theirs)

    def test_constant_beside_a_key_that_is_unique_says_nothing(self):
        self.make("CREATE TABLE t (odoo_id integer PRIMARY KEY, source text)")
        for source in ("old", "new"):
            options = {"target": "own.t", "constants": (("source", source),)}
            receipt = self.send(message(payload={"source": source}, **options))
            self.assertTrue(receipt.ok, receipt.error)
        self.assertEqual(self.rows("odoo_id, source"), [(7, "new")])

    def test_partial_index_on_the_key(self):
        self.make(
            "CREATE TABLE t (odoo_id integer, name text);"
            "CREATE UNIQUE INDEX ON t (odoo_id) WHERE odoo_id IS NOT NULL;"
            "INSERT INTO t VALUES (NULL, 'theirs'), (NULL, 'theirs')"
        )
        for name in "ab":
            self.put(name=name)
        self.assertEqual(self.rows(), [(7, "b"), (None, "theirs"), (None, "theirs")])
        self.query("TRUNCATE own.t")
        self.together()

    def test_rows_that_a_partial_index_leaves_out_are_history(self):
        self.make(
            """
            CREATE TABLE t (odoo_id integer, name text, "left" date);
            CREATE UNIQUE INDEX ON t (odoo_id) WHERE "left" IS NULL;
            INSERT INTO t VALUES (7, 'first', '2020-01-01'), (7, 'then', '2021-01-01')
            """
        )
        history = [(7, "first"), (7, "then")]
        for name in "ab":
            self.put(name=name)
            self.assertEqual(self.rows(), sorted([(7, name), *history]))
        held = message(payload={"name": ""}, target="own.t")
        with PostgresqlTransport(self.config()) as transport:
            self.assertEqual(transport.held(held), {"name": "b"})
        self.assertTrue(self.send(message("delete", target="own.t", payload={})).ok)
        self.assertEqual(self.rows(), history)

    def test_partial_index_on_what_we_write(self):
        """A row that leaves the index is the record's all the same."""
        self.make(
            "CREATE TABLE t (odoo_id integer, name text, state text, deleted boolean);"
            "CREATE UNIQUE INDEX ON t (odoo_id) WHERE state = 'live'"
        )
        for state in ("live", "off", "off", "live"):
            self.put(name="a", state=state)
            self.assertEqual(self.rows("odoo_id, state"), [(7, state)])
        self.put(name="a", state="off")
        marked = message("mark", target="own.t", payload={"deleted": True})
        self.assertTrue(self.send(marked).ok)
        self.assertEqual(self.rows("odoo_id, deleted"), [(7, True)])

    def test_deferrable_constraint(self):
        for when in ("IMMEDIATE", "DEFERRED"):
            with self.subTest(when):
                self.make(
                    "CREATE TABLE t (odoo_id integer, name text, email text UNIQUE, "
                    f"UNIQUE (odoo_id) DEFERRABLE INITIALLY {when})"
                )
                for name in "ab":
                    self.put(name=name, email="e")
                self.assertEqual(self.rows(), [(7, "b")])
                receipt = self.send(
                    message(key=8, target="own.t", payload={"name": "c", "email": "e"})
                )
                self.assertFails(receipt, Rejected, "(email)=(e)")
                self.query("TRUNCATE own.t")
                self.together()

    def test_partitioned_table(self):
        self.make(
            """
            CREATE TABLE t (odoo_id integer, name text, made date,
                            PRIMARY KEY (odoo_id, made)) PARTITION BY RANGE (made);
            CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2025-01-01') TO
                ('2026-01-01');
            CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO
                ('2027-01-01');
            """
        )
        self.put(name="a", made="2025-03-01")
        self.put(name="b", made="2026-03-01")
        self.assertEqual(self.rows(), [(7, "b")])
        self.assertEqual(self.rows(table="own.t2"), [(7, "b")])
        receipt = self.send(
            message(target="own.t", payload={"name": "c", "made": "2030-01-01"})
        )
        self.assertFails(receipt, Rejected, "partition")
        self.query("TRUNCATE own.t")
        self.together(payload={"made": "2026-01-01"})

    def test_nobody_inserts_a_second_row_at_the_same_time(self):
        self.make("CREATE TABLE t (odoo_id integer PRIMARY KEY, name text)")
        self.together()

    def test_row_of_somebody_who_has_not_committed_yet(self):
        """The insert waits for it, and changes it then."""
        for constraint in ("PRIMARY KEY", "UNIQUE DEFERRABLE"):
            self.make(f"CREATE TABLE t (odoo_id integer {constraint}, name text)")
            other = connect(self.dbname)
            other.autocommit = False
            with other.cursor() as cursor:
                cursor.execute("INSERT INTO own.t VALUES (7, 'other')")
            threading.Timer(0.3, other.commit).start()
            self.put(name="ours")
            self.assertEqual(self.rows(), [(7, "ours")])
            other.close()

    def test_names_of_our_own_are_free(self):
        for name in ("sent", "there", "updated", "inserted", "other", "given"):
            self.make(
                f'CREATE TABLE "{name}" (odoo_id integer, name text, gone boolean);'
                f'CREATE UNIQUE INDEX ON "{name}" (odoo_id) WHERE gone IS NULL'
            )
            self.query(f"ALTER ROLE {self.user} SET search_path = own")
            with self.subTest(name):
                for value in "ab":
                    self.put(name, name=value)
                self.assertEqual(self.rows(table=f'own."{name}"'), [(7, "b")])
                marked = message("mark", target=name, payload={"gone": True})
                self.assertTrue(self.send(marked).ok)
            self.query(f"ALTER ROLE {self.user} RESET search_path")


@tagged("-at_install", "post_install")
class TestPostgresqlViews(TablesCase):
    def test_view_that_is_updatable(self):
        self.make(
            """
            CREATE TABLE t (id serial, odoo_id integer PRIMARY KEY, name text);
            CREATE VIEW v AS SELECT odoo_id, name FROM t;
            """
        )
        for name in "abc":
            self.put("own.v", name=name)
        self.assertEqual(self.rows("id, odoo_id, name"), [(1, 7, "c")])
        self.assertTrue(self.send(message("delete", target="own.v", payload={})).ok)
        self.assertEqual(self.rows(), [])

    def test_view_with_triggers(self):
        for returned in ("NEW", "NULL"):
            with self.subTest(returned):
                self.make(
                    f"""
                    CREATE TABLE t (odoo_id integer, name text);
                    CREATE VIEW v AS SELECT odoo_id, upper(name) AS name FROM t;
                    CREATE FUNCTION put() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                        IF TG_OP = 'INSERT' THEN
                            INSERT INTO own.t VALUES (NEW.odoo_id, NEW.name);
                        ELSIF TG_OP = 'UPDATE' THEN
                            UPDATE own.t SET name = NEW.name
                             WHERE odoo_id = NEW.odoo_id;
                        ELSE
                            DELETE FROM own.t WHERE odoo_id = OLD.odoo_id;
                        END IF;
                        RETURN {returned};
                    END $$;
                    CREATE TRIGGER put INSTEAD OF INSERT OR UPDATE OR DELETE ON v
                        FOR EACH ROW EXECUTE FUNCTION put();
                    """
                )
                for name in "abc":
                    self.put("own.v", name=name)
                self.assertEqual(self.rows(), [(7, "c")])
                marked = message("mark", target="own.v", payload={"name": "gone"})
                self.assertTrue(self.send(marked).ok)
                self.assertEqual(self.rows(), [(7, "gone")])
                gone = message("delete", target="own.v", payload={})
                self.assertTrue(self.send(gone).ok)
                self.assertEqual(self.rows(), [])
                self.at_once(*[lambda: self.put("own.v", name="x")] * 5)
                self.assertEqual(self.rows(), [(7, "x")])

    def test_advice_fits_what_it_is_about(self):
        self.make(
            """
            CREATE TABLE t (odoo_id integer, name text);
            CREATE TABLE p (odoo_id integer, name text, made date)
                PARTITION BY RANGE (made);
            CREATE VIEW v AS SELECT DISTINCT odoo_id, name FROM t;
            CREATE MATERIALIZED VIEW m AS SELECT odoo_id, name FROM t;
            CREATE TABLE a (odoo_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                            name text);
            CREATE TABLE e (odoo_id text, name text);
            CREATE UNIQUE INDEX ON e (lower(odoo_id));
            CREATE TABLE b (odoo_id integer, name text);
            INSERT INTO b VALUES (1, 'a'), (1, 'b');
            """
        )
        other = connect(self.dbname)
        self.addCleanup(other.close)
        with self.assertRaises(psycopg2.Error):
            other.cursor().execute(
                "CREATE UNIQUE INDEX CONCURRENTLY broken ON own.b (odoo_id)"
            )
        add = "Add a primary key or a unique constraint on the column “odoo_id”"
        for target, *words in (
            ("own.t", add),
            ("own.e", add),
            ("own.p", "partitioned table “own.p”", "RANGE (made)"),
            ("own.v", "The view “own.v”", "INSTEAD OF", "the table behind it"),
            ("own.m", "“own.m” is a materialized view", "name a table"),
            ("own.a", "“odoo_id”", "GENERATED ALWAYS", "Add a column"),
            ("own.b", "broken”", "not valid", "REINDEX"),
        ):
            with self.subTest(target):
                for receipt in self.send(
                    *[
                        message(key=key, target=target, payload={"name": "x"})
                        for key in (7, 8)
                    ]
                ):
                    self.assertFails(receipt, Misconfigured, *words)


@tagged("-at_install", "post_install")
class TestPostgresqlTypes(TablesCase):
    def test_lists_have_the_type_of_their_column(self):
        self.make(
            """
            CREATE TYPE mood AS ENUM ('sad', 'it''s {ok}');
            CREATE TABLE t (odoo_id integer PRIMARY KEY, days date[], times
                timestamptz[], ids uuid[], prices numeric[], flags boolean[],
                moods mood[], names varchar(3)[], docs jsonb[], doc jsonb, one mood)
            """
        )
        some = {
            "days": ["2026-06-01", None, "0099-01-31"],
            "times": ["2026-06-01T12:34:56Z"],
            "ids": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
            "prices": [1.5, 2, None],
            "flags": [True, None],
            "moods": ["it's {ok}", "sad"],
            "names": ["a,b", '"'],
            "docs": [{"a": 1}, [2], "x", None],
            "doc": ["a", 1, None],
            "one": "sad",
        }
        none = {name: [] for name in some} | {"one": None}
        empty = {name: [None] for name in some} | {"one": "sad"}
        null = dict.fromkeys(some)
        payloads = [some, none, empty, null]
        messages = [
            message(key=key, target="own.t", payload=payload)
            for key, payload in enumerate(payloads)
        ]
        for _time in range(2):
            with patch.object(
                Connection, "execute", autospec=True, side_effect=Connection.execute
            ) as execute:
                receipts = self.send(*messages)
            for receipt in receipts:
                self.assertTrue(receipt.ok, receipt.error)
            self.assertEqual(execute.call_count, 1)
        with PostgresqlTransport(self.config()) as transport:
            held = [transport.held(each) for each in messages]
        for payload, found in zip(payloads, held, strict=True):
            for name, value in payload.items():
                self.assertTrue(same(value, found[name]), (name, value, found[name]))

    def test_values_are_still_assigned_and_not_cut(self):
        self.make(
            "CREATE DOMAIN short AS varchar(3);"
            "CREATE TABLE t (odoo_id integer PRIMARY KEY, v varchar(3), c char(3), "
            "b bit(3), d short, n numeric(5,2), i integer)"
        )
        self.put(v="abc", c="ab", b="101", d="abc", n=1.005, i=1.5)
        self.assertEqual(self.rows("v, c, i"), [("abc", "ab ", 2)])
        for column, value in zip("vcbd", ("abcd", "abcd", "1010", "abcd"), strict=True):
            with self.subTest(column):
                receipt = self.send(message(target="own.t", payload={column: value}))
                self.assertFails(receipt, Rejected)
        self.assertEqual(self.rows("v, c, b, d"), [("abc", "ab ", "101", "abc")])

    def test_kinds_that_differ_are_one_statement(self):
        values = ["a", 5, 1.5, True, None, "é%s {0}"]
        self.make("CREATE TABLE t (odoo_id integer PRIMARY KEY, name text)")
        receipts = self.send(
            *[
                message(key=key, target="own.t", payload={"name": value})
                for key, value in enumerate(values)
            ]
        )
        self.assertEqual({each.response for each in receipts}, {"INSERT 0 6"})
        self.assertEqual(
            [name for _key, name in self.rows()],
            ["a", "5", "1.5", "true", None, "é%s {0}"],
        )

    def test_file_goes_to_a_column_of_bytes_as_bytes(self):
        self.make(
            "CREATE TABLE t (odoo_id integer PRIMARY KEY, file bytea, files bytea[], "
            "text text, note bytea)"
        )
        content = bytes(range(256))
        text = base64.b64encode(content).decode()
        sent = message(
            target="own.t",
            payload={
                "file": text,
                "files": [text, None, ""],
                "text": text,
                "note": "YQ==",
            },
            binary=("file", "files", "text"),
        )
        for _time in range(2):
            receipt = self.send(sent)
            self.assertTrue(receipt.ok, receipt.error)
        [(file, files, kept, note)] = self.query(
            "SELECT file, files, text, note FROM own.t"
        )
        self.assertEqual(bytes(file), content)
        self.assertEqual([each and bytes(each) for each in files], [content, None, b""])
        self.assertEqual((kept, bytes(note)), (text, b"YQ=="))
        self.query(f"ALTER ROLE {self.user} SET bytea_output = escape")
        with PostgresqlTransport(self.config()) as transport:
            held = transport.held(sent)
        self.query(f"ALTER ROLE {self.user} RESET bytea_output")
        self.assertEqual((held["file"], held["files"]), (text, [text, None, ""]))
        self.assertEqual(held["text"], text)
        broken = message(target="own.t", payload={"file": "é"}, binary=("file",))
        self.assertFails(self.send(broken), Rejected, "“file”", "base64")


@tagged("-at_install", "post_install")
class TestPostgresqlRoles(TablesCase):
    def with_isolation(self, level):
        self.query(
            f"ALTER ROLE {self.user} SET default_transaction_isolation = '{level}'"
        )
        self.addCleanup(
            self.query, f"ALTER ROLE {self.user} RESET default_transaction_isolation"
        )

    def test_role_with_another_isolation(self):
        self.make("CREATE TABLE t (odoo_id integer PRIMARY KEY, name text)")
        for level in ("serializable", "repeatable read"):
            with self.subTest(level):
                self.query("TRUNCATE own.t")
                self.with_isolation(level)
                self.together()
                self.together()

    def test_conflict_passes_at_once(self):
        self.make(
            """
            CREATE SEQUENCE s;
            CREATE TABLE t (odoo_id integer PRIMARY KEY, name text);
            CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('own.s') <= NEW.name::integer THEN
                    RAISE 'as told' USING ERRCODE = '40001';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER conflict BEFORE INSERT ON t
                FOR EACH ROW EXECUTE FUNCTION conflict();
            """
        )
        receipt = self.put(name=RUNS - 1)
        self.assertEqual(receipt.status, "00000")
        self.query("ALTER SEQUENCE own.s RESTART; TRUNCATE own.t")
        receipt = self.send(message(target="own.t", payload={"name": RUNS}))
        self.assertFails(receipt, Temporary, "as told")
        self.assertEqual(receipt.status, "40001")
        [(runs,)] = self.query("SELECT last_value FROM own.s")
        self.assertEqual(runs, RUNS)


@tagged("-at_install", "post_install")
class TestPostgresqlEncoding(PostgresqlCase):
    """A database that keeps its texts in LATIN1."""

    @classmethod
    def setUpClass(cls):
        with patch.object(PostgresqlDatabase, "encoding", "LATIN1"):
            super().setUpClass()

    def test_record_with_a_character_that_it_lacks(self):
        names = ["Zoë", "Łódź", "Ada", "\U0001f600"]
        receipts = self.send(
            *[
                message(key=key, payload={"age": 1, "name": name})
                for key, name in enumerate(names)
            ]
        )
        self.assertEqual([each.ok for each in receipts], [True, False, True, False])
        self.assertFails(receipts[1], Rejected, "“name”", "“Ł”", "LATIN1")
        self.assertFails(receipts[3], Rejected, "“name”", "“\U0001f600”", "LATIN1")
        self.assertEqual(
            self.query("SELECT odoo_id, name FROM contacts ORDER BY 1"),
            [(0, "Zoë"), (2, "Ada")],
        )
        receipt = self.send(message(payload={"name": "x", "address": {"a": "Ł"}}))
        self.assertFails(receipt, Rejected, "“address”", "“Ł”", "LATIN1")
        receipt = self.send(message(payload={"name": "x", "tags": ["ok", "Ł"]}))
        self.assertFails(receipt, Rejected, "“tags”", "“Ł”", "LATIN1")
        with PostgresqlTransport(self.config()) as transport:
            self.assertEqual(
                transport.held(message(key=0, payload={"name": ""})), {"name": "Zoë"}
            )
