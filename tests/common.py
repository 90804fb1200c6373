# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from contextlib import closing, contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tests.common import BaseCase, TransactionCase, get_db_name
from odoo.tools import SQL, mute_logger

from ..controllers.run_job import RunJobController
from ..engine import store
from .health_case import be_server
from .servers import HttpDestination

# Odoo's chatter does more at each edit than what is tested here.
NO_CHATTER = {"tracking_disable": True}
MAPPING = (("name", "name"), ("email", "email"), ("country_id.code", "country"))


def backend_values(**values):
    """Values of a REST system that nothing listens for."""
    return {
        "name": "CRM",
        "transport": "rest",
        "url": "http://127.0.0.1:9/api",
        "connect_timeout": 2,
        "read_timeout": 2,
        # as the server of the tests has it
        "repeats_are_safe": True,
        **values,
    }


def database_values(**values):
    """Values of a PostgreSQL system that nothing listens for."""
    return backend_values(
        **{
            "transport": "postgresql",
            "db_host": "127.0.0.1",
            "db_name": "warehouse",
            "db_user": "writer",
            **values,
        }
    )


def create_backend(env, values):
    """Create a system, of whose values some may be secrets."""
    names = env["sync.backend"]._secret_names()
    backend = env["sync.backend"].create(
        {name: value for name, value in values.items() if name not in names}
    )
    set_secrets(
        backend, {name: value for name, value in values.items() if name in names}
    )
    return backend


def write_backend(backend, values):
    """Change a system, of whose values some may be secrets."""
    names = backend._secret_names()
    backend.write({name: value for name, value in values.items() if name not in names})
    set_secrets(
        backend, {name: value for name, value in values.items() if name in names}
    )


def set_secrets(backend, secrets):
    """Set secrets of a system, by name."""
    for name, value in secrets.items():
        backend.set_secret(name, value)


def stream_values(backend, mapping=MAPPING, **values):
    """Values of a stream that sends contacts to a system."""
    return {
        "name": f"Contacts to {backend.name}",
        "backend_id": backend.id,
        "model_id": backend.env["ir.model"]._get("res.partner").id,
        "endpoint": "contacts",
        "state": "live",
        "mapping_ids": [
            fields.Command.create({"field_path": path, "target": target})
            for path, target in mapping
        ],
        **values,
    }


def drop(records):
    """Delete streams or systems now, with what belongs to them; their jobs stay."""
    env = records.env
    env.flush_all()
    for record in records:
        for owned in record._owned:
            env.cr.execute(
                SQL(
                    "DELETE FROM %s WHERE %s = %s",
                    SQL.identifier(owned.table),
                    SQL.identifier(owned.link),
                    record.id,
                )
            )
        env.cr.execute(
            SQL(
                "UPDATE queue_job SET %(link)s = NULL WHERE %(link)s = %(id)s",
                link=SQL.identifier(record._owned_jobs.link),
                id=record.id,
            )
        )
    env.invalidate_all()
    if "backfill_ids" in records._fields:
        records.backfill_ids.unlink()
    records.unlink()


class SyncCase(TransactionCase):
    """Everything that happens in the editor's transaction."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["sync.backend"].create(backend_values())
        cls.stream = cls.env["sync.stream"].create(stream_values(cls.backend))
        cls.before_commit(cls)

    def before_commit(self):
        """Do what happens just before a commit."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.flush_all()

    def outbox(self, records=None, stream=None):
        """Return the undelivered changes, of some records or of all."""
        domain = [("stream_id", "=", (stream or self.stream).id)]
        if records is not None:
            domain.append(("res_id", "in", records.ids))
        return self.env["sync.outbox"].search(domain)

    def jobs(self, stream=None):
        """Return the jobs of a stream."""
        return self.env["queue.job"].search(
            [("sync_stream_id", "=", (stream or self.stream).id)], order="id"
        )

    @contextmanager
    def committed(self):
        """Yield a list; on leaving, the jobs that the commit made are in it."""
        found = []
        before = self.jobs()
        yield found
        self.before_commit()
        found.extend(self.jobs() - before)


