# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Who may do what, from outside: what ``declared_access.csv`` says, no more, no less.

Every model of this addon is tried as each kind of user: its records are created, read,
written and deleted, and each method that a client can call is called; so are the
methods that the addon adds to models of others. A wizard is tried with the user's own
record: ``test_wizard_rights.py`` shows that another one's is out of reach.

When something is added or taken away, the test prints the lines that are missing, with
a plus, and those that are no longer so, with a minus. Read each as a question, "may
they really?", and then put it into the file, or take it out; the file is in
alphabetical order. A new method is best made private (``_name``, or ``@api.private``)
unless a client or a button calls it. A new model needs a line in
``RightsCase.values``, a method with arguments one in ``rights_case.ARGUMENTS``.
"""

from odoo.tests import tagged
from odoo.tools.misc import file_open

from .rights_case import ADDON, OPERATIONS, RightsCase

FILE = f"{ADDON}/tests/declared_access.csv"
HEADER = "model,operation,who"
NOBODY = "nobody"


def differences(declared, found):
    """Return the lines that are missing in the file, and those that are too many."""
    lines = [f"+ {line}" for line in found if line not in declared]
    lines += [f"- {line}" for line in declared if line not in found]
    return "\n".join(sorted(lines, key=lambda line: line[2:]))


@tagged("post_install", "-at_install")
class TestDeclaredAccess(RightsCase):
    def test_declared_is_what_is_so(self):
        with file_open(FILE) as file:
            header, *declared = file.read().splitlines()
        self.assertEqual(header, HEADER)
        found = sorted([*self.operations(), *self.methods()])
        told = differences(declared, found)
        if told:
            self.fail(f"{FILE} is not what is so:\n\n{told}")
        self.assertEqual(declared, found, "The lines are not in alphabetical order.")

    def test_more_and_less_than_declared_is_told(self):
        declared = ["a,read,user", "b,read,user", "c,read,user"]
        found = ["a,read,user", "b,read,portal user", "d,read,user"]
        self.assertEqual(
            differences(declared, found).splitlines(),
            ["+ b,read,portal user", "- b,read,user", "- c,read,user", "+ d,read,user"],
        )
        self.assertFalse(differences(declared, declared))

    def operations(self):
        """Yield the lines about records of the models that the addon gives rights on"""
        data = self.env["ir.model.data"].search(
            [("module", "=", ADDON), ("model", "=", "ir.model.access")]
        )
        rights = self.env["ir.model.access"].browse(data.mapped("res_id"))
        for name in {*self.own_models(), *rights.model_id.mapped("model")}:
            for operation in OPERATIONS:
                yield self.line(name, operation)

    def methods(self):
        """Yield the lines about methods that can be called."""
        for name in [*self.own_models(), *self.extended_models()]:
            for method in self.public_methods(name):
                yield self.line(name, method)

    def line(self, model_name, operation):
        """Return the line of the file that says who may do something."""
        who = [
            role
            for role, user in self.users.items()
            if self.may_with_own(user, model_name, operation)
        ]
        return f"{model_name},{operation},{' '.join(who) or NOBODY}"

    def may_with_own(self, user, model_name, operation):
        """Return whether a user may do something with a record that is the user's."""
        with self.undone():
            if operation == "create":
                values = self.values(model_name, user=user)
                return self.may(user, model_name, operation, values)
            record = self.new(model_name, user)
            if operation in OPERATIONS:
                return self.may_operate(user, record, operation)
            return self.may_call(user, record, operation)
