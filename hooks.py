# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What Odoo has to be told to do when it installs or uninstalls the addon."""

import logging
import re
import time

from psycopg2 import errors as pg_errors

from odoo.exceptions import UserError
from odoo.tools import SQL, mute_logger, split_every

from .engine import secrets, tokens
from .engine.jobs import DELIVER
from .engine.store import ask_column

_logger = logging.getLogger(__name__)

ADDON = "queue_job_sync"
# Whose rows go with the addon, while a live server goes on writing them.
BUSY_TABLES = {"ir_cron", "queue_job", "queue_job_channel", "queue_job_function"}
# How long each table may be waited for, in milliseconds: shorter than the time after
# which PostgreSQL looks for deadlocks, so that nobody is the victim of one.
LOCK_WAIT = 500
# Seconds in which everything has to be locked, and between two tries.
PATIENCE, PAUSE = 20, 0.5
# Jobs that are deleted in one go.
BATCH = 1000


def post_init_hook(env):
    """Do not mail about jobs that had failed before the addon was installed."""
    failed = env["queue.job"].search([("state", "=", "failed")])
    # tracking would read every column of every job
    failed.with_context(tracking_disable=True).failure_notified = True


def uninstall_hook(env):
    """Leave the database as it was before, also while people and jobs are at work.

    :raises UserError: when it is so busy that this cannot be promised
    """
    _shut_others_out(env)
    _remove_traces(env)


def _shut_others_out(env):
    """Lock what is about to go, until Odoo commits the uninstallation.

    Odoo passes over what it cannot delete, and it cannot delete a row that somebody
    has changed since its transaction began: a cron that has just run would stay.

    :raises UserError: when some job or request holds on to it for too long
    """
    tables = SQL(", ").join(SQL.identifier(name) for name in _tables(env))
    deadline = time.monotonic() + PATIENCE
    env.flush_all()
    while True:
        # Nothing may be read before the locks are there: what is read first decides
        # what the transaction sees. Odoo has committed that the addon is to go.
        env.cr.commit()  # pylint: disable=invalid-commit
        try:
            with mute_logger("odoo.sql_db"):
                env.cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_WAIT))
                env.cr.execute(SQL("LOCK TABLE %s", tables))
                env.cr.execute("SET LOCAL lock_timeout = DEFAULT")
                break
        except pg_errors.LockNotAvailable:
            env.cr.rollback()
        if time.monotonic() > deadline:
            raise UserError(
                env._(
                    "Jobs or users are using the synchronization. Stop the jobs, or "
                    "wait until they have ended, and uninstall it then."
                )
            )
        time.sleep(PAUSE)
    env.invalidate_all()


def _remove_traces(env):
    """Delete what carries no external id of the addon and makes no sense without it."""
    secrets.drop_table(env.cr)
    tokens.drop_tables(env.cr)
    _remove_jobs(env)
    _remove_job_functions(env)
    env["ir.config_parameter"].search([("key", "=like", f"{ADDON}.%")]).unlink()
    own = _own_models(env)
    filters = env["ir.filters"].with_context(active_test=False)
    filters.search([("model_id", "in", own)]).unlink()
    # Modules that extend mail.thread name their part in each model that inherits it.
    inherits = env["ir.model.inherit"].search([("model_id.model", "in", own)])
    named = [("model", "=", inherits._name), ("res_id", "in", inherits.ids)]
    env["ir.model.data"].search([*named, ("module", "!=", ADDON)]).unlink()
    # Odoo keeps no external id of foreign keys.
    env["ir.model.constraint"].search(
        [("module.name", "=", ADDON), ("type", "=", "f")]
    ).unlink()


def _own_models(env):
    """Return the names of the models that the addon brings."""
    return [name for name, model in env.items() if model._original_module == ADDON]


def _tables(env):
    """Return the tables that go, lose a column or are busy, sorted."""
    tables = {*BUSY_TABLES, secrets.TABLE, *tokens.TABLES}
    for model in env.values():
        own = model._original_module == ADDON
        columns = (f for f in model._fields.values() if f.store and f.column_type)
        if model._auto and (own or any(f._modules == (ADDON,) for f in columns)):
            tables.add(model._table)
    return sorted(tables)


def _remove_jobs(env):
    """Delete the jobs that work on the addon's records, whatever their state.

    Their arguments cannot be read without the addon's models: not by the runner, and
    not by the list of jobs either.
    """
    names = "|".join(re.escape(name) for name in _own_models(env))
    found = ask_column(
        env.cr,
        """
        SELECT id FROM queue_job
         WHERE method_name = %(deliver)s OR model_name ~ %(own)s
            OR concat(records #>> '{}', args #>> '{}', kwargs #>> '{}') ~ %(named)s
        """,
        deliver=DELIVER,
        own=f"^({names})$",
        named=f'"model": "({names})"',
    )
    jobs = env["queue.job"].with_context(tracking_disable=True)
    for ids in split_every(BATCH, found):
        jobs.browse(ids).unlink()
    _logger.info("%s jobs of the synchronization deleted", len(found))


def _remove_job_functions(env):
    """Delete those that the streams made, and free the channel of what else uses it."""
    functions = env["queue.job.function"]
    functions.search([("method", "=", DELIVER)]).unlink()
    channel = env.ref(f"{ADDON}.channel_sync", raise_if_not_found=False)
    root = env.ref("queue_job.channel_root")
    if channel:
        children = env[channel._name].search([("parent_id", "=", channel.id)])
        children.parent_id = root
        functions.search([("channel_id", "=", channel.id)]).channel_id = root
        # the streams go after the channel
        env["sync.stream"].with_context(active_test=False).search([]).channel_id = root
