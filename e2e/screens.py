# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the web client asks the server for when it opens a screen."""

SETTINGS = "res.config.settings"
# Models of others whose screens the addon extends.
EXTENDED = ("res.partner", "queue.job", "res.company", SETTINGS)


def opened(admin, model):
    """Open a model's screens, with all their fields of all its records.

    :param admin: client of a user who may
    :return: the views as one text
    :raises OdooError: when a view or a field does not work
    """
    kinds = ["form", "search"] + ["list"] * (model != SETTINGS)
    views = [[False, kind] for kind in kinds]
    answer = admin.call(model, "get_views", views=views, options={})
    fields = dict.fromkeys(answer["models"][model]["fields"], {})
    if model == SETTINGS:
        admin.call(model, "onchange", values={}, field_names=[], fields_spec=fields)
    else:
        ids = admin.call(model, "search", domain=[])
        admin.call(model, "web_read", ids, specification=fields)
    return "\n".join(view["arch"] for view in answer["views"].values())
