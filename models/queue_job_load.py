# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import json
import traceback

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from odoo.addons.queue_job.job import (
    CANCELLED,
    DONE,
    ENQUEUED,
    FAILED,
    PENDING,
    STARTED,
    WAIT_DEPENDENCIES,
    Job,
)

# The methods that jobs of synchronizations call, on any model and on the addon's own.
DELIVER = "_sync_deliver"
OWN_TASKS = (("sync.backfill", "_step"), ("sync.incident", "_probe"))


# Jobs that are not at an end, of synchronizations.
OPEN_OWN_JOBS = Domain(
    "state", "in", (WAIT_DEPENDENCIES, PENDING, ENQUEUED, STARTED, FAILED)
) & (
    Domain("method_name", "=", DELIVER)
    | Domain.OR(
        Domain("model_name", "=", model) & Domain("method_name", "=", method)
        for model, method in OWN_TASKS
    )
)


def is_own(model_name, method_name):
    """Return whether a job that calls this method is one of a synchronization."""
    return method_name == DELIVER or (model_name, method_name) in OWN_TASKS


def _recordsets(node):
    """Yield what stands for a recordset, as a dict, in a job's stored JSON."""
    if isinstance(node, dict):
        if node.get("_type") == "odoo_recordset":
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _recordsets(each)


