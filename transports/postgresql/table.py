# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a destination's table is like, and how a record's row is found in it."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

from psycopg2 import errorcodes as codes
from psycopg2 import sql

from ... import wording
from ...exceptions import Misconfigured

# By the search path, as a statement that writes finds the table. A type without its
# length, as a cast to varchar(10) would cut what an assignment refuses; minus one, as
# "no typmod" would turn bpchar into a single character. Arrays of text, as it is asked
# on each connection: JSON takes PostgreSQL four times as long. PostgreSQL manual,
# "System Catalogs": attidentity, and attgenerated that comes with a default; a trigger
# whose type has the bit 2 is a BEFORE one.
TABLE = sql.SQL(
    """
    SELECT c.oid::bigint, c.relkind::text,
           CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
           ARRAY(
               SELECT r.ev_type::text FROM pg_catalog.pg_rewrite r
                WHERE r.ev_class = c.oid),
           row_security_active(c.oid),
           EXISTS (
               SELECT FROM pg_catalog.pg_trigger t
                WHERE NOT t.tgisinternal AND t.tgtype & 2 = 2
                  AND (t.tgrelid = c.oid OR t.tgrelid IN (
                      SELECT h.inhrelid FROM pg_catalog.pg_inherits h
                       WHERE h.inhparent = c.oid))),
           ARRAY(
               SELECT ARRAY[a.attnum::text, a.attname, a.attidentity::text,
                            format_type(coalesce(nullif(t.typbasetype, 0), t.oid), -1),
                            format_type(a.atttypid, a.atttypmod),
                            (a.attnotnull AND NOT a.atthasdef
                             AND a.attidentity = '')::text]
                 FROM pg_catalog.pg_attribute a
                 JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                ORDER BY a.attnum),
           ARRAY(
               SELECT ARRAY[i.indexrelid::regclass::text, i.indkey::text,
                            i.indnkeyatts::text, pg_get_expr(i.indpred, c.oid),
                            CASE WHEN i.indpred IS NOT NULL THEN (
                                SELECT string_agg(d.refobjsubid::text, ' ')
                                  FROM pg_catalog.pg_depend d
                                 WHERE d.classid = 'pg_catalog.pg_class'::regclass
                                   AND d.objid = i.indexrelid AND d.refobjid = c.oid)
                            END,
                            i.indimmediate::text, i.indisvalid::text]
                 FROM pg_catalog.pg_index i
                WHERE i.indrelid = c.oid AND i.indisunique)
      FROM pg_catalog.pg_class c WHERE c.oid = to_regclass(%s)
    """
)
# Those of the search path go by their name alone. PostgreSQL manual, "System Catalogs":
# tables, views, foreign and partitioned tables.
TABLES = sql.SQL(
    """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname
                ELSE n.nspname || '.' || c.relname END
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'v', 'f', 'p')
       AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
       AND has_schema_privilege(n.oid, 'USAGE')
       AND has_table_privilege(c.oid, 'INSERT')
     ORDER BY 1 LIMIT 500
    """
)
# What a login lacks of the rights that it needs, on the table or on columns of it.
RIGHTS = sql.SQL(
    """
    SELECT need, string_agg(name, ', ')
      FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS needed (need, name, place)
     WHERE NOT CASE WHEN name IS NULL THEN has_table_privilege(%s::oid, need)
                    ELSE has_column_privilege(%s::oid, name, need) END
     GROUP BY need ORDER BY min(place)
    """
)
# ON CONFLICT has found no constraint.
NO_UNIQUE_KEY = codes.INVALID_COLUMN_REFERENCE
NUMBERS_ITSELF = codes.GENERATED_ALWAYS
NOT_WRITABLE = {codes.OBJECT_NOT_IN_PREREQUISITE_STATE, codes.WRONG_OBJECT_TYPE}
ADVISED = {NO_UNIQUE_KEY, NUMBERS_ITSELF, *NOT_WRITABLE}
# As in pg_rewrite.ev_type.
_RULES = {"UPDATE": "2", "INSERT": "3", "DELETE": "4"}
# The first half of the key of our locks at a destination; the second one is the table.
LOCKS = 0x716A73


@dataclass(frozen=True)
class ColumnType:
    """The type of a column.

    :param type: as it is written in a cast; of a domain, what it stands for
    :param declared: as it is written in the table
    :param numbers_itself: an identity column that takes no value of anybody else
    :param required: there is no default for it
    """

    type: str
    declared: str
    numbers_itself: bool
    required: bool

    @cached_property
    def holds_json(self) -> bool:
        return self.type.removesuffix("[]") in ("json", "jsonb")

    @cached_property
    def holds_bytes(self) -> bool:
        return self.type.removesuffix("[]") == "bytea"


@dataclass(frozen=True)
class UniqueIndex:
    """A unique index or constraint, or a primary key.

    :param columns: in its order; ``None`` stands for an expression
    :param predicate: SQL, of a partial one
    :param touches: the columns that a partial one looks at, its own among them
    """

    name: str
    columns: tuple[str | None, ...]
    predicate: str | None
    touches: frozenset[str]
    deferrable: bool
    valid: bool


