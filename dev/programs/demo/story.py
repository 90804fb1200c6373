# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What the demo does, step by step."""

import time

from dev.programs.demo.watch import Edit, Watch, tries

PHONE_BEFORE_OUTAGE = "+33 1 99 00 00 01"
PHONE_IN_OUTAGE = "+33 1 99 00 00 02"
EXPECTED_RETRIES = [("pending", "1/3"), ("pending", "2/3"), ("failed", "3/3")]


class NotShown(Exception):
    """Something else happened than what the demo is there to show."""


class Story:
    """One run of the demo.

    :param report: :class:`report.Report` that is told everything
    :param scene: the open :class:`scene.Scene`
    """

    def __init__(self, report, scene):
        self.report = report
        self.people = scene.people
        self.crm = scene.crm
        self.watch = Watch(report, scene)
        self.partner = None  # id of Ada in Odoo
        self.contact = None  # and in the CRM

    def tell(self):
        """Go through all steps.

        :raises NotInTime: when something did not happen
        :raises NotShown: when something else happened
        """
        self.create()
        self.edit()
        self.archive()
        job = self.fail()
        self.mail(job)
        self.requeue(job)
        self.leave()
        self.check_secrets()

    def create(self):
        """Bo creates a contact; both systems get it."""
        self.report.title("Bo, a plain user, creates the contact Ada Lovelace.")
        bo = self.people.bo
        plain = {
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "phone": "+44 20 7946 0001",
            "city": "London",
        }
        country = bo.search_one("res.country", [("code", "=", "GB")])
        tag = bo.create("res.partner.category", {"name": "VIP"})
        values = {**plain, "country_id": country, "category_id": [(6, 0, [tag])]}
        edit = Edit(self.watch, bo.create, "res.partner", values)
        self.partner = edit.answer
        sent = {**plain, "country": "GB", "tags": ["VIP"]}
        self.contact = self.watch.in_crm("created", edit, "POST", sent)
        self.watch.in_warehouse("created", edit, "INSERT", self.partner, sent)

    def edit(self):
        """Bo changes two fields; both systems follow."""
        self.report.title("Bo edits the city and the phone number.")
        self._write("updated", {"city": "Paris", "phone": PHONE_BEFORE_OUTAGE})

    def archive(self):
        """Bo archives another contact: it goes from the CRM, marked in the table."""
        self.report.title("Bo creates Charles Babbage, and archives him.")
        bo, watch = self.people.bo, self.watch
        values = {"name": "Charles Babbage"}
        edit = Edit(watch, bo.create, "res.partner", values)
        partner = edit.answer
        contact = watch.in_crm("created_second", edit, "POST", values)
        watch.in_warehouse("created_second", edit, "INSERT", partner, values)
        edit = Edit(watch, bo.write, "res.partner", partner, {"active": False})
        watch.in_crm("archived", edit, "DELETE", {}, contact)
        watch.in_warehouse("archived", edit, "UPDATE", partner, {"deleted": True})

    def fail(self):
        """Bo edits while the CRM is down: the job is tried three times, and fails.

        :return: the failed job, as a dict
        """
        self.report.title("The CRM goes down, and Bo edits the phone number.")
        self.crm.stop()
        edit = self._write("updated_in_outage", {"phone": PHONE_IN_OUTAGE}, crm=False)
        self.report.line("Odoo", f"Bo's edit was saved in {edit.duration:.2f} s")
        self.report.observed["crm"]["edit_while_down_seconds"] = round(edit.duration, 2)
        job = self.watch.retries(self.partner)
        observed = self.report.observed["retries"]
        seen = [(entry["state"], entry["try"]) for entry in observed]
        if seen != EXPECTED_RETRIES:
            raise NotShown(f"the job went through {seen}, not {EXPECTED_RETRIES}")
        return job

    def mail(self, job):
        """The administrators got a mail whose link opens the job."""
        self.report.title("The administrators are told by mail.")
        failed = time.time()
        mail, link = self.watch.mail(job)
        page = self.people.jo_browser.get(link)
        self.report.observed["failed_mail"] = {
            "subject": mail.subject,
            "recipients": self.watch.recipients(job),
            "link": link,
            "link_status": page.status_code,
            "seconds": round(max(mail.time - failed, 0), 2),
        }
        self.report.line("Mail", mail.subject)
        self.report.line("", f"to {', '.join(self.watch.recipients(job))}")
        self.report.line("", f"{link} (answers {page.status_code})")
        if page.status_code != 200 or "/login" in page.url:
            raise NotShown(f"the link of the mail does not open: {page.url}")

    def requeue(self, job):
        """The CRM comes back, and the job manager requeues the job."""
        self.report.title(
            "The CRM comes back, and Jo, a job manager, requeues the job."
        )
        self.crm.start()
        edit = Edit(
            self.watch, self.people.jo.call, "queue.job", "requeue", [job["id"]]
        )
        sent = {"phone": PHONE_IN_OUTAGE}
        self.watch.in_crm("delivered_after_outage", edit, "PUT", sent, self.contact)
        done = self.watch.done(self.partner)
        self.report.observed["requeued"] = {
            "by": "jo",
            "same_job": done["id"] == job["id"],
            "state": done["state"],
            "try": tries(done),
            "seconds": round(time.time() - edit.saved, 2),
        }
        self.report.line("Job", f"{done['state'].capitalize()}, {tries(done)}")
        told = self.watch.recipients(job)
        if told != sorted(self.people.addresses):
            raise NotShown(f"more than one mail about one failure: {told}")

    def leave(self):
        """Bo mistypes an address: the CRM refuses the contact, who is left to look at.

        The warehouse takes any.
        """
        self.report.title("Bo creates Grace Hopper, whose e-mail address is none.")
        values = {"name": "Grace Hopper", "email": "grace(at)example.com"}
        edit = Edit(self.watch, self.people.bo.create, "res.partner", values)
        self.watch.in_warehouse("created_third", edit, "INSERT", edit.answer, values)
        job = self.watch.failed(edit.answer)
        self.report.observed["left"] = {
            "contact": values["name"],
            "state": job["state"],
            "try": tries(job),
            "reason": job["exc_message"],
        }
        self.report.line("Job", f"{job['state']}: {job['exc_message']}")

    def check_secrets(self):
        """The credentials of the destinations are nowhere to be read."""
        self.report.title(
            "The token and the password of the two systems were not seen."
        )
        places = self.watch.places_of_secrets()
        if places:
            raise NotShown(f"a secret is readable in {', '.join(places)}")
        self.report.line("Odoo", "not in its log, nor in what job managers may read")

    def _write(self, what, values, crm=True):
        """Bo edits Ada; wait for it in the warehouse, and in the CRM unless it is down.

        :return: the :class:`watch.Edit`
        """
        edit = Edit(
            self.watch, self.people.bo.write, "res.partner", self.partner, values
        )
        if crm:
            self.watch.in_crm(what, edit, "PUT", values, self.contact)
        self.watch.in_warehouse(what, edit, "UPDATE", self.partner, values)
        return edit
