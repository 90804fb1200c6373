# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
import random
import time
import traceback
from contextlib import suppress

import psycopg2

from odoo import http
from odoo.exceptions import UserError

from odoo.addons.queue_job.controllers.main import RunJobController as QueueJobs
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import DONE, ENQUEUED, STARTED

from ..engine import health, job_load, jobs, waiting, words
from ..engine.run import SOON
from ..engine.store import KEEPING_CONNECTION, ask, end_sleep
from ..exceptions import SyncError

_logger = logging.getLogger(__name__)

# Seconds to wait at most for a database server that restarts, and between two looks.
PATIENCE, PAUSE = 20, 0.5


class RunJobController(QueueJobs):
    """How a worker runs a job that queue_job's runner asks for."""

    @http.route()
    def runjob(self, job_uuid, **kw):
        health.note(http.request.env.registry, asked=True)
        return super().runjob(job_uuid, **kw)

    @classmethod
    def _acquire_job(cls, env, job_uuid):
        """Acquire a job; one that cannot be loaded is mended, or failed.

        queue_job would leave it enqueued, to be found dead and started for ever.
        """
        for mended in (False, True):
            try:
                if cls._check_environment(env, job_uuid):
                    end_sleep(env.cr, job_uuid)
                return super()._acquire_job(env, job_uuid)
            except psycopg2.Error:
                # says nothing about the job
                raise
            except Exception as err:
                env.cr.rollback()
                # unless it is another worker's, or no longer to run
                domain = [("uuid", "=", job_uuid), ("state", "=", ENQUEUED)]
                job = env["queue.job"].search(domain)
                job = job.try_lock_for_update(allow_referencing=True)
                if not job:
                    return None
                if mended or not job_load.mend(job):
                    _logger.warning("job %s cannot be loaded", job_uuid, exc_info=err)
                    job_load.fail(job, err)
                    mended = True
                env.cr.commit()  # pylint: disable=invalid-commit
                if mended:
                    return None

    @classmethod
    def _check_environment(cls, env, job_uuid):
        """Raise ``UserError`` if a job's user, or its language, is gone.

        queue_job does not always notice while it loads the job.

        :return: whether the job is still asleep
        """
        for has_user, has_language, sleeps in ask(
            env.cr,
            """
            SELECT EXISTS (SELECT FROM res_users WHERE id = stored.uid)
                   OR stored.uid IS NULL,
                   EXISTS (SELECT FROM res_lang WHERE code = stored.lang AND active)
                   OR COALESCE(stored.lang, 'en_US') = 'en_US',
                   sync_wait_key IS NOT NULL
              FROM queue_job, LATERAL (
                   SELECT ((records #>> '{}')::json ->> 'uid')::int,
                          (records #>> '{}')::json #>> '{context,lang}'
                   ) AS stored (uid, lang)
             WHERE uuid = %s
            """,
            job_uuid,
        ):
            if not has_user:
                raise UserError(job_load.text_user_gone(env))
            if not has_language:
                raise UserError(env._("The job's language is switched off."))
            return sleeps
        return False

    @classmethod
    def _try_perform_job(cls, env, job):
        """Try to perform a job; one of ours outlives the loss of its connection.

        The database server may have ended it, or may restart: that says nothing about
        the job, and uses no try. Nor does somebody who is about to change the table of
        the jobs: he waits for this one to end, and queue_job, which stores what became
        of it on another connection, would wait for him.
        """
        if not jobs.is_own(job.model_name, job.method_name):
            return super()._try_perform_job(env, job)
        tries, started = job.retry, (job.worker_pid, job.date_started)
        try:
            env.cr.execute(KEEPING_CONNECTION)
            job.sync_due = job.eta
            with jobs.keeping_etas(env.cr):
                return super()._try_perform_job(env, job)
        except Exception as error:
            # Not what was raised tells: a destination may be a database as well, and
            # a lost connection is noticed by whoever uses it next.
            if env.cr.closed:
                _logger.info("%s has lost its connection", job, exc_info=True)
                reason = jobs.LOST
            elif jobs.is_table_wanted(env.registry):
                _logger.info("%s ends for who changes its table", job, exc_info=True)
                reason = jobs.LOCKED
                with suppress(psycopg2.Error):
                    # whoever has read the table may write to it before he has it
                    job.env.clear()
                    env.cr.execute("SET LOCAL lock_timeout = '500ms'")
                    cls._set_back(job, tries, reason)
                    env.flush_all()
                    return None
                with suppress(psycopg2.Error):
                    env.cr.rollback()
            else:
                # stored with the job, whatever queue_job makes of the exception
                job.sync_error = jobs.error_behind(error)
                job.sync_sleep = getattr(error, "sync_sleep", None)
                job.sync_closed = getattr(error, "sync_closed", False)
                if isinstance(error, RetryableJobError) or not job.sync_error:
                    raise
                cls._fail_told(job, error)
                env.cr.rollback()
                return None
            cls._put_back(job, started, tries, reason)
            return None

    @classmethod
    def _fail_told(cls, job, error):
        """Store that a job has failed for what its system has answered, or has not.

        As queue_job stores any failure; but that is no fault of Odoo, so the log says
        it in a line. It would have three tracebacks otherwise: queue_job's, that of the
        request, and that of the runner whose request is answered with an error.

        :param error: what the job has raised
        """
        told = "".join(traceback.format_exception(error))
        job.env.clear()
        with job.in_temporary_env():
            values = cls._get_failure_values(job, told, error)
            job.set_failed(**values)
            job.store()
            job.on_fail(values)
        _logger.warning("%s has failed: %s", job, values["exc_message"])

    @classmethod
    def _runjob(cls, env, job):
        """Run a job; when it has given back what it held, wake who waits for that."""
        if not jobs.is_own(job.model_name, job.method_name):
            return super()._runjob(env, job)
        uuid, registry = job.uuid, env.registry
        try:
            super()._runjob(env, job)
        except BaseException:
            with suppress(psycopg2.Error):
                env.cr.rollback()
            raise
        else:
            # as queue_job has done already, where it is not under test
            if not env.cr.closed:
                env.cr.commit()  # pylint: disable=invalid-commit
        finally:
            waiting.after_run(registry, uuid, getattr(job, "sync_closed", False))

    @classmethod
    def _get_failure_values(cls, job, traceback_txt, orig_exception):
        values = super()._get_failure_values(job, traceback_txt, orig_exception)
        if isinstance(orig_exception, SyncError):
            env = cls._speaking(job).env
            values["exc_message"] = words.said(env, orig_exception)
        return values

    @classmethod
    def _speaking(cls, job):
        """Return the company of a job, in the language that the job speaks."""
        company = job.env["res.company"].browse(job.company_id)
        return words.in_company_language(company, company)

    @classmethod
    def _enqueue_dependent_jobs(cls, env, job):
        # one that was put back is not done, and has no connection either
        return super()._enqueue_dependent_jobs(env, job) if job.state == DONE else None

    @classmethod
    def _put_back(cls, job, started, tries, reason):
        """Let a job run again that has lost its lock, unless another worker does.

        :param started: process id of this worker, and when it has started the job
        :param int tries: how often it was tried before
        :param reason: how it has lost it, a sentence for people
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                job.env.clear()
                with job.in_temporary_env():
                    if cls._is_still_here(job, *started):
                        cls._set_back(job, tries, reason)
                return
            except psycopg2.Error:
                if time.monotonic() > deadline:
                    # the runner will find it dead
                    _logger.exception("%s could not be put back", job)
                    return
                time.sleep(PAUSE)

    @classmethod
    def _set_back(cls, job, tries, reason):
        job.retry = tries
        job.postpone(result=words.Sentence(reason), seconds=random.uniform(*SOON))
        job.set_pending(reset_retry=False)
        job.store()

    @classmethod
    def _is_still_here(cls, job, worker_pid, date_started):
        """Lock a job; return whether it is as this worker has started it."""
        rows = ask(
            job.env.cr,
            "SELECT FROM queue_job WHERE uuid = %s AND state = %s AND worker_pid = %s"
            " AND date_trunc('second', date_started) = %s FOR NO KEY UPDATE",
            job.uuid,
            STARTED,
            worker_pid,
            date_started.replace(microsecond=0),
        )
        return bool(rows)
