# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import inspect
from contextlib import contextmanager

from psycopg2 import DatabaseError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .common import SyncCase, backend_values, stream_values

ADDON = "queue_job_sync"
# What this addon's models and its additions to others are made of.
PACKAGE = f"odoo.addons.{ADDON}."
# Every kind of user that the addon knows, by the groups that its access rights name.
ROLES = {
    "public": "base.group_public",
    "portal": "base.group_portal",
    "user": "base.group_user",
    "editor": "base.group_user,base.group_partner_manager",
    "manager": "base.group_user,queue_job.group_queue_job_manager",
    "system": "base.group_system",
}
# Models that inherit the mixin are alike: this one, of this addon, stands for all.
SYNCHRONIZED = "res.partner"
OPERATIONS = ("create", "read", "write", "unlink")
# What a public method is called with, besides the records.
ARGUMENTS = {
    "action_choose": (False,),
    "action_take_id": ("id",),
    "copy_data": (),
    "decide_batch": (0, 0, 0),
    "default_get": (["display_name"],),
    "get_bindings": (SYNCHRONIZED,),
    "get_empty_list_help": ("",),
    "rotate_signing_secret": ("env:SYNC_SECRET",),
    "set_secret": ("auth_secret", "env:SYNC_SECRET"),
}
# Loggers that tell of what is refused or broken on purpose.
QUIET = ("odoo.sql_db", "odoo.addons.base.models.ir_rule", "odoo.addons.base.models")


def defined_here(cls):
    """Return whether a class is written in this addon, and not in one of its samples"""
    return cls.__module__.startswith(PACKAGE)


