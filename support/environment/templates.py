# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Databases for the tests: a copy of one in which the dependencies are installed."""

import fcntl
import os
import re
import shutil
import socket
import time
from contextlib import contextmanager

from . import addon, odoo, paths, postgres, source, stamps
from .console import run

DEPENDENCIES = ("contacts", "queue_job")
# What the sample addons need besides.
SAMPLE_DEPENDENCIES = ("sale",)
# A server of somebody's own may serve other checkouts and machines too.
CHECKOUT = stamps.key(socket.gethostname(), str(paths.WORK))[:6]
PREFIX = f"{paths.ADDON}_{CHECKOUT}_"
FILESTORE = paths.DATA_DIR / "filestore"


def template(variables, samples=False):
    """The database with the dependencies only, made once per version of them.

    :param variables: the database server's
    :param samples: with those of the sample addons too
    :return: its name
    """
    kind = "samples" if samples else "deps"
    more = SAMPLE_DEPENDENCIES if samples else ()
    # what Odoo finds is in its list of modules
    found = sorted(
        file.parent.name for file in paths.TEST_ADDONS.glob("*/__manifest__.py")
    )
    key = stamps.key(source.version(), paths.REQUIREMENTS, *more, *found)
    return _made(kind, key, (*DEPENDENCIES, *more), variables)


def addon_template(variables):
    """The database with the addon as it is now, made once per version of its files.

    :param variables: the database server's
    :return: its name
    """
    base = template(variables)
    parts = [
        part
        for file in addon.installed_files()
        for part in (str(file.relative_to(paths.ROOT)), file)
    ]
    return _made("addon", stamps.key(base, *parts), [paths.ADDON], variables, base)


def _made(kind, key, modules, variables, base=None):
    """Have the template of a kind.

    :param kind: a word for its name; those of other keys are dropped
    :param key: what it depends on
    :param modules: what to install
    :param base: the template to begin with, if not with nothing
    :return: its name
    """
    name = f"{PREFIX}{kind}_{key[:8]}"
    with _one_at_a_time(f"template-{kind}"):
        if exists(name) and (FILESTORE / name).is_dir():
            return name
        for (old,) in postgres.sql(f"SELECT datname FROM pg_database {_like(kind)}"):
            drop(old)
        partial = f"{PREFIX}partial_{kind}"
        drop(partial)
        if base:
            copy_as(base, partial)
        what = f"Installing {', '.join(modules)} into a database"
        # whole lines: others may print meanwhile
        print(f"{what} ...", flush=True)
        start = time.monotonic()
        run(
            odoo.command_line(
                *("-d", partial, "-i", ",".join(modules), "--no-http"),
                *("--stop-after-init", "--max-cron-threads=0"),
            ),
            log=f"template-{kind}.log",
            what=what,
            env=odoo.environment(variables),
        )
        print(f"{what} took {time.monotonic() - start:.0f} s", flush=True)
        _move_filestore(partial, name)
        postgres.sql(f'ALTER DATABASE "{partial}" RENAME TO "{name}"')
    return name


@contextmanager
def copy(name, purpose):
    """A copy of a database while the body runs.

    :param name: the database to copy
    :param purpose: a word for the copy's name
    :return: the copy's name
    """
    _drop_orphans(purpose)
    made = f"{PREFIX}{purpose}_{os.getpid()}"
    drop(made)
    try:
        copy_as(name, made)
        yield made
    finally:
        drop(made)


def copy_as(name, made):
    """Copy a database, and its files, under a name that no other has.

    :param name: the database to copy
    :param made: the copy's name
    """
    with _one_at_a_time("databases"):
        postgres.sql(f'CREATE DATABASE "{made}" TEMPLATE "{name}"')
    shutil.rmtree(FILESTORE / made, ignore_errors=True)
    # Odoo never changes a stored file in place, so links do.
    shutil.copytree(FILESTORE / name, FILESTORE / made, copy_function=os.link)


def exists(name):
    """Whether there is such a database."""
    return bool(postgres.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def drop(name):
    """Drop a database and its files; it need not exist."""
    postgres.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    shutil.rmtree(FILESTORE / name, ignore_errors=True)


def _drop_orphans(purpose):
    """Drop copies of runs on this machine that were killed."""
    if postgres.external():
        return
    for (name,) in postgres.sql(f"SELECT datname FROM pg_database {_like(purpose)}"):
        pid = re.search(r"_(\d+)$", name)
        if pid and not os.path.exists(f"/proc/{pid[1]}"):
            drop(name)


def _like(word):
    return f"WHERE starts_with(datname, '{PREFIX}{word}_')"


def _move_filestore(old, new):
    shutil.rmtree(FILESTORE / new, ignore_errors=True)
    (FILESTORE / old).mkdir(parents=True, exist_ok=True)
    (FILESTORE / old).rename(FILESTORE / new)


@contextmanager
def _one_at_a_time(what):
    """Of the processes of this checkout; copying asks that nobody else does."""
    with (paths.WORK / f"{what}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
