# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""The columns of a table against the mapping that fills them."""

from .conversions import Constant


def special_columns(lines):
    """Return what a ``Route`` tells of some columns.

    :return: dict; ``binary``: where files go, as base64; ``constants``: names and
        values that are the same in all contents; ``left_out``: what some lack
    """
    binary, constants, left_out = [], [], []
    for line in lines:
        conversion = line._conversion()
        is_file = line.field_type == "binary" and line.several == "list"
        if is_file and line.conversion == "none":
            binary.append(line.target)
        elif isinstance(conversion, Constant):
            value = conversion.value()
            # a route is compared and kept: what can change is left out
            if isinstance(value, str | int | float):
                constants.append((line.target, value))
        if conversion.leaves_out():
            left_out.append(line.target)
    return {
        "binary": tuple(binary),
        "constants": tuple(constants),
        "left_out": tuple(left_out),
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
    required = [name for name, column in columns.items() if column["required"]]
    missing = [name for name in required if name not in filled]
    # a model that makes its content itself may fill others
    if missing and stream._sends_mapping_alone():
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
        column, conversion = columns.get(line.target), line._conversion()
        is_list = line.is_list and line.several == "list" and conversion.sends_lists
        if not column or not is_list or column["type"].endswith("[]"):
            continue
        yield (
            stream.env._(
                "%s is a JSON column: choose JSON text for its list.", line.target
            )
            if column["type"] in ("json", "jsonb")
            else stream.env._(
                "%s does not take a list: choose how its values are joined.",
                line.target,
            )
        )