@dataclass(frozen=True)
class Table:
    """A table, view or the like, as far as it is known.

    :param kind: ``pg_class.relkind``; empty when there is none, or none to be seen:
        the statement that writes is refused with the reason then
    :param divided_by: how a partitioned table is divided
    :param rules: for which kinds of statement there are rules that make another one of
        them: 2 for UPDATE, 3 for INSERT, 4 for DELETE
    :param hides_rows: row-level security may keep rows from this login's sight
    :param fills_in: triggers may change a row before it is written
    """

    oid: int = 0
    kind: str = ""
    divided_by: str | None = None
    rules: tuple[str, ...] = ()
    hides_rows: bool = False
    fills_in: bool = False
    columns: dict[str, ColumnType] = field(default_factory=dict)
    indexes: tuple[UniqueIndex, ...] = ()

    @classmethod
    def from_row(cls, *facts) -> "Table":
        """:return: the table that a row of the query ``TABLE`` tells of"""
        *facts, columns, indexes = facts
        names = {number: name for number, name, *_more in columns}
        types = {
            name: ColumnType(type_, declared, identity == "a", required == "true")
            for _number, name, identity, type_, declared, required in columns
        }
        indexes = tuple(_unique_index(names, *index) for index in indexes)
        return cls(*facts, types, indexes)

    @property
    def has_indexes(self) -> bool:
        """Whether a kind of table can have indexes of its own to be found here."""
        return self.kind not in ("v", "m", "f")

    def rewrites(self, *operations: str) -> bool:
        """:return: whether what is written may become another statement"""
        return not {_RULES[each] for each in operations}.isdisjoint(self.rules)

    @property
    def shows_all(self) -> bool:
        """Whether a row that is not seen is not there.

        A view leaves out what it likes, and a foreign table is somebody else's.
        """
        return self.kind in ("r", "p") and not self.hides_rows

    @property
    def passes_on(self) -> bool:
        """Whether something else decides what becomes of a row that is taken."""
        return self.kind not in ("r", "p") or self.hides_rows or bool(self.rules)

    def requires(self, column: str) -> bool:
        """:return: whether a row fails unless it is sent a value for a column"""
        known = self.columns.get(column)
        return bool(known and known.required) and not self.fills_in

    def lacks(self, column: str | None, sent: Collection[str]) -> bool:
        """:return: whether each new row fails since nobody gives a column its value

        :param column: the one that must not be empty
        :param sent: the columns that are written
        """
        known = column in self.columns and self.kind in ("r", "p")
        return known and column not in sent and not self.fills_in


def _unique_index(names, name, numbers, count, predicate, touches, immediate, valid):
    keys = numbers.split()[: int(count)]  # those behind them are only included
    return UniqueIndex(
        name,
        tuple(names.get(number) for number in keys),
        predicate,
        frozenset(names[number] for number in (touches or "").split() if number != "0"),
        immediate == "false",
        valid == "true",
    )


def best_index(
    table: Table, key: str, constants: Collection[str]
) -> UniqueIndex | None:
    """:return: what keeps a second row of a record out; ``None`` where nothing does

    :param constants: columns that have one value in all rows of ours
    """

    def rank(index):
        others = set(index.columns) - {key, *constants}
        partial = bool(index.predicate)
        return bool(others), partial, index.deferrable, len(index.columns)

    candidates = [
        index
        for index in table.indexes
        if index.valid and key in index.columns and None not in index.columns
    ]
    return min(candidates, key=rank, default=None)


def advice(table: Table, target: str, key: str, sqlstate: str) -> Misconfigured | None:
    """Say what must be changed at the destination, so that rows can be written.

    :param target: the name of the table, as it is configured
    :param sqlstate: of the refusal
    :return: the refusal in these words; ``None`` where PostgreSQL's own say it
    """
    column = table.columns.get(key)
    invalid = (index for index in table.indexes if not index.valid)
    broken = next((each.name for each in invalid if key in each.columns), "")
    if sqlstate == NO_UNIQUE_KEY and broken:
        sentence = wording._lt(
            "The unique index “%(index)s” of the table “%(table)s” is not valid, as "
            "its making has failed: repair it with REINDEX; without it PostgreSQL "
            "cannot tell whether the record is there already."
        )
    elif sqlstate == NO_UNIQUE_KEY and table.kind == "p":
        sentence = wording._lt(
            "Add a primary key or a unique constraint to the partitioned table "
            "“%(table)s”, on the column “%(column)s” together with the columns that "
            "divide it, %(division)s: without it PostgreSQL cannot tell whether the "
            "record is there already."
        )
    elif sqlstate == NO_UNIQUE_KEY:
        sentence = wording._lt(
            "Add a primary key or a unique constraint on the column “%(column)s” of "
            "the table “%(table)s”: without it PostgreSQL cannot tell whether the "
            "record is there already."
        )
    elif sqlstate in NOT_WRITABLE and table.kind == "v":
        sentence = wording._lt(
            "The view “%(table)s” does not take this change. Give it INSTEAD OF "
            "triggers for INSERT, UPDATE and DELETE, or name the table behind it."
        )
    elif sqlstate in NOT_WRITABLE and table.kind == "m":
        sentence = wording._lt(
            "“%(table)s” is a materialized view, which takes no rows: name a table."
        )
    elif sqlstate == NUMBERS_ITSELF and column and column.numbers_itself:
        sentence = wording._lt(
            "The column “%(column)s” of the table “%(table)s” numbers its rows by "
            "itself (GENERATED ALWAYS), so it cannot hold Odoo's id. Add a column for "
            "it, as odoo_id integer UNIQUE, and name that one as the key."
        )
    else:
        return None
    return Misconfigured(
        sentence,
        "address" if sqlstate in NOT_WRITABLE else "key",
        table=target,
        column=key,
        index=broken,
        division=table.divided_by or "",
    )
