# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import hmac
import logging
from collections import Counter
from itertools import product
from math import inf

from odoo import SUPERUSER_ID, http
from odoo.http import request
from odoo.tools import groupby

from ..engine import health, standing
from ..engine.secrets import SecretMissing
from ..engine.store import BOUNDS, DELIVERED, KINDS, NOT_TIMED

try:
    import prometheus_client
    from prometheus_client import core as families
except ImportError:  # only this page needs it
    prometheus_client = None

_logger = logging.getLogger(__name__)

STREAM_LABELS = ("system", "stream", "stream_id")
INCIDENT_KINDS = ("outage", "manual", "copy", "settings")


class Metrics(http.Controller):
    @http.route(
        "/queue_job_sync/metrics",
        type="http",
        auth="none",
        methods=["GET"],
        readonly=True,
        save_session=False,
    )
    def metrics(self):
        """Answer a monitoring system, in the text format of Prometheus.

        It shows its token as ``Authorization: Bearer TOKEN``. The page does not exist
        while no token is set; who has none costs one read of a small table.
        """
        env = request.env(user=SUPERUSER_ID)
        try:
            token = env["res.config.settings"]._metrics_token()
        except SecretMissing as error:
            _logger.warning("The token for monitoring: %s", error.message)
            return _answer(503, "The token of this page cannot be had.")
        if not token:
            raise request.not_found()
        if not _shows(token, request.httprequest.headers.get("Authorization", "")):
            return _answer(401, "A token is needed.", {"WWW-Authenticate": "Bearer"})
        if not prometheus_client:
            return _answer(501, "The server lacks the Python package prometheus_client")
        text = prometheus_client.generate_latest(_Collector(env))
        kind = prometheus_client.CONTENT_TYPE_LATEST
        return _answer(200, text, {"Content-Type": kind})


def _answer(status, text, headers=None):
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "no-store",
        **(headers or {}),
    }
    return request.make_response(text, list(headers.items()), status=status)


def _shows(token, authorization):
    """Tell whether a header shows the token, in the same time for each wrong one."""
    scheme, _blank, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode("utf-8", "surrogateescape"), token.encode()
    )


class _Collector:
    """Turns the figures of ``engine/standing.py`` into families of metrics."""

    def __init__(self, env):
        self._env = env
        streams = env["sync.stream"].with_context(active_test=False).search([])
        # the id tells apart what has the same name
        self._labels = {
            each.id: (each.backend_id.name, each.name, str(each.id)) for each in streams
        }

    def collect(self):
        """Yield the families, as ``prometheus_client`` asks a registry for them."""
        yield from self._collect_present()
        yield from self._collect_attempts()
        yield self._collect_incidents()
        yield self._collect_problems()

    def _collect_present(self):
        waiting = standing.waiting_changes(self._env)
        failed = standing.failed_jobs(self._env)
        in_doubt = standing.in_doubt(self._env)
        changes = families.GaugeMetricFamily(
            "queue_job_sync_waiting_changes",
            "Changes that are not delivered yet, without those of failed jobs and of "
            "records that somebody has to clarify.",
            labels=STREAM_LABELS,
        )
        oldest = families.GaugeMetricFamily(
            "queue_job_sync_oldest_waiting_seconds",
            "Age of the oldest of these changes, 0 when there is none.",
            labels=STREAM_LABELS,
        )
        jobs = families.GaugeMetricFamily(
            "queue_job_sync_failed_jobs",
            "Jobs that are failed now: somebody has to decide about them.",
            labels=STREAM_LABELS,
        )
        doubtful = families.GaugeMetricFamily(
            "queue_job_sync_doubtful_records",
            "Records of which somebody has to say whether they are there already, or "
            "under which ID.",
            labels=STREAM_LABELS,
        )
        for id_, labels in self._labels.items():
            count, age = waiting.get(id_, (0, 0.0))
            changes.add_metric(labels, count)
            oldest.add_metric(labels, age)
            jobs.add_metric(labels, failed.get(id_, 0))
            doubtful.add_metric(labels, len(in_doubt.get(id_, ())))
        yield from (changes, oldest, jobs, doubtful)

    def _collect_attempts(self):
        delivered = families.CounterMetricFamily(
            "queue_job_sync_delivered",
            "Deliveries that the system has confirmed.",
            labels=STREAM_LABELS,
        )
        failed = families.CounterMetricFamily(
            "queue_job_sync_failed_attempts",
            "Attempts to deliver that failed, by reason.",
            labels=(*STREAM_LABELS, "reason"),
        )
        retried = families.CounterMetricFamily(
            "queue_job_sync_retried",
            "Attempts after one that had failed for the same record.",
            labels=STREAM_LABELS,
        )
        duration = families.HistogramMetricFamily(
            "queue_job_sync_attempt_duration_seconds",
            "How long attempts took, delivered or failed.",
            labels=STREAM_LABELS,
        )
        counted = dict(groupby(standing.attempts(self._env), lambda row: row[0]))
        for id_, labels in self._labels.items():
            totals = _Totals(counted.get(id_, ()))
            delivered.add_metric(labels, totals.results[DELIVERED])
            for reason in sorted({*KINDS.values(), *totals.results} - {DELIVERED}):
                failed.add_metric((*labels, reason), totals.results[reason])
            retried.add_metric(labels, totals.retried)
            duration.add_metric(labels, totals.buckets(), totals.seconds)
        yield from (delivered, failed, retried, duration)

    def _collect_incidents(self):
        family = families.GaugeMetricFamily(
            "queue_job_sync_open_incidents",
            "Whether the system is left alone: in an outage, paused by hand, or held "
            "because the database looks like a copy. How many of its synchronizations "
            "are held for their settings.",
            labels=("system", "system_id", "kind"),
        )
        systems = self._env["sync.backend"].with_context(active_test=False).search([])
        count = self._env["sync.incident"]._read_group(
            [("closed", "=", False)], ["backend_id", "kind"], ["__count"]
        )
        count = {(backend.id, kind): number for backend, kind, number in count}
        for each, kind in product(systems, INCIDENT_KINDS):
            number = count.get((each.id, kind), 0)
            family.add_metric((each.name, str(each.id), kind), number)
        return family

    def _collect_problems(self):
        family = families.GaugeMetricFamily(
            "queue_job_sync_problem",
            "Whether jobs can take every worker, no job runs at all, or jobs are due "
            "and none starts.",
            labels=("kind",),
        )
        found = {problem.kind for problem in health.problems(self._env)}
        for kind in self._env["sync.health"]._fields["kind"].get_values(self._env):
            family.add_metric((kind,), int(kind in found))
        return family


class _Totals:
    """What has been counted for one stream."""

    def __init__(self, rows):
        self.results, self._by_bound = Counter(), Counter()
        self.retried, self.seconds = 0, 0.0
        for _stream_id, result, bound, attempts, retried, seconds in rows:
            self.results[result] += int(attempts)
            self.retried += int(retried)
            if bound != NOT_TIMED:
                self._by_bound[bound] += int(attempts)
                self.seconds += seconds

    def buckets(self):
        """Return ``(upper bound, attempts that took no longer)``, as is the custom."""
        total, found = 0, []
        # an earlier release may have had other bounds
        for bound in sorted({*BOUNDS, *self._by_bound}):
            total += self._by_bound[bound]
            found.append(("+Inf" if bound == inf else str(bound), total))
        return found
