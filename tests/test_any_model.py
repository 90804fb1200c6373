# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A model that inherits the mixin has everything as soon as a stream sends it."""

from unittest.mock import patch

from lxml import etree

from odoo import models
from odoo.orm.model_classes import add_to_registry
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..engine.standing import SYNC_STATES
from .common import SyncCase, stream_values

MODEL = "res.partner.category"
BUTTON = "//div[@name='button_box']/button[@name='action_sync_status']"
VIEWS = "odoo.addons.queue_job_sync.models.sync_mixin"


def inherit_mixin():
    """Return the one line that a developer writes, as a model definition."""

    class PartnerCategory(models.Model):
        _register = False
        _module = "queue_job_sync"
        _name = MODEL
        _inherit = [MODEL, "sync.mixin"]

    return PartnerCategory


class AnyModelCase(SyncCase):
    """Contact tags, which nothing in the addon speaks of, inherit the mixin."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        model, mixin = cls.registry[MODEL], cls.registry["sync.mixin"]
        before = model._base_classes__
        cls.addClassCleanup(cls._leave_model, model, mixin, before)
        add_to_registry(cls.registry, inherit_mixin())
        cls._set_up_model()
        cls.tag = cls.env[MODEL].create({"name": "Gold"})
        cls.user = new_test_user(cls.env, "sync_reader", groups="base.group_user")
        cls.editor = new_test_user(
            cls.env,
            "sync_editor",
            groups="base.group_user,base.group_partner_manager",
        )

    @classmethod
    def _set_up_model(cls):
        cls.registry._setup_models__(cls.cr, [MODEL])
        cls.registry.clear_all_caches()

    @classmethod
    def _leave_model(cls, model, mixin, before):
        model._base_classes__ = before
        mixin._inherit_children.discard(MODEL)
        model._setup_done__ = False
        cls._set_up_model()

    def new_stream(self):
        """Set up a synchronization of tags."""
        return self.env["sync.stream"].create(
            stream_values(
                self.backend,
                mapping=(("name", "name"),),
                name="Tags to CRM",
                model_id=self.env["ir.model"]._get(MODEL).id,
                endpoint="tags",
            )
        )

    def view(self, view_type, user=None, view_id=False, model=MODEL):
        """Return a view as a user gets it, as an element."""
        env = self.env(user=user or self.editor)
        return etree.fromstring(env[model].get_view(view_id, view_type)["arch"])

    def actions(self, view_type, user=None, model=MODEL):
        """Return the names in the Action menu of a user."""
        env = self.env(user=user or self.editor)
        views = env[model].get_views([(False, view_type)], {"toolbar": True})["views"]
        return [
            action["name"] for action in views[view_type]["toolbar"].get("action", ())
        ]


@tagged("post_install", "-at_install")
class TestAnyModel(AnyModelCase):
    def shown(self, user=None):
        """Return what of the addon is in the views of tags."""
        return [
            bool(self.view("form", user).xpath(BUTTON)),
            bool(self.view("list", user).xpath("//field[@name='sync_state']")),
            len(self.view("search", user).xpath("//filter[contains(@name, 'sync_')]")),
            [self.actions(each, user) for each in ("list", "form")],
        ]

    NOTHING = [False, False, 0, [[], []]]
    # a filter for each state, and the grouping by them
    FILTERS = len(SYNC_STATES) + 1
    EVERYTHING = [True, True, FILTERS, [["Synchronize now"]] * 2]

    def test_views_follow_the_stream(self):
        self.assertEqual(self.shown(), self.NOTHING)
        stream = self.new_stream()
        self.assertEqual(self.shown(), self.EVERYTHING)
        stream.active = False
        self.assertEqual(self.shown(), self.NOTHING)
        stream.active = True
        self.assertEqual(self.shown(), self.EVERYTHING)
        self.backend.active = False
        self.assertEqual(self.shown(), self.NOTHING)
        self.backend.active = True
        stream.unlink()
        self.assertEqual(self.shown(), self.NOTHING)

    def test_reader_sees_but_does_not_send(self):
        self.new_stream()
        self.assertEqual(self.shown(self.user), [True, True, self.FILTERS, [[], []]])

    def test_portal_user_sees_nothing(self):
        self.new_stream()
        portal = new_test_user(self.env, "sync_portal", groups="base.group_portal")
        self.env["ir.model.access"].create(
            {
                "name": "Tags for customers who edit them",
                "model_id": self.env["ir.model"]._get(MODEL).id,
                "group_id": self.env.ref("base.group_portal").id,
                "perm_read": True,
                "perm_write": True,
            }
        )
        self.assertEqual(self.shown(portal), self.NOTHING)

    def test_edit_makes_a_job_with_channel_and_related_record(self):
        self.new_stream()
        self.tag.name = "Platinum"
        self.before_commit()
        job = self.env["queue.job"].search([("model_name", "=", MODEL)])
        self.assertEqual(job.channel, "root.sync")
        self.assertTrue(job.job_function_id)
        related = job.open_related_action()
        self.assertEqual(
            (related["res_model"], related["res_id"]), (MODEL, self.tag.id)
        )
        self.assertEqual(self.tag.with_user(self.user).sync_state, "waiting")
        self.assertEqual(
            self.env[MODEL].search([("sync_state", "=", "waiting")]), self.tag
        )

    def test_dialog_and_synchronize_now(self):
        self.new_stream()
        record = self.tag.with_user(self.editor)
        record.action_sync_now()
        record.invalidate_recordset()
        action = record.action_sync_status()
        dialog = record.env[action["res_model"]].browse(action["res_id"])
        self.assertIn("Waiting", dialog.content)
        wizard = dialog.action_options()
        lines = record.env["sync.now"].browse(wizard["res_id"]).line_ids
        self.assertEqual(lines.mapped("record_count"), [1])

    # -- views of every shape -------------------------------------------------

    def custom(self, arch, **values):
        """Make a view of tags."""
        view_type = etree.fromstring(arch).tag
        return self.env["ir.ui.view"].create(
            {
                "name": "custom",
                "model": MODEL,
                "type": view_type,
                "arch": arch,
                "priority": 99,
                **values,
            }
        )

    def of(self, view):
        return self.view(view.type, view_id=view.id)

    def test_form_with_a_button_box(self):
        self.new_stream()
        view = self.custom(
            "<form><sheet><div name='button_box'><button name='unlink' type='object'/>"
            "</div><field name='name'/></sheet></form>"
        )
        buttons = self.of(view).xpath("//div[@name='button_box']/button/@name")
        self.assertEqual(buttons, ["unlink", "action_sync_status"])

    def test_small_form_stays_small(self):
        self.new_stream()
        view = self.custom("<form><field name='name'/></form>")
        self.assertFalse(self.of(view).xpath("//button"))
        view.priority = 1  # now it is the form of the model
        self.assertTrue(self.of(view).xpath(BUTTON))

    def test_views_inside_a_view_are_not_taken_for_it(self):
        self.new_stream()
        view = self.custom(
            "<form><sheet><field name='child_ids'><form><sheet>"
            "<div name='button_box'/><field name='name'/></sheet></form></field>"
            "</sheet></form>"
        )
        boxes = self.of(view).xpath("//button[@name='action_sync_status']/..")
        self.assertEqual(len(boxes), 1)
        self.assertEqual(boxes[0].getparent().getparent().tag, "form")
        self.assertFalse(boxes[0].xpath("ancestor::field"))

    def test_what_a_person_has_added_is_not_repeated(self):
        self.new_stream()
        column = self.custom(
            "<list><field name='name'/><field name='sync_state'/></list>"
        )
        self.assertEqual(len(self.of(column).xpath("//field[@name='sync_state']")), 1)
        search = self.custom(
            "<search><filter name='sync_failed' string='My failures'"
            " domain=\"[('sync_state', '=', 'failed')]\"/></search>"
        )
        names = self.of(search).xpath("//filter/@name")
        states = {f"sync_{state}" for state, _label in SYNC_STATES}
        self.assertEqual(sorted(names), sorted({*states, "group_by_sync_state"}))
        self.assertEqual(names[0], "sync_failed")

    def test_search_view_with_groups_or_nothing(self):
        self.new_stream()
        search = self.custom(
            "<search><field name='name'/><group><filter name='by_parent'"
            " string='Parent' context=\"{'group_by': 'parent_id'}\"/></group></search>"
        )
        view = self.of(search)
        filters = ["filter"] * len(SYNC_STATES)
        self.assertEqual(
            [node.tag for node in view], ["field", "separator", *filters, "group"]
        )
        groupings = ["by_parent", "group_by_sync_state"]
        self.assertEqual(view.xpath("//group/filter/@name"), groupings)
        empty = self.of(self.custom("<search/>"))
        self.assertEqual(len(empty.xpath("//filter")), self.FILTERS)

    def test_card_has_a_badge(self):
        self.new_stream()
        for card, parent, after in (
            ("<field name='name'/><footer>Last</footer>", "t", ["footer"]),
            ("<aside/><main><field name='name'/></main>", "main", []),
        ):
            kanban = self.custom(
                f"<kanban><templates><t t-name='card'>{card}</t></templates></kanban>"
            )
            view = self.of(kanban)
            (badge,) = view.xpath("//templates//div[hasclass('o_sync_badge')]")
            self.assertEqual(badge.getparent().tag, parent)
            self.assertTrue(view.xpath("/kanban/field[@name='sync_state']"))
            self.assertEqual([node.tag for node in badge.itersiblings()], after)

    def test_card_that_shows_the_state_is_left_alone(self):
        self.new_stream()
        kanban = self.custom(
            "<kanban><templates><t t-name='card'><field name='sync_state'/></t>"
            "</templates></kanban>"
        )
        self.assertEqual(len(self.of(kanban).xpath("//field[@name='sync_state']")), 1)

    def test_views_of_other_kinds_are_left_alone(self):
        self.new_stream()
        for arch in (
            "<graph><field name='parent_id'/></graph>",
            "<kanban><templates><t t-name='menu'/></templates></kanban>",
        ):
            view = self.of(self.custom(arch))
            self.assertNotIn("sync_", etree.tostring(view, encoding="unicode"))

    def test_view_that_cannot_be_completed_is_shown_as_it_is(self):
        self.new_stream()
        # no view is known to do this
        with (
            patch(f"{VIEWS}.SyncMixin._sync_complete_form", side_effect=ValueError),
            mute_logger(VIEWS),
        ):
            self.env.registry.clear_cache("templates")
            form = self.view("form")
        self.env.registry.clear_cache("templates")
        self.assertTrue(form.xpath("//field[@name='name']"))
        self.assertFalse(form.xpath("//button[@name='action_sync_status']"))

    def test_only_the_watched_model(self):
        self.stream.active = False
        self.new_stream()
        self.assertFalse(self.view("form", model="res.partner").xpath(BUTTON))
        self.assertNotIn("Synchronize now", self.actions("form", model="res.partner"))

    def test_language_of_the_reader(self):
        self.new_stream()
        state = self.env[MODEL].fields_get(["sync_state"])["sync_state"]
        self.assertEqual(state["string"], "Synchronization")
        self.assertEqual(
            self.view("search").xpath("//filter[@name='sync_failed']/@string"),
            ["Synchronization: Failed"],
        )