class RightsCase(SyncCase):
    """One user of each kind, a colleague of each, and a system of another company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.other_company = cls.env["res.company"].create({"name": "Sync Elsewhere"})
        cls.other_backend = cls.env["sync.backend"].create(
            backend_values(name="Undisclosed CRM", company_id=cls.other_company.id)
        )
        cls.other_stream = cls.env["sync.stream"].create(
            stream_values(cls.other_backend, name="Undisclosed contacts")
        )
        cls.users, cls.colleagues = (
            {
                role: new_test_user(cls.env, f"sync_{kind}_{role}", groups=groups)
                for role, groups in ROLES.items()
            }
            for kind in ("one", "colleague")
        )
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.job = cls.jobs(cls)[-1]

    # -- what there is --------------------------------------------------------

    def own_models(self):
        """Return the names of the addon's models that have records."""
        return sorted(
            name
            for name, model in self.env.registry.items()
            if model._original_module == ADDON and not model._abstract
        )

    def own_wizards(self):
        """Return the names of the addon's models that keep records for a while."""
        return [name for name in self.own_models() if self.env[name]._transient]

    def extended_models(self):
        """Return the names of others' models that this addon adds something to."""
        return sorted(
            name
            for name, model in self.env.registry.items()
            if model._original_module != ADDON
            and not model._abstract
            and any(defined_here(cls) for cls in model._base_classes__)
        )

    def public_methods(self, model_name):
        """Return the names of the addon's methods that can be called from outside.

        Not those that read and write records, which are looked at by themselves.
        """
        found = set()
        for cls in filter(defined_here, type(self.env[model_name]).mro()):
            for name, value in vars(cls).items():
                if inspect.isfunction(value) and name not in OPERATIONS:
                    found.add(name)
        return sorted(name for name in found if self.is_public(model_name, name))

    def is_public(self, model_name, name):
        try:
            get_public_method(self.env[model_name], name)
        except AccessError:
            return False
        return True

    # -- records --------------------------------------------------------------

    def values(self, model_name, stream=None, user=None):
        """Return the values of a new record.

        :param stream: the ``sync.stream`` that it is about
        :param user: whose record it will be
        """
        stream = stream or self.stream
        now = fields.Datetime.now()
        of_stream = {"stream_id": stream.id}
        of_backend = {"backend_id": stream.backend_id.id}
        of_record = {**of_stream, "res_id": self.partner.id}
        return {
            **{
                name: lambda: {"job_ids": self.job.ids}
                for name in (
                    "queue.jobs.to.cancelled",
                    "queue.jobs.to.done",
                    "queue.requeue.job",
                )
            },
            "queue.job.channel": lambda: {
                "name": "sync_rights",
                "parent_id": self.env.ref("queue_job.channel_root").id,
            },
            "sync.attempt": lambda: {
                **of_record,
                "operation": "upsert",
                "idempotency_key": "key",
                "digest": "digest",
                "content": "{}",
            },
            "sync.backend": lambda: backend_values(
                name=f"{stream.backend_id.name} 2", company_id=stream.company_id.id
            ),
            "sync.backfill": lambda: of_stream,
            "sync.backfill.start": lambda: of_stream,
            "sync.binding": lambda: of_record,
            "sync.clarify": lambda: {
                "line_ids": [
                    fields.Command.create({"binding_id": self.doubtful(stream).id})
                ],
            },
            "sync.clarify.line": lambda: {
                "binding_id": self.doubtful(stream).id,
                "wizard_id": self.new("sync.clarify", user, stream).id,
            },
            "sync.connection.test": lambda: of_backend,
            "sync.counter": lambda: {
                **of_stream,
                "result": "delivered",
                "bound": 1,
                "attempts": 1,
                "retried": 0,
                "seconds": 1,
            },
            "sync.delivery": lambda: {
                **of_record,
                "operation": "upsert",
                "state": "success",
            },
            "sync.go.live": lambda: of_stream,
            "sync.header": lambda: {
                **of_backend,
                "name": "X-Tenant",
                "secret": True,
            },
            "sync.health": lambda: {"kind": "stuck", "seen": now},
            "sync.incident": lambda: {**of_backend, "kind": "manual", "opened": now},
            "sync.mapping": lambda: {
                **of_stream,
                "field_path": "city",
                "target": "city",
            },
            "sync.node": lambda: {
                "name": "server:8069",
                "noted": now,
                "since": now,
            },
            "sync.now": lambda: {
                "res_model": self.partner._name,
                "res_ids": self.partner.ids,
                "line_ids": [
                    fields.Command.create(self.line_values(stream, self.partner))
                ],
            },
            "sync.now.line": lambda: {
                **self.line_values(stream, self.partner),
                "wizard_id": self.new("sync.now", user, stream).id,
            },
            "sync.outbox": lambda: {**of_record, "operation": "upsert"},
            "sync.preview": lambda: of_record,
            "sync.rate": lambda: of_backend,
            "sync.recover": lambda: of_backend,
            "sync.reschedule": lambda: {"job_ids": self.job.ids},
            "sync.request": lambda: {
                **of_stream,
                "kind": "read",
                "line": "GET contacts/{id}",
            },
            "sync.setup": lambda: {**of_backend, **of_stream, "name": "Shop"},
            "sync.status": lambda: {
                "res_model": self.partner._name,
                "res_id": self.partner.id,
            },
            "sync.stream": lambda: stream_values(
                stream.backend_id, name=f"{stream.name} 2"
            ),
            "sync.trial": lambda: of_stream,
        }[model_name]()

    def doubtful(self, stream):
        """Return the binding of the contact, of which nobody knows what it is there."""
        place = [("stream_id", "=", stream.id), ("res_id", "=", self.partner.id)]
        bindings = self.env["sync.binding"]
        values = {
            "stream_id": stream.id,
            "res_id": self.partner.id,
            "doubt": "maybe",
            "doubt_reason": f"{stream.backend_id.name} did not answer",
        }
        return bindings.search(place) or bindings.create(values)

    def line_values(self, stream, records):
        return {"stream_id": stream.id, "record_count": len(records)}

    def new(self, model_name, user=None, stream=None):
        """Return a record about a stream that a user has made, or that is everybody's.

        :param user: who makes it, whatever the rights to
        """
        stream = stream or self.stream
        known = {
            "ir.actions.actions": self.env.ref("queue_job_sync.action_sync_now"),
            "queue.job": self.job,
            "res.config.settings": self.env["res.config.settings"],
            "sync.backend": stream.backend_id,
            "sync.mapping": stream.mapping_ids[0],
            "sync.stream": stream,
            SYNCHRONIZED: self.partner,
        }
        if model_name in known:
            return known[model_name]
        model = self.env[model_name].with_user(user or self.env.user).sudo()
        record = model.create(self.values(model_name, stream, user))
        record.flush_recordset()
        return record.with_env(self.env)

    # -- calls from outside ---------------------------------------------------

    def rpc(self, user, model_name, method, *args, **kwargs):
        """Call a method as a client of a user does, on what is in the database."""
        self.env.flush_all()
        self.env.invalidate_all()
        context = {"allowed_company_ids": user.company_ids.ids}
        model = self.env(user=user, su=False, context=context)[model_name]
        return call_kw(model, method, list(args), kwargs)

    @contextmanager
    def undone(self):
        """Undo on leaving what is done inside."""
        savepoint = self.env.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            if self.env.registry.cache_invalidated:
                self.env.registry.clear_cache()
                self.env.registry.cache_invalidated.clear()

    def may(self, user, model_name, method, *args):
        """Return whether a call is let through, whatever comes of it then.

        Nothing of it stays.
        """
        with self.undone(), mute_logger(*QUIET):
            try:
                self.rpc(user, model_name, method, *args)
                self.env.flush_all()
            except AccessError:
                return False
            except (DatabaseError, UserError):
                # it was let through, and came to nothing
                return True
        return True

    def answer(self, *args):
        """Return what a call is answered with, or how it is refused."""
        try:
            with mute_logger(*QUIET):
                return self.rpc(*args)
        except (AccessError, ValueError) as err:
            return str(err)

    def may_operate(self, user, record, operation):
        """Return whether a user may read, write or unlink a record."""
        args = {"read": (["id", "display_name"],), "write": ({},), "unlink": ()}
        return self.may(user, record._name, operation, record.ids, *args[operation])

    def may_call(self, user, record, method):
        """Return whether a user may call one of the addon's methods on a record."""
        args = ARGUMENTS.get(method, ())
        if not getattr(getattr(type(record), method), "_api_model", False):
            args = (record.ids, *args)
        return self.may(user, record._name, method, *args)
