# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Vendors' own OpenAPI files, which recipes are judged by: fetched, never committed."""

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from . import paths
from .console import Failure, Step, run

# A folder of somebody's own in which the files are.
VARIABLE = "VENDOR_SPECS"
FETCHED = paths.WORK / "specs"
HELP = f"""\
Fetch the OpenAPI files of vendors, by which ./e2e/recipes --all judges recipes, from
their public repositories into .odoo/specs. It wants git and a network. A folder that
has them already is given to ./e2e/recipes by the environment variable {VARIABLE}.
"""


class Spec(NamedTuple):
    """A file of a vendor's.

    :param name: of the file here
    :param repository: owner and name
    :param path: of the file there
    """

    name: str
    repository: str
    path: str


_KLAVIYO = "openapi/stable/apis"
SPECS = (
    Spec(
        "hubspot-contacts.json",
        "HubSpot/HubSpot-public-api-spec-collection",
        "PublicApiSpecs/CRM/Contacts/Rollouts/424/v3/contacts.json",
    ),
    Spec("bigcommerce-customers.yml", "bigcommerce/docs", "reference/customers.v3.yml"),
    Spec(
        "klaviyo-create-profile.json",
        "klaviyo/openapi",
        f"{_KLAVIYO}/create_profile.json",
    ),
    Spec(
        "klaviyo-update-profile.json",
        "klaviyo/openapi",
        f"{_KLAVIYO}/update_profile.json",
    ),
    Spec("zoho-crm-record.json", "zoho/crm-oas", "v8.0/record.json"),
    Spec(
        "intercom.yaml",
        "intercom/Intercom-OpenAPI",
        "descriptions/2.15/api.intercom.io.yaml",
    ),
)


def folder():
    """Return where the files are, or would be."""
    return Path(os.environ.get(VARIABLE) or FETCHED)


def main(args):
    """What ``dev/specs`` does."""
    parser = argparse.ArgumentParser(prog="dev/specs", description=HELP)
    parser.add_argument(
        "--from",
        dest="origin",
        metavar="URL",
        default="https://github.com",
        help="where the repositories are (default: %(default)s)",
    )
    options = parser.parse_args(args)
    if not shutil.which("git"):
        raise Failure("Install git.")
    paths.prepare()
    FETCHED.mkdir(exist_ok=True)
    for repository in dict.fromkeys(spec.repository for spec in SPECS):
        with Step(f"Fetching from {repository}"):
            _fetch(options.origin, repository)


def _fetch(origin, repository):
    """Have the files of one repository, without the rest of it.

    :raise Failure: when one cannot be had
    """
    with tempfile.TemporaryDirectory() as clone:
        command = ["git", "clone", "--quiet", "--depth=1", "--filter=blob:none"]
        command += ["--no-checkout", f"{origin.rstrip('/')}/{repository}", clone]
        what = f"Fetching from {repository}"
        run(command, log="specs.log", what=what)
        for spec in SPECS:
            if spec.repository != repository:
                continue
            command = ["git", "-C", clone, "show", f"HEAD:{spec.path}"]
            done = subprocess.run(command, capture_output=True)
            if done.returncode:
                raise Failure(f"{repository} has no {spec.path} any more.")
            (FETCHED / spec.name).write_bytes(done.stdout)
