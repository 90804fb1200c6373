# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from markupsafe import Markup

from odoo import SUPERUSER_ID, api

# What shows in the log that a kind of request has worked: operation and method.
PROOFS = {
    "create": ("upsert", "POST"),
    "update": ("upsert", "PUT|PATCH"),
    "mark": ("mark", "PATCH"),
    "delete": ("delete", "DELETE"),
}


def migrate(cr, version):
    """Go on as before with what has worked so far, and say so once.

    An unanswered creation was asked for again at every system. Whether that was right,
    only a person can say. And an address that has worked is not doubted.
    """
    env = api.Environment(cr, SUPERUSER_ID, {})
    _keep_repeating(env["sync.backend"].with_context(active_test=False))
    _keep_proven(env["sync.stream"].with_context(active_test=False))


def _keep_repeating(backends):
    # whose settings they are has not changed
    backends.env.cr.execute(
        "UPDATE sync_backend SET repeats_are_safe = true"
        " WHERE transport <> 'postgresql'"
    )
    backends.invalidate_model(["repeats_are_safe"])
    backends = backends.search([("transport", "!=", "postgresql")])
    for backend in backends.filtered("active"):
        company = backend.company_id or backend.env.company
        readers = company._job_failure_partners()
        backend = backend.with_context(lang=company.partner_id.lang)
        label = backend._fields["repeats_are_safe"]._description_string(backend.env)
        told = backend.env._(
            "%(setting)s is switched on, as it was taken for granted until now: where "
            "a creation gets no answer, it is asked for again with its key. If "
            "%(system)s does not heed the key (Idempotency-Key), that may make a "
            "second record: switch it off, and such records wait for a person.",
            setting=label,
            system=backend.name,
        )
        backend.message_post(
            body=Markup("<p>%s</p>") % told,
            subject=backend.env._("%s: please check one setting", backend.name),
            partner_ids=readers.ids,
        )


def _keep_proven(streams):
    """By the log: an update that was answered 404, and made a new record, is none."""
    cr = streams.env.cr
    for stream in streams.search([("transport", "!=", "postgresql")]):
        proven = []
        for kind, (operation, methods) in PROOFS.items():
            cr.execute(
                """
                SELECT FROM sync_delivery
                 WHERE stream_id = %s AND operation = %s AND state = 'success'
                   AND status LIKE '2%%' AND request ~ %s LIMIT 1
                """,
                (stream.id, operation, f"^({methods}) [^ ]+$"),
            )
            if cr.fetchone() is not None:
                proven.append(kind)
        if proven and not stream.batch_endpoint:
            cr.execute(
                "UPDATE sync_stream SET proven = %s WHERE id = %s",
                (stream._proven_text(proven), stream.id),
            )
    streams.invalidate_model(["proven"])
