# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Takes the pictures in the environment that dev/setup has made."""

import argparse
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import requests

from dev.programs.pictures.camera import Camera, save_small
from dev.programs.pictures.pictures import PICTURES
from support import databases, processes
from support.browser import PageError
from support.environment import browser, console, odoo, paths, postgres, templates

DATABASE = "screenshots"
MANY = "screenshots_many"


def main():
    parser = argparse.ArgumentParser(prog="dev/screenshots")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--keep-data", action="store_true")
    parser.add_argument("--into", type=Path)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(PICTURES)
    if unknown:
        raise console.Failure(
            f"There is no picture {', '.join(sorted(unknown))}; "
            f"there are {', '.join(PICTURES)}."
        )
    try:
        take(arguments.names or list(PICTURES), arguments.keep_data, arguments.into)
    except (
        RuntimeError,
        PageError,
        processes.NotInTime,
        databases.NotOurs,
    ) as error:
        raise console.Failure(str(error)) from None


def take(names, keep_data, into=None):
    """Take pictures.

    :param names: keys of ``PICTURES``
    :param keep_data: whether to leave the database as it was the last time
    :param into: path of a folder for all of them, if not where each belongs
    """
    with postgres.running() as variables:
        os.environ.update(variables)
        few = [name for name in names if not PICTURES[name].many]
        many = [name for name in names if PICTURES[name].many]
        for database, programs, chosen in (
            (DATABASE, ("data",), few),
            (MANY, ("data", "many"), many),
        ):
            if chosen:
                if not keep_data:
                    make_database(database)
                records = {}
                for program in programs:
                    records |= prepare(database, program)
                take_of(database, chosen, records, into)


def take_of(database, names, records, into):
    """Take pictures of what a database holds.

    :param dict records: ids of what the pictures name
    :param into: see :func:`take`
    """
    with (
        serve(database) as url,
        Camera(browser.find(), url, log_in(url, database)) as page,
    ):
        for name in names:
            picture = PICTURES[name]
            with console.Step(f"Taking {name}.png"):
                data = page.picture(
                    picture.address.format(**records),
                    picture.clicks,
                    picture.visible,
                    picture.size,
                    picture.dialog.format(**records),
                )
                folder = into or picture.folder
                folder.mkdir(exist_ok=True)
                save_small(data, folder / f"{name}.png")


def make_database(database):
    """Have a database with the addon, without Odoo's demo data."""
    template = templates.addon_template(os.environ)
    with console.Step(f"Making the database {database}"):
        databases.copy_template(template, database)


def prepare(database, program):
    """Run ``data.py`` or ``many.py`` within Odoo.

    :param program: which of them
    :return: dict of the ids of the records that pictures are taken of
    """
    code = f"from dev.programs.pictures import {program}; {program}.prepare(env)\n"
    path = paths.LOGS / f"screenshots-{program}.log"
    with (
        console.Step("Preparing contacts, systems and jobs"),
        open(path, "w") as log,
    ):
        shell = subprocess.run(
            odoo.command_line("shell", f"--database={database}", "--no-http"),
            input=f"{code}print('record end 0')\n",
            env={**odoo.environment(os.environ), "PYTHONPATH": str(paths.ROOT)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    lines = [line for line in shell.stdout.splitlines() if line.startswith("record ")]
    if shell.returncode or "record end 0" not in lines:
        raise RuntimeError(f"preparing the data failed: see {path}")
    return dict(line.split()[1:] for line in lines)


@contextmanager
def serve(database):
    """Serve a database, without job runner and cron: it stays as prepared.

    :return: address of the server
    """
    port = processes.free_port()
    url = f"http://{processes.LOOPBACK}:{port}"
    with open(paths.LOGS / "screenshots.log", "wb") as log:
        server = processes.start(
            odoo.command_line(
                f"--database={database}",
                "--workers=0",
                "--max-cron-threads=0",
                "--load=base,web",
                f"--http-interface={processes.LOOPBACK}",
                f"--http-port={port}",
            ),
            env=odoo.environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        processes.wait_until(lambda: _answers(server, url), 60, f"Odoo at {url}", 0.2)
        yield url
    finally:
        processes.stop(server)


def log_in(url, database):
    """Log in as the administrator.

    :return: id of the session
    """
    credentials = {"db": database, "login": "admin", "password": "admin"}
    response = requests.post(
        f"{url}/web/session/authenticate", json={"params": credentials}, timeout=60
    )
    if "error" in response.json():
        raise RuntimeError("the administrator cannot log in")
    return response.cookies["session_id"]


def _answers(server, url):
    if server.poll() is not None:
        raise RuntimeError("Odoo ended: see screenshots.log")
    try:
        return requests.get(f"{url}/web/health", timeout=5).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    console.main(main)
