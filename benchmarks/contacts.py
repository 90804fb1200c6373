# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The contacts that are measured with, and what is sent of them."""

import itertools

# Field in Odoo: key in a request and column of the table.
MAPPING = {
    "name": "name",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "city": "city",
    "zip": "zip",
    "country_id.code": "country",
}
COUNTRIES = ("FR", "BE", "DE", "PT")
# Mail addresses say whose a contact is: those every database has, and new ones.
OLD = "old-%s@bench.example.com"
NEW = "new-%s@bench.example.com"

_numbers = itertools.count(1)


def values(country_ids):
    """Return the values of a new contact, another one each time.

    :param country_ids: ids to choose from
    """
    number = next(_numbers)
    return {
        "name": f"Contact {number}",
        "email": NEW % number,
        "phone": f"+33 1 {number:08d}",
        "street": f"{number} Long Road",
        "city": f"Town {number % 500}",
        "zip": f"{number % 100_000:05d}",
        "country_id": country_ids[number % len(country_ids)],
    }


def text(prefix):
    """Return a text that no contact has had."""
    return f"{prefix} {next(_numbers)}"


# In SQL, so that every database has the same in a second. The stored fields that Odoo
# computes are what it would compute.
FILL = """
INSERT INTO res_partner (name, complete_name, email, email_normalized, phone, street,
                         city, zip, country_id, active, type, is_company, partner_share,
                         lang, color, create_uid, write_uid, create_date, write_date)
SELECT 'Old Contact ' || n, 'Old Contact ' || n, format(%(email)s, n),
       format(%(email)s, n), '+33 2 ' || lpad(n::text, 8, '0'), n || ' Old Road',
       'Old Town ' || n %% 500, lpad((n %% 100000)::text, 5, '0'),
       country.ids[1 + n %% array_length(country.ids, 1)], true, 'contact', false, true,
       'en_US', 0, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
  FROM generate_series(1, %(count)s) AS n,
       (SELECT array_agg(id ORDER BY id) AS ids FROM res_country
         WHERE code = ANY(%(countries)s)) AS country;
UPDATE res_partner SET commercial_partner_id = id WHERE commercial_partner_id IS NULL;
ANALYZE res_partner
"""


def fill(cursor, count):
    """Insert the contacts that a database has from the start.

    :param cursor: of the database, with a transaction of its own
    """
    cursor.execute(FILL, {"email": OLD, "count": count, "countries": list(COUNTRIES)})
