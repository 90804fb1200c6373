# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What buttons answer with."""


def window(record, xmlid, access="read", **values):
    """Return a window action about one record, for those who may see it.

    :param record: whose button it is
    :param str xmlid: of the action
    :param str access: what the user has to be allowed to do with the record
    :param values: what is other than in the view files, such as its domain
    :raises AccessError: the user may not
    """
    record.ensure_one()
    record.check_access(access)
    return {**record.env["ir.actions.act_window"]._for_xml_id(xmlid), **values}


def success(message, **params):
    """Return the client action that tells the user of a success.

    :param params: of the notification, such as its title and what is next
    """
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {"type": "success", "message": message, **params},
    }


def warning(message, **params):
    """Return the client action that tells the user what is not as he may expect.

    :param params: as for :func:`success`
    """
    return success(message, **{"type": "warning", **params})


def closed(**infos):
    """Return the action that closes a dialog.

    :param infos: for the view below it
    """
    action = {"type": "ir.actions.act_window_close"}
    return {**action, "infos": infos} if infos else action
