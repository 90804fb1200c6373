# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL
from odoo.tools.sql import column_exists

from odoo.addons.queue_job_sync.engine.secrets import parse_reference
from odoo.addons.queue_job_sync.transports.redact import Redactor, maskable

SECRETS = ("auth_secret", "db_password", "signing_secret", "signing_secret_previous")
TOKEN = "queue_job_sync.metrics_token"


def migrate(cr, version):
    """Take the secrets out of what fields hold, and what may have been copied of it."""
    if column_exists(cr, "sync_backend", SECRETS[0]):
        _move_secrets(cr)
    _move_token(cr)
    _forget_tracked(cr)
    _forget_favorites(cr)
    _mask_messages(cr)


def _move_secrets(cr):
    for name in SECRETS:
        column = SQL.identifier(name)
        cr.execute(
            SQL(
                "INSERT INTO sync_secret_value (backend_id, name, value)"
                " SELECT id, %s, %s FROM sync_backend WHERE btrim(%s) != ''"
                " ON CONFLICT DO NOTHING",
                name,
                column,
                column,
            )
        )
        # what a dropped column holds stays in the table's file
        cr.execute(
            SQL("UPDATE sync_backend SET %s = NULL WHERE %s != ''", column, column)
        )
        cr.execute(SQL("ALTER TABLE sync_backend DROP COLUMN %s", column))


def _move_token(cr):
    cr.execute(
        SQL(
            "INSERT INTO sync_secret_value (name, value)"
            " SELECT 'metrics_token', value FROM ir_config_parameter"
            " WHERE key = %s AND btrim(value) != '' ON CONFLICT DO NOTHING",
            TOKEN,
        )
    )
    cr.execute(SQL("DELETE FROM ir_config_parameter WHERE key = %s", TOKEN))


def _forget_tracked(cr):
    """Drop what an addon that tracks every field has noted."""
    cr.execute(
        SQL(
            """
            DELETE FROM mail_tracking_value WHERE field_id IN (
                SELECT id FROM ir_model_fields
                 WHERE model = 'sync.backend' AND name IN %s)
            """,
            SECRETS,
        )
    )


def _forget_favorites(cr):
    """Drop the favorites that filter or group by a secret: they lead nowhere now."""
    cr.execute(
        SQL(
            """
            DELETE FROM ir_filters
             WHERE model_id = 'sync.backend'
               AND concat_ws(' ', domain, context, sort) ~ %s
            """,
            rf"\m({'|'.join(SECRETS)})\M",
        )
    )


def _mask_messages(cr):
    """Mask the secrets that somebody has written into a system's chatter."""
    cr.execute("SELECT value FROM sync_secret_value")
    redact = Redactor(
        value
        for (value,) in cr.fetchall()
        if maskable(value) and not parse_reference(value)
    )
    cr.execute(
        "SELECT id, body FROM mail_message WHERE model = 'sync.backend' AND body != ''"
    )
    for message_id, body in cr.fetchall():
        masked = redact(body)
        if masked != body:
            cr.execute(
                SQL(
                    "UPDATE mail_message SET body = %s WHERE id = %s",
                    masked,
                    message_id,
                )
            )