class QueueJob(models.Model):
    """Jobs that queue_job cannot load: their user, model or method is gone.

    queue_job loads a job for whatever is to be done with it, as the user who made it.
    Where that raises, the job stays enqueued, is found dead and is started again, for
    ever. What a synchronization sends never depends on a user, so its jobs go on as
    OdooBot. Another addon's job fails with the reason: it may not get more rights than
    it had.
    """

    _inherit = "queue.job"

    # -- what is wrong --------------------------------------------------------

    def _stored_json(self):
        """Return what is stored of a job's records and arguments, undecoded."""
        self.ensure_one()
        self.flush_recordset(["records", "args", "kwargs"])
        ((*texts,),) = self.env.execute_query(
            SQL(
                "SELECT records #>> '{}', args #>> '{}', kwargs #>> '{}'"
                " FROM queue_job WHERE id = %s",
                self.id,
            )
        )
        return [json.loads(text) for text in texts if text]

    def _load_problem(self):
        """Return why queue_job cannot load a job, in a sentence; ``None`` if it can."""
        self.ensure_one()
        named = list(_recordsets(self._stored_json()))
        for each in named:
            if each["model"] not in self.env:
                return self.env._("The model %s is no longer there.", each["model"])
        if not self._users_exist({each["uid"] for each in named if each.get("uid")}):
            return self._text_user_gone()
        if not hasattr(self.records, self.method_name or ""):
            return self.env._(
                "%(model)s no longer has the method %(method)s.",
                model=self.model_name,
                method=self.method_name,
            )
        try:
            # of a language that is switched off, the environment says so when asked
            _lang = Job.load(self.env, self.uuid).env.lang
        except psycopg2.Error:
            raise
        except Exception as err:
            return self.env._(
                "The job cannot be loaded: %s", str(err) or type(err).__name__
            )
        return None

    def _users_exist(self, ids):
        # not exists(), which believes what is in the cache of a new record
        rows = self.env.execute_query(
            SQL("SELECT count(*) FROM res_users WHERE id = ANY(%s)", list(ids))
        )
        return rows == [(len(ids),)]

    @api.model
    def _check_environment(self, uuid):
        """Raise if the user whom a job is to run as, or the language, is gone.

        queue_job does not always notice while it loads the job.

        :raises UserError: with the reason
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT EXISTS (SELECT FROM res_users WHERE id = stored.uid)
                       OR stored.uid IS NULL,
                       EXISTS (SELECT FROM res_lang WHERE code = stored.lang AND active)
                       OR COALESCE(stored.lang, 'en_US') = 'en_US'
                  FROM queue_job, LATERAL (
                       SELECT ((records #>> '{}')::json ->> 'uid')::int,
                              (records #>> '{}')::json #>> '{context,lang}'
                       ) AS stored (uid, lang)
                 WHERE uuid = %s
                """,
                uuid,
            )
        )
        for has_user, has_language in rows:
            if not has_user:
                raise UserError(self._text_user_gone())
            if not has_language:
                raise UserError(self.env._("The job's language is switched off."))

    def _text_user_gone(self):
        return self.env._("The user whose action made the job has been deleted.")

    def _loaded_together(self):
        """Return what queue_job loads to store a job: also those it is linked to."""
        self.ensure_one()
        job = self.sudo()
        return job | job.dependency_ids | job.dependent_ids

    # -- mending --------------------------------------------------------------

    def _mend(self):
        """Do what can be done for a job, and those it is linked to, to be loaded.

        :return: whether it can be loaded now
        """
        job = self.sudo()
        if not job._mend_itself():
            return False
        for other in job._loaded_together() - job:
            if not other._mend_itself():
                job._cut_off(other)
        return True

    def _mend_itself(self):
        if not self._load_problem():
            return True
        if not is_own(self.model_name, self.method_name):
            return False
        self._go_on_as_odoobot()
        return not self._load_problem()

    def _go_on_as_odoobot(self):
        """Let jobs of synchronizations run as OdooBot, in no language or company.

        Their arguments are records in the same environment, if they have any.
        """
        if not self:
            return
        self.flush_recordset()
        odoobot = {"uid": SUPERUSER_ID, "su": False, "context": {}}
        self.env.cr.execute(
            SQL(
                """
                UPDATE queue_job
                   SET user_id = %(user)s,
                       records = to_jsonb(
                           ((records #>> '{}')::jsonb || %(odoobot)s::jsonb)::text),
                       args = to_jsonb((
                           SELECT COALESCE(
                                      jsonb_agg(arg || %(odoobot)s::jsonb), '[]')
                             FROM jsonb_array_elements(
                                  (args #>> '{}')::jsonb) AS arg)::text)
                 WHERE id = ANY(%(ids)s)
                """,
                user=SUPERUSER_ID,
                odoobot=json.dumps(odoobot),
                ids=self.ids,
            )
        )
        self.invalidate_recordset(["user_id", "records", "args"], flush=False)

    def _cut_off(self, other):
        """Let a job no longer depend on one that can never be loaded, nor lead to it.

        queue_job loads both with the job. What waits for this job fails instead.
        """
        self.dependencies = {
            kind: [uuid for uuid in uuids if uuid != other.uuid]
            for kind, uuids in (self.dependencies or {}).items()
        }
        if other.state == WAIT_DEPENDENCIES:
            other._fail_unloadable()

    def _fail_unloadable(self, error=None):
        """Fail a job for what keeps it from being loaded.

        :param error: the exception that was met
        """
        self.ensure_one()
        lines = traceback.format_exception(error) if error else []
        reason = self._load_problem() or str(error) or type(error).__name__
        self.write(
            {
                "state": FAILED,
                "exc_name": type(error).__name__ if error else False,
                "exc_message": reason,
                "exc_info": "".join(lines) or reason,
            }
        )

    @api.model
    def _lock_enqueued(self, uuid):
        """Return the job, locked, unless it is another worker's or no longer to run."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM queue_job WHERE uuid = %s AND state = %s"
                " FOR NO KEY UPDATE SKIP LOCKED",
                uuid,
                ENQUEUED,
            )
        )
        return self.browse(id_ for (id_,) in rows)

    # -- decisions of people --------------------------------------------------

    def _change_unloadable(self, state, result):
        """Do what a person has decided about a job that cannot be loaded.

        :raises UserError: it is to run again
        """
        self.ensure_one()
        job = self.sudo()
        if state == PENDING:
            raise UserError(
                self.env._(
                    "%(job)s cannot be requeued: %(reason)s",
                    job=job.name,
                    reason=job._load_problem(),
                )
            )
        now = fields.Datetime.now()
        if state == DONE:
            job.write(
                {
                    "state": DONE,
                    "date_done": now,
                    "result": result,
                    "exc_name": False,
                    "exc_info": False,
                }
            )
            job.dependent_ids.filtered(
                lambda each: (
                    each.state == WAIT_DEPENDENCIES
                    and set(each.dependency_ids.mapped("state")) == {DONE}
                )
            ).state = PENDING
        elif state == CANCELLED:
            job.write({"state": CANCELLED, "date_cancelled": now, "result": result})
            job._cancel_dependents(now)

    def _cancel_dependents(self, now):
        """Cancel what waits for these jobs, as queue_job does."""
        behind = self.dependent_ids
        while behind:
            behind = behind.filtered(lambda job: job.state == WAIT_DEPENDENCIES)
            behind.write(
                {
                    "state": CANCELLED,
                    "date_cancelled": now,
                    "result": self.env._(
                        "Cancelled because a job it depends on was cancelled"
                    ),
                }
            )
            behind = behind.dependent_ids

    def _known_records(self):
        """Return what a job works on, in this environment; none if its model is gone.

        :return: a recordset, or ``None``
        """
        self.ensure_one()
        if self.model_name and self.model_name not in self.env:
            return None
        return self.records.with_env(self.env)
