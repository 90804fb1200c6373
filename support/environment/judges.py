# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What recipes are judged by and is not written here, installed under ``.odoo``."""

from . import node, paths, python, stamps
from .console import Step

FOLDER = paths.WORK / "judges"
NODE_MODULES = FOLDER / "node_modules"
MANIFESTS = tuple(
    paths.DEV / "judges" / name for name in ("package.json", "package-lock.json")
)


def ensure(heavy=False):
    """Have json-server, a GraphQL server and localstripe.

    :param heavy: also Strapi and Prism, which take minutes
    :raise Failure: when there is no Node.js and it cannot be installed
    """
    node.ensure()
    python.ensure_judges()
    key = stamps.key("1", *MANIFESTS)
    if not heavy or stamps.fresh("judges", key):
        return
    with stamps.made("judges", key), Step("Installing Strapi and Prism"):
        node.install(MANIFESTS, FOLDER)
