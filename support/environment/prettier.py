# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Prettier with its XML plugin, see :mod:`.node`."""

from . import paths


def command(fix):
    """The command that checks, or rewrites, the files named after it."""
    modules = paths.NODE / "node_modules"
    return [
        *("node", str(modules / "prettier/bin/prettier.cjs")),
        *("--config", str(paths.DEV / "prettier.json")),
        *("--plugin", str(modules / "@prettier/plugin-xml/src/plugin.js")),
        *("--no-color", "--log-level=warn", "--write" if fix else "--check"),
    ]
