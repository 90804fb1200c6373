# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models


class SyncMetrics(models.AbstractModel):
    """Figures for a monitoring system. All but the token is only read.

    No query looks at jobs that are done, or at the log, however many there are.
    """

    _name = "sync.metrics"
    _description = "Figures for Monitoring"

    @api.model
    def _token(self):
        """Return the token that a monitoring system has to show, ``""`` for none.

        :raises SecretMissing: it is kept beside the database, and not there
        """
        return self.env["res.config.settings"]._metrics_token()

    @api.model
    def set_secret(self, name, value):
        """Set the token that a monitoring system has to show; nothing closes the page.

        :param name: ``metrics_token``
        :param value: as for ``set_secret`` of ``sync.backend``
        :return: where it is kept now, as a text for people, or False
        :raises AccessError: the user is no system administrator
        :raises UserError: it is too short, or cannot be used
        """
        return self.env["res.config.settings"]._set_metrics_token(name, value)

    @api.model
    def _streams(self):
        """Return ``(stream id, its name, name of its system)``, archived ones too."""
        return self._rows(
            """
            SELECT s.id, s.name, b.name
              FROM sync_stream s JOIN sync_backend b ON b.id = s.backend_id
             ORDER BY s.id
            """
        )

    @api.model
    def _waiting(self):
        """Return ``{stream id: (changes that wait, age of the oldest in seconds)}``.

        Those of failed jobs do not wait: somebody has to decide about them.
        """
        rows = self._rows(
            """
            SELECT o.stream_id, count(*),
                   EXTRACT(EPOCH FROM clock_timestamp() AT TIME ZONE 'utc'
                                      - min(o.create_date))
              FROM sync_outbox o
             WHERE NOT EXISTS (
                   SELECT FROM queue_job j
                    WHERE j.uuid = o.job_uuid AND j.state = 'failed'
                      AND j.sync_stream_id IS NOT NULL)
             GROUP BY o.stream_id
            """
        )
        return {id_: (count, max(float(age), 0.0)) for id_, count, age in rows}

    @api.model
    def _failed_jobs(self):
        """Return ``{stream id: jobs that are failed now}``."""
        return dict(
            self._rows(
                """
                SELECT sync_stream_id, count(*) FROM queue_job
                 WHERE state = 'failed' AND sync_stream_id IS NOT NULL
                 GROUP BY sync_stream_id
                """
            )
        )

    @api.model
    def _attempts(self):
        """Return what has been counted, see ``sync.counter``.

        :return: list of ``(stream id, result, bound, attempts, retried, seconds)``
        """
        return self._rows(
            """
            SELECT stream_id, result, bound,
                   sum(attempts), sum(retried), sum(seconds)
              FROM sync_counter
             GROUP BY stream_id, result, bound
             ORDER BY stream_id, result, bound
            """
        )

    @api.model
    def _incidents(self):
        """Return ``(system id, its name, kind of its open incident or None)``."""
        return self._rows(
            """
            SELECT b.id, b.name, i.kind
              FROM sync_backend b
              LEFT JOIN sync_incident i ON i.backend_id = b.id AND i.closed IS NULL
             ORDER BY b.id
            """
        )

    @api.model
    def _rows(self, query):
        self.env.cr.execute(query)
        return self.env.cr.fetchall()


class QueueJob(models.Model):
    _inherit = "queue.job"

    # Used by sync.metrics and sync.recover: failed jobs among a million others
    _failed_sync_index = models.Index(
        "(sync_stream_id, id) INCLUDE (uuid)"
        " WHERE state = 'failed' AND sync_stream_id IS NOT NULL"
    )
