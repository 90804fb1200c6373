# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What views of the web client ask of the server, such as when a contact is saved.

The web client makes the specification of ``web_save`` from the view: every field in it,
for links also what the view shows of the linked records (``getFieldsSpec`` in
``web/static/src/model/relational_model/utils.js``).
"""

from lxml import etree

# What these widgets show of the linked records, besides what the view says.
TAGS = ("many2many_tags", "many2many_tags_avatar", "many2many_checkboxes")
LIMIT = 40  # records of a list in a form, as the web client has it


def contact_form(session):
    """Return the specification that the contact form of a database sends.

    :param session: the user's ``WebSession``
    """
    return specification(session, "res.partner", "form")


def specification(session, model, kind, view_id=False):
    """Return the specification that a view of a database sends.

    :param session: the user's ``WebSession``
    :param kind: of view, such as ``form``
    :param view_id: of the view, if it is not the default one
    """
    answer = session.call(
        model, "get_views", views=[[view_id, kind]], options={"toolbar": True}
    )
    types = {
        model: {name: field["type"] for name, field in described["fields"].items()}
        for model, described in answer["models"].items()
    }
    arch = etree.fromstring(answer["views"][kind]["arch"])
    relations = {
        model: {
            name: field.get("relation") for name, field in described["fields"].items()
        }
        for model, described in answer["models"].items()
    }
    return _specification(arch, model, types, relations)


def _specification(arch, model, types, relations):
    found = {}
    for node in _fields(arch):
        name = node.get("name")
        kind = types[model].get(name)
        entry = found.setdefault(name, {})
        hidden = node.get("invisible") in ("True", "1")
        if kind in ("one2many", "many2many") and not hidden:
            related = _related(node, relations[model][name], types, relations)
            if related:
                entry.setdefault("fields", {}).update(related)
                entry["limit"] = LIMIT
        elif kind in ("many2one", "reference"):
            entry.setdefault("fields", {})
            if not hidden:
                entry["fields"]["display_name"] = {}
    return found


def _related(node, model, types, relations):
    """Return what a view shows of the records behind a list field."""
    views = {view.tag: view for view in node if view.tag in ("list", "kanban")}
    for mode in (node.get("mode") or "list,kanban").split(","):
        if mode in views:
            return _specification(views[mode], model, types, relations)
    if node.get("widget") in TAGS:
        color = "color" in (node.get("options") or "")
        return {"display_name": {}, **({"color": {}} if color else {})}
    return {}


def _fields(arch):
    """Yield the fields of a view, not those of the views inside it."""
    for node in arch:
        if node.tag == "field":
            yield node
        else:
            yield from _fields(node)
