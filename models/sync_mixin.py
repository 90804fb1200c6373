# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import copy
import logging

from lxml.builder import E

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import capture, jobs, standing
from ..engine.capture import noted
from ..engine.run import Run

_logger = logging.getLogger(__name__)

# Who is shown what is put into views, and how a list shows it.
GROUP = "base.group_user"
DECORATIONS = {
    "decoration-success": "sync_state == 'synced'",
    "decoration-info": "sync_state in ('waiting', 'accepted')",
    "decoration-warning": "sync_state == 'doubt'",
    "decoration-danger": "sync_state == 'failed'",
}
# What a card says: where nobody has to do or to know anything, it says nothing.
ICONS = {
    "failed": "fa-exclamation-triangle text-danger",
    "doubt": "fa-question-circle text-warning",
    "waiting": "fa-clock-o text-info",
    "skipped": "fa-ban text-muted",
    "unsent": "fa-circle-o text-muted",
}


class SyncState(fields.Selection):
    """How far systems are with a record, which is worked out and can be grouped by."""

    def _description_groupable(self, env):
        # the client is told with each view: it need not be tried
        return env["sync.stream"]._is_watched(self.model_name)


class SyncMixin(models.AbstractModel):
    """A record that external systems are kept in step with.

    A model takes part by inheriting this mixin; nothing else is needed before a
    synchronization (``sync.stream``) can be set up for it. It may override
    :meth:`_sync_domain`, :meth:`_sync_watched_fields`, :meth:`_sync_watched_lines` and
    :meth:`_sync_payload`.
    """

    _name = "sync.mixin"
    _description = "Synchronized Model"

    sync_state = SyncState(
        standing.SYNC_STATES,
        "Synchronization",
        compute="_compute_sync_state",
        search="_search_sync_state",
        compute_sudo=True,
        groups="base.group_user",
        falsy_value_label="Not Synchronized",
        help="Not Sent Yet: a system is to have it, and nothing of it has been sent. "
        "Synced: every system holds the latest state. Deleted There: the systems have "
        "confirmed that it is gone. Waiting: a change is on its way. To Be Clarified: "
        "it may be in a system already, and somebody has to look there. Accepted, Not "
        "Confirmed: a system has not said that it is carried out. Skipped: a person "
        "closed the job, so a system may hold an older state. Failed: a change could "
        "not be delivered.",
    )
    sync_date = fields.Datetime(
        "Synchronization Date",
        compute="_compute_sync_state",
        compute_sudo=True,
        groups="base.group_user",
        help="When it was delivered or failed, or since when it waits.",
    )

    # -- the contract ---------------------------------------------------------

    def _sync_domain(self, stream):
        """Return which records of this model a stream sends.

        Active ones unless the stream's own filter speaks of ``active``, and those of
        the system's company or of none.

        :param stream: the ``sync.stream``
        :return: :class:`odoo.fields.Domain`
        """
        domain = Domain(stream._parsed_domain())
        named = {condition.field_expr for condition in domain.iter_conditions()}
        if self._active_name and self._active_name not in named:
            domain &= Domain(self._active_name, "=", True)
        company_id = stream._facts().company_id
        if company_id and "company_id" in self._fields:
            domain &= Domain("company_id", "in", [False, company_id])
        return domain

    def _sync_watched_fields(self, stream):
        """Return the fields whose edit has to be sent.

        The mapped fields, those that mapped methods and the filter look at, with every
        field of the same model that they are computed from. An edit behind a link, such
        as another name for the country, is not watched; one of lines is, see
        :meth:`_sync_watched_lines`.

        :param stream: the ``sync.stream``
        :return: set of field names
        """
        return capture.closure(self, self._sync_paths(stream))[0]

    def _sync_watched_lines(self, stream):
        """Return the fields of lines whose edit has to be sent with their record.

        An edit of a line is noticed if the lines inherit ``sync.mixin`` too. The fields
        are those to which the mapping or the filter leads over a link to lines
        (``One2many``), such as ``order_line.name``, and those that such a field, as
        ``amount_total``, is computed from. To be extended with a :meth:`_sync_payload`
        that reads others.

        :param stream: the ``sync.stream``
        :return: dict ``{name of the link: set of field names of the lines}``
        """
        _own, behind = capture.closure(self, self._sync_paths(stream))
        return {
            name: capture.closure(self.env[self._fields[name].comodel_name], paths)[0]
            for name, paths in behind.items()
        }

    def _sync_paths(self, stream):
        """Return the paths that the content of a stream, and its filter, look at."""
        return {
            *stream.mapping_ids._watched_paths(),
            *(
                condition.field_expr
                for condition in self._sync_domain(stream).iter_conditions()
            ),
        }

    def _sync_payload(self, stream):
        """Return the content that is sent for one record.

        :param stream: the ``sync.stream``
        :return: dict that JSON can hold; for SQL, values by column
        """
        self.ensure_one()
        return stream._payload_plan().content_of(self)

    def _sync_payloads(self, stream):
        """Return the content that is sent for each of these records.

        They share what has to be read for it: the number of queries does not depend on
        the number of records.

        :param stream: the ``sync.stream``
        :return: dict of what :meth:`_sync_payload` returns, by record id
        """
        return {record.id: record._sync_payload(stream) for record in self}

    # -- change capture -------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        capture.remember_changes(records)
        return records

    def write(self, vals):
        capture.remember_parents(self, vals.keys(), moving=True)
        res = super().write(vals)
        capture.remember_changes(self, vals.keys())
        return res

    def unlink(self):
        capture.remember_changes(self, names=True)
        capture.remember_deleted_with(self)
        return super().unlink()

    # -- the job --------------------------------------------------------------

    def _sync_deliver(self, stream):
        """Deliver records as they are now

        This is the job: it runs as the user whose edit made it, whose rights and
        language do not change what is sent.

        :param stream: the ``sync.stream`` to serve
        :return: what was done, in a sentence
        :raises RetryableJobError: to be tried again
        :raises SyncError: this record will not get through as it is
        """
        # in the environment of the job, which names it
        stream = stream.with_env(self.env(su=True))
        return Run(stream, self.ids).go()

    @api.model
    def _job_store_values(self, job):
        """Link the job to what it sends, so that it can be searched by it.

        (queue_job documents a hook per method, but this general one, which it calls
        after it, replaces what that returned.)
        """
        values = super()._job_store_values(job)
        if job.method_name != "_sync_deliver":
            return values
        values = {**values, **jobs.told_values(job)}
        if job.retry or job.date_enqueued:
            # it was linked when it was made
            return values
        (stream,) = job.args
        values = {
            **values,
            "sync_stream_id": stream.id,
            "sync_backend_id": stream._facts().backend_id,
            "sync_res_id": self.id if len(self) == 1 else False,
        }
        name = self.env.context.get("sync_record_name")
        if name:  # not when a person requeues the job, or closes it before it ran
            values["sync_record_name"] = name
        return values

    # -- what people see of it ------------------------------------------------

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_sync_state(self):
        found_of = {}
        # who saves a form reads this, and must not lose what he has typed
        with noted(_logger, "The state of %s cannot be shown", self):
            found_of = {
                id_: standing.most_urgent(systems.values())
                for id_, systems in standing.situations(self).items()
            }
        for record in self:
            found = found_of.get(record.id)
            record.sync_state = found and found.state
            record.sync_date = found and found.since

    def _search_sync_state(self, operator, value):
        if operator not in ("in", "not in"):
            return NotImplemented
        self._check_field_access(self._fields["sync_state"], "read")
        known = [False, *(state for state, _label in standing.SYNC_STATES)]
        wanted = [state for state in known if (state in value) == (operator == "in")]
        return standing.state_domain(self, wanted) if wanted else Domain.FALSE

    def _read_group_groupby(self, alias, groupby_spec, query):
        if groupby_spec != "sync_state":
            return super()._read_group_groupby(alias, groupby_spec, query)
        self._check_field_access(self._fields[groupby_spec], "read")
        return standing.state_to_sql(self, alias, query)

    # -- what people do about it ----------------------------------------------

    def action_sync_status(self):
        """Show, system by system, what has been delivered of this record."""
        self.ensure_one()
        return self.env["sync.status"]._open(self)

    def action_sync_jobs(self):
        """Open the jobs that sent these records.

        :raises AccessError: the user may not read these records, or no jobs at all
        """
        self.check_access("read")
        self.env["queue.job"].check_access("read")
        actions = self.env["ir.actions.act_window"]
        action = actions._for_xml_id("queue_job.action_queue_job")
        own = Domain("model_name", "=", self._name)
        alone = own & Domain("sync_res_id", "in", self.ids)
        with_others = Domain("uuid", "in", standing.job_uuids(self))
        return {**action, "domain": list(alone | with_others), "context": {}}

    def action_sync_now(self):
        """Send these records to every system they belong in, changed or not.

        :raises AccessError: the user may not edit these records, or is no internal one
        :raises UserError: no synchronization sends any of them
        """
        self.check_access("write")
        self.env["sync.now"].check_access("write")
        streams = standing.streams_of(self.env, self._name)
        return self._sync_send(streams)

    def _sync_send(self, streams, priority=None, eta=None):
        """Queue these records by hand, and say how many deliveries that makes.

        :param streams: where to, as superuser
        :param int priority: of the jobs, if not the streams'; several go in bulk
        :param eta: when the jobs may run (UTC, naive), ``None`` for now
        :return: action that tells the user
        :raises UserError: no synchronization sends any of them
        """
        counts = {}
        for stream in streams:
            matching = self.browse(stream._matching(self)._ids)
            capture.enqueue(stream, matching, force=True, priority=priority, eta=eta)
            counts[stream] = len(matching)
        if not any(counts.values()):
            raise UserError(
                self.env._("No synchronization is set up for the selected records.")
            )
        return self.env["sync.now"]._sent(counts)

    # -- its views ------------------------------------------------------------

    # The button, column, badge and filters are put into the finished views, whatever
    # addons and people have made of them, while a synchronization of the model is live;
    # there is no view record to inherit from or to leave behind.

    @api.model
    def _get_view_cache_key(self, view_id=None, view_type="form", **options):
        key = super()._get_view_cache_key(view_id, view_type, **options)
        # by whether there is one, so that the first and the last clear nothing
        return (*key, self.env["sync.stream"]._is_watched(self._name))

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        if self.env["sync.stream"]._is_watched(self._name):
            arch = self._sync_completed_view(arch, view)
        return arch, view

    @api.model
    def _sync_completed_view(self, arch, view):
        """Return a copy of a view with what this addon shows in views of its kind.

        People must be able to open any view: one that cannot be completed is shown as
        it is, and the log says so. ``view`` is empty for one that Odoo made up.
        """
        completed = copy.deepcopy(arch)
        try:
            if completed.tag == "form":
                self._sync_complete_form(completed, view)
            elif completed.tag == "list":
                self._sync_complete_list(completed)
            elif completed.tag == "kanban":
                self._sync_complete_kanban(completed)
            elif completed.tag == "search":
                self._sync_complete_search(completed)
        except Exception:
            _logger.warning(
                "The synchronization cannot be shown in view %s of %s",
                view.id,
                self._name,
                exc_info=True,
            )
            return arch
        return completed

    @api.model
    def _sync_complete_form(self, form, view):
        if _own_nodes(form, "button", "action_sync_status"):
            return
        boxes = _own_nodes(form, "div", "button_box")
        if boxes:
            box = boxes[0]
        else:
            sheet = form.find(".//sheet")
            default = self.env["ir.ui.view"].sudo().default_view(self._name, "form")
            if sheet is None and view.id != default:
                # made to be small: a quick creation, or a dialog
                return
            box = E.div({"name": "button_box", "class": "oe_button_box"})
            (form if sheet is None else sheet).insert(0, box)
        box.append(
            E.button(
                {
                    "name": "action_sync_status",
                    "type": "object",
                    "class": "oe_stat_button",
                    "icon": "fa-exchange",
                    "groups": GROUP,
                    "invisible": "not sync_state",
                },
                E.field({"name": "sync_date", "invisible": "1"}),
                E.field({"name": "sync_state", "widget": "sync_status"}),
            )
        )

    @api.model
    def _sync_complete_list(self, tree):
        if _own_nodes(tree, "field", "sync_state"):
            return
        column = {"name": "sync_state", "optional": "hide", "widget": "badge"}
        tree.append(E.field({**column, **DECORATIONS, "groups": GROUP}))

    @api.model
    def _sync_complete_kanban(self, kanban):
        cards = kanban.xpath("./templates/t[@t-name='card']")
        if not cards or _own_nodes(kanban, "field", "sync_state"):
            return
        kanban.insert(0, E.field({"name": "sync_state", "groups": GROUP}))
        place = cards[0].find(".//main")
        place = cards[0] if place is None else place
        footer = place.find("footer")
        badge = E.div(
            {
                "class": "o_sync_badge d-flex align-items-center",
                "invisible": f"sync_state not in {tuple(ICONS)}",
                "groups": GROUP,
            },
            *(
                E.i(
                    {
                        "class": f"fa fa-fw {icon}",
                        "aria-hidden": "true",
                        "invisible": f"sync_state != '{state}'",
                    }
                )
                for state, icon in ICONS.items()
            ),
            E.field({"name": "sync_state", "widget": "badge", **DECORATIONS}),
        )
        place.insert(len(place) if footer is None else place.index(footer), badge)

    @api.model
    def _sync_complete_search(self, search):
        field = self._fields["sync_state"]
        labels = dict(field._description_selection(self.env))
        filters = [
            E.filter(
                {
                    "name": f"sync_{state}",
                    "string": self.env._("Synchronization: %s", labels[state]),
                    "domain": f"[('sync_state', '=', '{state}')]",
                    "groups": GROUP,
                }
            )
            for state in standing.BY_URGENCY
            if not _own_nodes(search, "filter", f"sync_{state}")
        ]
        last = [node for node in search if node.tag in ("field", "filter")][-1:]
        place = search.index(last[0]) + 1 if last else 0
        if filters:
            search[place:place] = [E.separator(), *filters]
        if not _own_nodes(search, "filter", "group_by_sync_state"):
            grouping = E.filter(
                {
                    "name": "group_by_sync_state",
                    "string": field._description_string(self.env),
                    "context": "{'group_by': 'sync_state'}",
                    "groups": GROUP,
                }
            )
            groups = search.xpath("./group[filter[contains(@context, 'group_by')]]")
            if groups:
                groups[-1].append(grouping)
            else:
                search.append(E.group(grouping))


def _own_nodes(view, tag, name):
    """Return the nodes of a name in a view, not those of the views inside it."""
    return view.xpath(f".//{tag}[@name='{name}'][not(ancestor::field)]")
