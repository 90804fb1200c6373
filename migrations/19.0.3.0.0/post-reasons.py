# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

# What the REST transport has said of an answer: whether it refuses the credentials, the
# request, the status, and what the system has said.
ANSWERED = (
    r"^(The credentials are refused: )?([A-Z]+ https?://\S+) answered (\d[^:]*)"
    r"(?:: (.+))?$"
)
# What queue_job puts before it.
OUT_OF_TRIES = r"^Max\. retries \(\d+\) reached: "
# As in ``engine/words.py`` and ``transports/http/answer.py``.
SEPARATOR = "\x1f"
SAID = "%(request)s answered %(status)s: %(said)s"
NOTHING_SAID = "%(request)s answered %(status)s"
REFUSED = "The credentials are refused: %(why)s"
PLACES = (
    ("sync_delivery", "error", "error"),
    ("sync_binding", "last_error", "last_error"),
    # of jobs that were tried for the last time
    ("queue_job", "sync_error", f"regexp_replace(exc_message, '{OUT_OF_TRIES}', '')"),
)


def migrate(cr, version):
    """Have reasons know what they are made of, as those do that are stored from now on.

    People then read them in their language; and whoever may only read the record reads
    them without the request. And a note of a backfill is a longer text now: what was
    tracked of it moves along.
    """
    for table, column, text in PLACES:
        cr.execute(
            f"""
            UPDATE {table} AS row
               SET {column} = replace(parts.text, %(separator)s, '?') || %(separator)s
                   || CASE WHEN found[1] IS NULL THEN plain
                           ELSE jsonb_build_array(
                                %(refused)s::text, 'answered',
                                facts || jsonb_build_object('why', plain)) END
              FROM (SELECT id, text, found, facts,
                           jsonb_build_array(
                               CASE WHEN found[4] IS NULL THEN %(nothing_said)s::text
                                    ELSE %(said)s END,
                               'answered', facts) AS plain
                      FROM (SELECT id, {text} AS text,
                                   regexp_match({text}, %(answered)s) AS found
                              FROM {table}) AS each
                     CROSS JOIN LATERAL jsonb_build_object(
                           'request', found[2], 'status', found[3],
                           'said', COALESCE(found[4], '')) AS facts
                     WHERE found IS NOT NULL) AS parts
             WHERE row.id = parts.id
            """,
            {
                "answered": ANSWERED,
                "separator": SEPARATOR,
                "refused": REFUSED,
                "said": SAID,
                "nothing_said": NOTHING_SAID,
            },
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
