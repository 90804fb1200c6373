# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Odoo's command line, with the tests of other modules run under all modules.

Odoo runs most tests of a module as soon as that module is loaded, when the ones that
depend on it are not there yet. Here they all run at the end, so that the tests of
the modules that the addon builds on meet the addon too.

Run by Odoo's Python, with Odoo's arguments. If the environment asks for it, contacts
are synchronized meanwhile.
"""

import os

import live

import odoo.cli
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import HttpCase, loader
from odoo.tests.suite import OdooSuite
from odoo.tests.tag_selector import TagsSelector
from odoo.tools import config


def make_suite(module_names, position="at_install"):
    """In place of Odoo's: nothing at install, everything selected afterwards."""
    if position == "at_install":
        return OdooSuite()
    if os.environ.get(live.LIVE):
        (database,) = config["db_name"]
        with Registry(database).cursor() as cr:
            live.make(api.Environment(cr, SUPERUSER_ID, {}))
    selected = TagsSelector(config["test_tags"])
    without_pages = os.environ.get(live.WITHOUT_PAGES)
    tests = (
        test
        for name in module_names
        for module in loader.get_test_modules(name)
        for test in loader.get_module_test_cases(module)
        if selected.check(test) and not (without_pages and isinstance(test, HttpCase))
    )
    return OdooSuite(sorted(tests, key=lambda test: getattr(test, "test_sequence", 0)))


if __name__ == "__main__":
    loader.make_suite = make_suite
    odoo.cli.main()