class DeliveryCase(BaseCase):
    """Real transactions, a real destination, and queue_job's own controller.

    What a test commits is deleted when it ends.
    """

    model_name = "res.partner"
    stream_options = {}
    destination_class = HttpDestination
    context = NO_CHATTER  # of whoever edits; jobs have their own
    takes_along = False  # whether a job takes along what else is due
    # the controllers log each failed job
    quiet_loggers = (
        "odoo.addons.queue_job.controllers.main",
        "odoo.addons.queue_job_sync.controllers.run_job",
    )

    def setUp(self):
        super().setUp()
        be_server(self, workers=0)
        self.registry = Registry(get_db_name())
        self.destination = self.enterContext(self.destination_class())
        self.destination.strict = True
        due_changes = store.due_changes
        self.enterContext(
            patch.object(
                store,
                "due_changes",
                lambda *args: due_changes(*args) if self.takes_along else [],
            )
        )
        with self.transaction() as env:
            backend = create_backend(env, self.backend_values())
            stream = env["sync.stream"].create(self.stream_values(backend))
            self.backend_id = backend.id
            self.stream_id = stream.id
        self.partner_ids = []
        self.addCleanup(self._delete_everything)

    def backend_values(self):
        """Return the values of the system, secrets among them."""
        return backend_values(url=self.destination.url)

    def stream_values(self, backend):
        """Return the values of its synchronization."""
        return stream_values(backend, **self.stream_options)

    @contextmanager
    def transaction(self, uid=SUPERUSER_ID):
        """Yield an environment whose changes are committed on leaving."""
        with self.registry.cursor() as cr:
            yield api.Environment(cr, uid, self.context)

    def _delete_everything(self):
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            env["queue.job"].search([("sync_stream_id", "=", stream.id)]).unlink()
            drop(stream.exists())
            drop(env["sync.backend"].browse(self.backend_id).exists())
            env[self.model_name].browse(self.partner_ids).exists().unlink()

    def change_stream(self, **values):
        """Commit other settings of the synchronization."""
        with self.transaction() as env:
            env["sync.stream"].browse(self.stream_id).write(values)

    def change_backend(self, **values):
        """Commit other settings of the system, secrets among them."""
        with self.transaction() as env:
            write_backend(env["sync.backend"].browse(self.backend_id), values)

    def prove(self, *kinds):
        """Let requests of these kinds have worked before: see ``Route.proven``."""
        with self.transaction() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            stream.proven = stream._proven_text(kinds)

    def new_partner(self, uid=SUPERUSER_ID, **values):
        """Commit a new contact, and return its id."""
        with self.transaction(uid) as env:
            partner = env["res.partner"].create({"name": "Ada", **values})
            self.partner_ids.append(partner.id)
        return partner.id

    def edit(self, partner_id, uid=SUPERUSER_ID, **values):
        """Commit an edit of a contact."""
        with self.transaction(uid) as env:
            env[self.model_name].browse(partner_id).write(values)

    def delete(self, partner_id):
        """Commit the deletion of a contact."""
        with self.transaction() as env:
            env[self.model_name].browse(partner_id).unlink()

    # pylint: disable=method-required-super
    def read(self, model, domain, field_names, **kwargs):
        """Read what is committed."""
        with self.transaction() as env:
            return env[model].search_read(domain, field_names, **kwargs)

    def job_uuids(self, *states):
        """Return the UUIDs of this test's jobs, oldest first."""
        domain = [("sync_stream_id", "=", self.stream_id)]
        if states:
            domain.append(("state", "in", states))
        return [
            job["uuid"] for job in self.read("queue.job", domain, ["uuid"], order="id")
        ]

    def asleep(self):
        """Return the UUIDs of the jobs that sleep until woken, oldest first."""
        domain = [
            ("sync_stream_id", "=", self.stream_id),
            ("state", "=", "pending"),
            ("sync_wait_key", "!=", False),
        ]
        found = self.read("queue.job", domain, ["uuid"], order="id")
        return [job["uuid"] for job in found]

    def awake(self):
        """Return the UUIDs of the pending jobs that do not sleep, oldest first."""
        asleep = set(self.asleep())
        return [uuid for uuid in self.job_uuids("pending") if uuid not in asleep]

    def job(self, uuid, *field_names):
        """Return what is committed of a job, as a dict."""
        (job,) = self.read("queue.job", [("uuid", "=", uuid)], list(field_names))
        return job

    def run_job(self, uuid):
        """Run a job as the runner and a worker do, whatever its eta.

        Unless the case ``takes_along``, as if nothing else was due: what one job does
        can be told apart then.

        :return: its state afterwards
        """
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE queue_job SET state = 'enqueued',"
                " date_enqueued = now() AT TIME ZONE 'utc'"
                " WHERE uuid = %s AND state = 'pending'",
                (uuid,),
            )
        with (
            closing(self.registry.cursor()) as cr,
            mute_logger(*self.quiet_loggers),
        ):
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                job = RunJobController._acquire_job(env, uuid)
                if job:
                    RunJobController._runjob(env, job)
            except Exception:
                # as the HTTP layer does; the failure itself is committed already
                if not cr.closed:
                    cr.rollback()
            if not cr.closed:
                cr.commit()  # pylint: disable=invalid-commit
        return self.job(uuid, "state")["state"]

    def run_pending(self):
        """Run every pending job of this test once, and return the states."""
        return [self.run_job(uuid) for uuid in self.job_uuids("pending")]

    def outlast_requests(self):
        """Let the time pass in which requests of lost workers may arrive, and searches
        may not show what they have made.

        As :meth:`run_job` does with the eta of a job.
        """
        with self.registry.cursor() as cr:
            cr.execute(
                """
                UPDATE sync_attempt
                   SET shown_from = NULL,
                       late_until = CASE WHEN late_until IS NOT NULL
                                    THEN now() AT TIME ZONE 'utc' - interval '1 second'
                                    END
                 WHERE stream_id = %s
                """,
                (self.stream_id,),
            )

    def outlast_patience(self):
        """Let the time pass for which the system has asked to be left alone."""
        with self.registry.cursor() as cr:
            cr.execute(
                "UPDATE sync_rate SET quiet_until = NULL WHERE backend_id = %s",
                (self.backend_id,),
            )

    def binding(self, partner_id):
        """Return what is known of a contact at the destination."""
        found = self.read(
            "sync.binding",
            [("stream_id", "=", self.stream_id), ("res_id", "=", partner_id)],
            [],
        )
        return found[0] if found else None

    def outbox(self, partner_id=None):
        """Return the undelivered changes of this test."""
        domain = [("stream_id", "=", self.stream_id)]
        if partner_id:
            domain.append(("res_id", "=", partner_id))
        return self.read("sync.outbox", domain, ["res_id", "operation", "job_uuid"])
