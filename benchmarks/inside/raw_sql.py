# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Run in Odoo's shell: the least that filling a table from contacts can take.

``SETTINGS`` (``dsn``, ``ids``) is put before this text. The last line printed is how
many seconds it took.
"""

# ruff: noqa: F821 - Odoo's shell gives env
import time
from contextlib import closing

import psycopg2
from psycopg2.extras import execute_values

FIELDS = ("id", "name", "email", "phone", "street", "city", "zip")
COLUMNS = ("odoo_id", *FIELDS[1:], "country")

start = time.perf_counter()
rows = []
for partner in env["res.partner"].browse(SETTINGS["ids"]):
    values = [partner[name] or None for name in FIELDS]
    rows.append((*values, partner.country_id.code or None))
with closing(psycopg2.connect(SETTINGS["dsn"])) as connection, connection:
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[1:])
    execute_values(
        connection.cursor(),
        f"INSERT INTO contacts ({', '.join(COLUMNS)}) VALUES %s"
        f" ON CONFLICT (odoo_id) DO UPDATE SET {updates}",
        rows,
        page_size=len(rows),
    )
print(time.perf_counter() - start)
