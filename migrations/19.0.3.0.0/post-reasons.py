# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

# How the REST transport has begun what it says of an answer. The request is for those
# who see the log, where it has a column of its own.
ANSWERED = r"^(The credentials are refused: )?[A-Z]+ https?://\S+ answered "
PLACES = (
    ("sync_delivery", "error"),
    ("sync_binding", "last_error"),
    ("queue_job", "exc_message"),
)


def migrate(cr, version):
    """Take requests out of reasons, which say from now on what they are made of.

    Whoever may read a record reads why it has not been sent. And a note of a backfill
    is a longer text now: what was tracked of it moves along.
    """
    for table, column in PLACES:
        cr.execute(
            f"""
            UPDATE {table} SET {column} = regexp_replace({column}, %(answered)s, '\\1')
             WHERE {column} ~ %(answered)s
            """,
            {"answered": ANSWERED},
        )
    cr.execute(
        """
        UPDATE mail_tracking_value AS value
           SET old_value_text = old_value_char, new_value_text = new_value_char,
               old_value_char = NULL, new_value_char = NULL
          FROM ir_model_fields AS field
         WHERE field.id = value.field_id
           AND field.model = 'sync.backfill' AND field.name = 'note'
        """
    )
