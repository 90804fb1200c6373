# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import copy
import logging

from lxml import etree
from lxml.builder import E

from odoo import api, models

_logger = logging.getLogger(__name__)

GROUP = "base.group_user"
DECORATIONS = {
    "decoration-success": "sync_state == 'synced'",
    "decoration-info": "sync_state == 'waiting'",
    "decoration-danger": "sync_state == 'failed'",
}


class SyncMixin(models.AbstractModel):
    """The button, column and filters in the views of every synchronized model.

    They are put into the finished views, whatever addons and people have made of them,
    while a synchronization of the model is live; there is no view record to inherit
    from or to leave behind.
    """

    _inherit = "sync.mixin"

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
        """Return a view with what this addon shows in views of its kind.

        People must be able to open any view: one that cannot be completed is shown as
        it is, and the log says so.

        :param arch: the view, as an ``lxml`` element, which is left as it is
        :param view: its ``ir.ui.view``, empty for one that Odoo made up
        """
        completed = copy.deepcopy(arch)
        try:
            if completed.tag == "form":
                self._sync_complete_form(completed, view)
            elif completed.tag == "list":
                self._sync_complete_list(completed)
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
    def _sync_complete_search(self, search):
        filters = [
            E.filter(
                {
                    "name": f"sync_{state}",
                    "string": label,
                    "domain": f"[('sync_state', '=', '{state}')]",
                    "groups": GROUP,
                }
            )
            for state, label in (
                ("failed", self.env._("Failed at sync")),
                ("waiting", self.env._("Waiting at sync")),
                ("skipped", self.env._("Skipped at sync")),
            )
            if not _own_nodes(search, "filter", f"sync_{state}")
        ]
        last = [node for node in search if node.tag in ("field", "filter")][-1:]
        place = search.index(last[0]) + 1 if last else 0
        nodes = [etree.Element("separator"), *filters] if filters else []
        for offset, node in enumerate(nodes):
            search.insert(place + offset, node)


def _own_nodes(view, tag, name):
    """Return the nodes of a name in a view, not those of the views inside it."""
    return view.xpath(f".//{tag}[@name='{name}'][not(ancestor::field)]")
