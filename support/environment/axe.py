# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""axe-core, which looks for what people cannot perceive or use on a page."""

from . import node, paths

FILE = paths.NODE / "node_modules/axe-core/axe.min.js"


def ensure():
    """Have axe-core.

    :return: path of the script to run in a page
    :raise Failure: when there is no Node.js and it cannot be installed
    """
    node.ensure()
    return FILE
