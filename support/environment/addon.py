# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The addon under its technical name, whatever the checkout's folder is called.

``.odoo/addons/queue_job_sync`` is a folder of links to the addon's own files, so
that Odoo neither walks into the environment nor into Git's files.
"""

import shutil

from . import paths

# Top-level items of the repository that are no part of the addon.
NOT_ADDON = {
    "benchmarks",
    "dev",
    "docs",
    "e2e",
    "node_modules",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "support",
    "__pycache__",
}


def items(root=paths.ROOT):
    """The files and folders at the top of the repository that make the addon."""
    return sorted(
        item
        for item in root.iterdir()
        if not item.name.startswith(".") and item.name not in NOT_ADDON
    )


def installed_files():
    """The files that an installation may read: all of the addon's but its tests."""
    every = (
        file
        for item in items()
        if item.name != "tests"
        for file in (item, *item.rglob("*"))
    )
    return sorted(
        file for file in every if file.is_file() and "__pycache__" not in file.parts
    )


def refresh():
    """Make the folder of links anew where something was added or removed.

    :return: the addons folder to give Odoo
    """
    folder = paths.ADDONS / paths.ADDON
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {item.name: item for item in items()}
    for link in folder.iterdir():
        if link.is_symlink() and link.readlink() != wanted.get(link.name):
            link.unlink()
    for name, item in wanted.items():
        if not (folder / name).exists():
            (folder / name).symlink_to(item)
    return paths.ADDONS


def copy_to(folder, root=paths.ROOT):
    """Copy the addon's own files to a new folder.

    :param root: of the repository that holds them
    """
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for item in items(root):
        if item.is_dir():
            shutil.copytree(item, folder / item.name, ignore=ignore)
        else:
            shutil.copy2(item, folder)
