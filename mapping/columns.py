# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""The columns of a table against the mapping that fills them."""

from .conversions import Constant

JSON_TYPES = ("json", "jsonb")


def special_columns(lines):
    """Return what a ``Route`` tells of some columns.

    :return: dict; ``binary``: where files go, as base64; ``constants``: names and
        values that are the same in all contents
    """
    binary = (
        line.target
        for line in lines
        if line.field_type == "binary"
        and line.conversion == "none"
        and line.several == "list"
    )
    constants = (
        (line.target, conversion.value())
        for line in lines
        if isinstance(conversion := line._conversion(), Constant)
    )
    return {
        "binary": tuple(binary),
        # a route is compared and kept: what can change is left out
        "constants": tuple(
            (target, value)
            for target, value in constants
            if isinstance(value, str | int | float)
        ),
    }


def fillers_of(stream):
    """Return what fills which column: the mapping's lines, and what is not mapped.

    :return: dict of words for people, by column
    """
    found = {stream.key_column: stream.env._("Odoo's id")}
    if stream.delete_policy == "mark" and stream.mark_key:
        found[stream.mark_key] = stream.env._("the mark")
    for line in stream.mapping_ids.filtered("target"):
        found[line.target] = line._conversion().source()
    return found


def column_problems(stream, columns):
    """Return what is wrong with the mapping, given the columns of the table.

    :param columns: as a transport tells them, each as a dict, by name
    """
    filled = fillers_of(stream)
    missing = [
        name
        for name, column in columns.items()
        if column["required"] and name not in filled
    ]
    if missing:
        yield stream.env._(
            "The table requires a value for: %s. Map them, or no new row is taken.",
            ", ".join(missing),
        )
    unknown = [name for name in filled if name not in columns]
    if unknown:
        yield stream.env._(
            "The table %(table)s has no column: %(columns)s.",
            table=stream.table,
            columns=", ".join(unknown),
        )
    for line in stream.mapping_ids.filtered("target"):
        column = columns.get(line.target)
        if column and _sends_list(line) and not column["type"].endswith("[]"):
            yield (
                stream.env._(
                    "%s is a JSON column: choose JSON text for its list.",
                    line.target,
                )
                if column["type"] in JSON_TYPES
                else stream.env._(
                    "%s does not take a list: choose how its values are joined.",
                    line.target,
                )
            )


def _sends_list(line):
    """Return whether the value of a line is a list."""
    return line.is_list and line.several == "list" and line._conversion().sends_lists
