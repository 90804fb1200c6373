# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A server that keeps secrets beside the database."""

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tools import SQL, config


def set_variable(case, name, value):
    """Have an environment variable until the test ends; ``None`` takes it away."""
    case.enterContext(patch.dict(os.environ, {name: value or ""}))
    if value is None:
        del os.environ[name]


def set_config_file(case, text):
    """Have Odoo's configuration file say this until the test ends.

    :return: its path
    """
    folder = case.enterContext(tempfile.TemporaryDirectory())
    path = Path(folder) / "odoo.conf"
    path.write_text(text, encoding="utf-8")
    # what Odoo read when it started stays as it is
    case.enterContext(patch.dict(config.options.maps[0], {"config": str(path)}))
    assert config["config"] == str(path)
    return path


def tables_with(cr, text):
    """Look for a text in every column of every table.

    :return: ``{table: the first column that has it}``
    """
    cr.execute(
        """
        SELECT table_name FROM information_schema.tables
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
        """
    )
    found = {}
    for (table,) in cr.fetchall():
        cr.execute(
            SQL(
                """
                SELECT each.key FROM %s AS t, jsonb_each_text(to_jsonb(t)) AS each
                 WHERE strpos(each.value, %s) > 0 LIMIT 1
                """,
                SQL.identifier(table),
                text,
            )
        )
        for (column,) in cr.fetchall():
            found[table] = column
    return found
