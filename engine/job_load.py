# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Jobs that queue_job cannot load: their user, model or method is gone.

queue_job loads a job for whatever is to be done with it, as the user who made it. Where
that raises, the job stays enqueued, is found dead and is started again, for ever. What
a synchronization sends never depends on a user, so its jobs go on as OdooBot. Another
addon's job fails with the reason: it may not get more rights than it had.
"""

import json
import traceback

import psycopg2

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import UserError

from odoo.addons.queue_job.job import (
    CANCELLED,
    DONE,
    FAILED,
    PENDING,
    WAIT_DEPENDENCIES,
    Job,
)

from . import words
from .jobs import is_own
from .store import ask, ask_column

# -- what is wrong ------------------------------------------------------------

USER_GONE = words._lt("The user whose action made the job has been deleted.")


def problem(job):
    """Return why queue_job cannot load a job, in a sentence; ``None`` if it can."""
    named = list(_recordsets(_stored_json(job)))
    for each in named:
        if each["model"] not in job.env:
            return words.Sentence(
                words._lt("The model %(model)s is no longer there."),
                model=each["model"],
            )
    user_ids = {each["uid"] for each in named if each.get("uid")}
    # not exists(), which believes what is in the cache of a new record
    there = ask_column(
        job.env.cr, "SELECT id FROM res_users WHERE id = ANY(%s)", list(user_ids)
    )
    if user_ids.difference(there):
        return words.Sentence(USER_GONE)
    if not hasattr(job.records, job.method_name or ""):
        return words.Sentence(
            words._lt("%(model)s no longer has the method %(method)s."),
            model=job.model_name,
            method=job.method_name,
        )
    try:
        # of a language that is switched off, the environment says so when asked
        _lang = Job.load(job.env, job.uuid).env.lang
    except psycopg2.Error:
        raise
    except Exception as err:
        return words.Sentence(
            words._lt("The job cannot be loaded: %(error)s"),
            error=str(err) or type(err).__name__,
        )
    return None


def can_be_stored(job):
    """Return whether queue_job can store a job, and so load what it is linked to."""
    job = job.sudo()
    linked = job.dependency_ids | job.dependent_ids
    return not any(problem(each) for each in job | linked)


def _stored_json(job):
    """Return what is stored of a job's records and arguments, undecoded."""
    job.flush_recordset(["records", "args", "kwargs"])
    (texts,) = ask(
        job.env.cr,
        "SELECT records #>> '{}', args #>> '{}', kwargs #>> '{}'"
        " FROM queue_job WHERE id = %s",
        job.id,
    )
    return [json.loads(text) for text in texts if text]


def _recordsets(node):
    """Yield what stands for a recordset, as a dict, in a job's stored JSON."""
    if isinstance(node, dict):
        if node.get("_type") == "odoo_recordset":
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _recordsets(each)


def text_user_gone(env):
    return words.said(env, USER_GONE)


def known_records(job):
    """Return what a job works on, in its environment; ``None`` if its model is gone."""
    if job.model_name and job.model_name not in job.env:
        return None
    return job.records.with_env(job.env)


# -- mending ------------------------------------------------------------------


def mend(job):
    """Do what can be done for a job, and those it is linked to, to be loaded.

    :return: whether it can be loaded now
    """
    job = job.sudo()
    if not _mend_alone(job):
        return False
    for other in job.dependency_ids | job.dependent_ids:
        if not _mend_alone(other):
            # cut off, since queue_job loads both; it fails if it waits for this one
            job.dependencies = {
                kind: [uuid for uuid in uuids if uuid != other.uuid]
                for kind, uuids in (job.dependencies or {}).items()
            }
            if other.state == WAIT_DEPENDENCIES:
                fail(other)
    return True


def _mend_alone(job):
    why = problem(job)
    if why and is_own(job.model_name, job.method_name):
        go_on_as_odoobot(job)
        why = problem(job)
    return not why


def go_on_as_odoobot(jobs):
    """Let jobs of synchronizations run as OdooBot, in no language or company.

    Their arguments are records in the same environment, if they have any.
    """
    if not jobs:
        return
    jobs.flush_recordset()
    odoobot = {"uid": SUPERUSER_ID, "su": False, "context": {}}
    jobs.env.cr.execute(
        """
        UPDATE queue_job
           SET user_id = %(user)s,
               records = to_jsonb(
                   ((records #>> '{}')::jsonb || %(odoobot)s::jsonb)::text),
               args = to_jsonb((
                   SELECT COALESCE(jsonb_agg(arg || %(odoobot)s::jsonb), '[]')
                     FROM jsonb_array_elements(
                          (args #>> '{}')::jsonb) AS arg)::text)
         WHERE id = ANY(%(ids)s)
        """,
        {"user": SUPERUSER_ID, "odoobot": json.dumps(odoobot), "ids": jobs.ids},
    )
    jobs.invalidate_recordset(["user_id", "records", "args"], flush=False)


def fail(job, error=None):
    """Fail a job for what keeps it from being loaded, or for an exception met there."""
    lines = traceback.format_exception(error) if error else []
    told = problem(job)
    env = words.in_company_language(job, job.company_id).env
    reason = words.said(env, told) if told else str(error) or type(error).__name__
    job.write(
        {
            "state": FAILED,
            "exc_name": type(error).__name__ if error else False,
            "exc_message": reason,
            "exc_info": "".join(lines) or reason,
            "sync_error": told or False,
        }
    )


# -- decisions of people ------------------------------------------------------


def change_state(job, state, result):
    """Do what a person has decided about a job that cannot be loaded.

    :raises UserError: it is to run again
    """
    job = job.sudo()
    if state == PENDING:
        raise UserError(
            job.env._(
                "%(job)s cannot be requeued: %(reason)s",
                job=job.name,
                reason=words.said(job.env, problem(job)),
            )
        )
    now = fields.Datetime.now()
    if state == DONE:
        done = {"state": DONE, "date_done": now, "exc_name": False, "exc_info": False}
        job.write({**done, "result": result})
        job.dependent_ids.filtered(
            lambda each: (
                each.state == WAIT_DEPENDENCIES
                and set(each.dependency_ids.mapped("state")) == {DONE}
            )
        ).state = PENDING
    elif state == CANCELLED:
        cancelled = {"state": CANCELLED, "date_cancelled": now}
        job.write({**cancelled, "result": result})
        # and what waits for it, as queue_job does
        result = job.env._("Cancelled because a job it depends on was cancelled")
        behind = job.dependent_ids
        while behind := behind.filtered(lambda each: each.state == WAIT_DEPENDENCIES):
            behind.write({**cancelled, "result": result})
            behind = behind.dependent_ids
