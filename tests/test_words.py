# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One sentence, kept once, and read by each user in his language."""

from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger, sql
from odoo.tools.translate import code_translations

from ..engine import words
from ..exceptions import Rejected, SyncError, Temporary, Unreachable
from ..transports.base import none_sent
from ..transports.rest import RestTransport
from ..wording import Sentence
from .common import DeliveryCase, SyncCase

ANSWERED = "%(request)s answered %(status)s: %(said)s"
HELD_BACK = "Not sent: %(why)s"
CLOSED = "The door is closed."
REQUEST = "PUT http://10.1.2.3/contacts/7"
IN_FRENCH = {
    ANSWERED: "%(request)s a répondu %(status)s : %(said)s",
    HELD_BACK: "Non envoyé : %(why)s",
    CLOSED: "La porte est fermée.",
    "Paused by %(user)s": "Mis en pause par %(user)s",
    "Requeued by %(user)s": "Relancé par %(user)s",
    "%(name)s is a draft.": "%(name)s est un brouillon.",
    "%(system)s: delivered as %(id)s.": "%(system)s : transmis sous %(id)s.",
    "Broken %(there)s": "Cassé %(elsewhere)s",
    "%(what)s Together with other changes.": "%(what)s Avec d'autres modifications.",
    "Manually set to done by %(user)s": "Marqué comme fait par %(user)s",
    "Cancelled by %(user)s": "Annulé par %(user)s",
    "Put off by %(user)s": "Reporté par %(user)s",
    "Paused by %(user)s at %(time)s; sent when somebody resumes %(system)s.": (
        "Mis en pause par %(user)s à %(time)s ; envoyé dès que %(system)s reprend."
    ),
}


def refused(said="é-mail is taken", kind=Rejected):
    return kind(
        ANSWERED, reason="answered", request=REQUEST, status="422 Unknown", said=said
    )


@contextmanager
def in_french():
    """Have translations of our own, whatever the catalogue holds."""
    get = code_translations.get_python_translations

    def translations(module, lang):
        if (module, lang) == ("queue_job_sync", "fr_FR"):
            return IN_FRENCH
        return get(module, lang)

    with patch.object(code_translations, "get_python_translations", translations):
        yield


@tagged("post_install", "-at_install")
class TestSaid(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.english = cls.env(context={"lang": "en_US"})
        cls.french = cls.env(context={"lang": "fr_FR"})
        cls.enterClassContext(in_french())

    def test_template_and_values(self):
        error = refused()
        english = f"{REQUEST} answered 422 Unknown: é-mail is taken"
        french = f"{REQUEST} a répondu 422 Unknown : é-mail is taken"
        for form in (error, error.message, words.parsed(words.kept(error))):
            self.assertEqual(words.said(self.english, form), english)
            self.assertEqual(words.said(self.french, form), french)
        self.assertEqual(words.read(self.french, words.kept(error)), french)

    def test_sentence_within_a_sentence(self):
        for inner in (refused("no"), Sentence(ANSWERED, **refused("no").values)):
            error = Temporary(HELD_BACK, why=inner)
            french = f"Non envoyé : {REQUEST} a répondu 422 Unknown : no"
            self.assertEqual(words.said(self.french, error), french)
            self.assertEqual(words.read(self.french, words.kept(error)), french)

    def test_sentence_without_values(self):
        for sentence in (SyncError(CLOSED), CLOSED):
            self.assertEqual(words.kept(sentence), CLOSED)
            self.assertEqual(words.said(self.french, sentence), IN_FRENCH[CLOSED])
        self.assertEqual(words.read(self.french, CLOSED), IN_FRENCH[CLOSED])

    def test_reason_and_numbers_are_kept(self):
        error = Unreachable("%(number)d of %(name)s", "some", number=7, name=None)
        again = words.parsed(words.kept(error))
        self.assertEqual((again.reason, again.values["number"]), ("some", 7))
        self.assertEqual(again.message, "7 of None")

    def test_what_is_in_no_catalogue(self):
        for text in ("Use 100 % of it", "%(no)s value", "%d", "{}", ""):
            for env in (self.english, self.french):
                self.assertEqual(words.said(env, SyncError(text)), text)
                self.assertEqual(words.read(env, words.kept(SyncError(text))), text)

    def test_placeholders_that_do_not_fit(self):
        for template in ("100 % of %(there)s", "%(there)s and %(other)s"):
            error = SyncError(template, there="here")
            for env in (self.english, self.french):
                self.assertEqual(words.read(env, words.kept(error)), template)
        with mute_logger("odoo.tools.translate"):
            found = words.said(self.french, SyncError("Broken %(there)s", there="x"))
        self.assertEqual(found, "Broken x")

    def test_language_that_is_switched_off(self):
        env = self.env(context={"lang": "nl_BE"})
        self.assertIn("answered", words.said(env, refused()))

    def test_time_is_that_of_the_reader(self):
        at = datetime(2026, 3, 1, 20, 30)
        sentence = Sentence("Since %(time)s", time=at)
        self.assertEqual(sentence, "Since 2026-03-01 20:30 UTC")
        again = words.parsed(words.kept(sentence))
        self.assertEqual(again.values["time"], at)
        for form in (sentence, again, SyncError("It is so. %(why)s", why=sentence)):
            for lang, tz, text in (
                ("en_US", "Asia/Tokyo", "Since 3/2/26, 5:30 AM"),
                ("fr_FR", "UTC", "Since 01/03/2026 20:30"),
            ):
                env = self.env(context={"lang": lang, "tz": tz})
                said = " ".join(words.said(env, form).split())
                self.assertEqual(said.removeprefix("It is so. "), text)

    def test_time_of_today(self):
        now = datetime(2026, 3, 1, 20, 30)
        env = self.env(context={"lang": "fr_FR", "tz": "Asia/Tokyo"})
        with patch.object(fields.Datetime, "now", lambda: now):
            for minutes, text in ((-5, "05:25"), (-400, "01/03/2026 22:50")):
                at = now + timedelta(minutes=minutes)
                told = words.said(env, Sentence("%(time)s", time=at))
                self.assertEqual(" ".join(told.split()), text)

    def test_names_of_values_are_free(self):
        error = SyncError("%(env)s %(source)s %(lang)s", env=1, source=2, lang=3)
        self.assertEqual(words.read(self.french, words.kept(error)), "1 2 3")
        other = Sentence("%(reason)s %(message)s %(self)s", reason=1, message=2, self=3)
        self.assertEqual(words.read(self.french, words.kept(other)), "1 2 3")

    def test_values_that_are_no_text(self):
        class Thing:
            def __str__(self):
                return "a\0b"

        error = SyncError("%(thing)s and %(some)s", thing=Thing(), some=("x", 1))
        text = "a\N{REPLACEMENT CHARACTER}b and ('x', 1)"
        self.assertEqual((error.message, str(error.values["thing"])), (text, text[:3]))
        self.assertEqual(words.read(self.french, words.kept(error)), text)

    def test_sentence_in_a_sentence_keeps_its_parts(self):
        inner = Sentence("Closed by %(user)s", user="José")
        outer = Sentence("Cancelled: %(note)s", note=inner)
        self.assertEqual(outer.values["note"].template, "Closed by %(user)s")
        again = words.parsed(words.kept(outer)).values["note"]
        self.assertEqual((again.template, str(again)), (inner.template, str(inner)))

    def test_short_form(self):
        values = {"request": REQUEST, "status": "302 Found", "place": "there"}
        for error, text in (
            (refused("no"), "CRM answered: no"),
            (refused(""), "CRM answered: 422 Unknown"),
            (
                SyncError("%(request)s leads %(place)s", "answered", **values),
                "CRM leads there",
            ),
            # nor does a warning name the request
            (SyncError("%(request)s leads %(place)s", **values), "CRM leads there"),
            (SyncError("plain"), None),
            (SyncError("Not sent: %(why)s", why=SyncError("no")), None),
            (
                SyncError("Not sent: %(why)s", why=refused("no")),
                "Not sent: CRM answered: no",
            ),
        ):
            error = words.parsed(words.kept(error))
            self.assertEqual(words.short(self.english, error, "CRM"), text)

    def test_imitation(self):
        chosen = words.kept(refused("chosen by the system"))
        for error in (
            SyncError(chosen),
            SyncError("%(said)s", said=chosen),
            refused(chosen),
            SyncError(HELD_BACK, why=SyncError(chosen)),
        ):
            text = words.read(self.french, words.kept(error))
            self.assertIn("answered", text)
            self.assertIn("chosen by the system", text)
            self.assertNotIn(words.SEPARATOR, text)
            # and not the second time, whoever keeps what was read
            self.assertEqual(words.read(self.french, words.kept(text)), text)

    def test_column_that_cannot_be_read(self):
        for parts in ("", "7", "[]", '["a", "b", 7]', "{}", "[1, 2, {}]", "["):
            text = words.read(self.french, f"Hello{words.SEPARATOR}{parts}")
            self.assertIn("Hello" if parts != "[1, 2, {}]" else "", text)


@tagged("post_install", "-at_install")
class TestSentenceText(SyncCase):
    """The columns that keep sentences."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.enterClassContext(in_french())
        cls.partner = cls.env["res.partner"].create({"name": "Ada"})
        cls.before_commit(cls)
        cls.line = cls.env["sync.delivery"].create(
            {
                "stream_id": cls.stream.id,
                "res_id": cls.partner.id,
                "operation": "upsert",
                "state": "failed",
                "error": refused(),
            }
        )
        cls.english = f"{REQUEST} answered 422 Unknown: é-mail is taken"
        cls.in_french = f"{REQUEST} a répondu 422 Unknown : é-mail is taken"

    def both(self):
        """Return what two users read in the log."""
        return tuple(
            self.line.with_context(lang=lang).error for lang in ("en_US", "fr_FR")
        )

    def test_each_reads_in_his_language(self):
        for _cached in range(2):
            self.assertEqual(self.both(), (self.english, self.in_french))
            self.env.flush_all()
            self.env.invalidate_all()

    def test_ways_to_read(self):
        line = self.line.with_context(lang="fr_FR")
        self.assertEqual(line.read(["error"])[0]["error"], self.in_french)
        found = line.web_read({"error": {}})
        self.assertEqual(found[0]["error"], self.in_french)
        rows = line.export_data(["error"])["datas"]
        self.assertEqual(rows, [[self.in_french]])
        self.assertEqual(line.copy_data()[0]["error"], self.in_french)
        self.assertEqual(line.new(origin=line).error, self.in_french)

    def test_column_begins_in_english(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT error FROM sync_delivery WHERE id = %s", [self.line.id]
        )
        self.assertTrue(self.env.cr.fetchone()[0].startswith(self.english))

    def test_search(self):
        lines = self.env["sync.delivery"].with_context(lang="fr_FR")

        def found(operator, value):
            domain = [("id", "=", self.line.id), ("error", operator, value)]
            return bool(lines.search(domain))

        for value in ("ANSWERED 422", "MAIL is", "é-mail is taken"):
            self.assertTrue(found("ilike", value))
            self.assertFalse(found("not ilike", value))
        # names of values are no part of what is read
        for value in ("(said)", "status", "reason"):
            self.assertFalse(found("ilike", value))
            self.assertTrue(found("not ilike", value))
        self.assertTrue(found("=ilike", "put %taken"))
        self.assertFalse(found("like", "PUT http%said"))
        self.assertTrue(found("!=", False))
        whole = str(refused())
        self.assertTrue(found("=", whole))
        self.assertFalse(found("!=", whole))
        self.assertTrue(found("in", [whole, False]))
        self.assertFalse(found("=", "another"))
        self.assertTrue(found("!=", "another"))
        self.line.error = False
        self.assertTrue(found("in", ["another", False]))
        self.assertFalse(found("in", ["another"]))
        self.assertTrue(found("!=", "another"))
        self.assertTrue(found("=", False))
        self.assertTrue(found("not ilike", "x"))
        self.assertFalse(found("ilike", "x"))

    def test_nobody_is_offered_to_group_by_it(self):
        field = self.env["sync.delivery"].fields_get(["error"])["error"]
        self.assertFalse(field["groupable"])

    def test_plain_text(self):
        for text in ("Use 100 % of it", words.kept(refused("chosen"))):
            self.line.error = text
            self.env.flush_all()
            self.env.invalidate_all()
            english, french = self.both()
            self.assertEqual(english, french)
            self.assertNotIn(words.SEPARATOR, english)
            self.assertNotIn("a répondu", french)
            made = self.line.create(
                {
                    "stream_id": self.stream.id,
                    "res_id": self.partner.id,
                    "operation": "upsert",
                    "state": "failed",
                    "error": text,
                }
            )
            self.env.invalidate_all()
            self.assertEqual(made.with_context(lang="fr_FR").error, french)

    def test_error_of(self):
        field = self.line._fields["error"]
        self.assertEqual(field.error_of(self.line).values["said"], "é-mail is taken")
        self.line.error = False
        self.assertIsNone(field.error_of(self.line))

    def test_row_of_before(self):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_delivery SET error = 'As it was {\"a\": 1}' WHERE id = %s",
            [self.line.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self.both(), ('As it was {"a": 1}',) * 2)

    def test_column_of_before(self):
        incidents = self.env["sync.incident"]
        field = incidents._fields["reason"]
        self.backend.action_pause()
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE sync_incident ALTER reason TYPE varchar")
        columns = sql.table_columns(self.env.cr, "sync_incident")
        field.update_db_column(incidents, columns["reason"])
        columns = sql.table_columns(self.env.cr, "sync_incident")
        self.assertEqual(columns["reason"]["udt_name"], "text")
        self.env.invalidate_all()
        self.assertIn("Paused by", self.backend._open_incident().reason)

    # -- what people and crons say --------------------------------------------

    def test_incident_that_a_person_opened(self):
        self.backend.with_context(lang="fr_FR").action_pause()
        incident = self.backend._open_incident()
        name = self.env.user.name
        self.assertEqual(incident.reason, f"Paused by {name}")
        french = self.backend.with_context(lang="fr_FR")
        self.assertEqual(french.status_reason, f"Mis en pause par {name}")
        self.assertEqual(self.backend.status_reason, f"Paused by {name}")
        incident = incident.with_context(lang="fr_FR")
        self.assertEqual(incident.display_name, f"Mis en pause par {name}")

    def test_note_of_a_decision(self):
        job = self.jobs()
        job.state = "failed"
        job.with_context(lang="fr_FR").requeue()
        binding = self.env["sync.binding"].search([("stream_id", "=", self.stream.id)])
        name = self.env.user.name
        self.assertEqual(binding.note, f"Requeued by {name}")
        binding = binding.with_context(lang="fr_FR")
        self.assertEqual(binding.note, f"Relancé par {name}")

    def test_backfill_of_what_rests(self):
        backfill = self.env["sync.backfill"]._start(self.stream)
        self.stream.state = "draft"
        backfill.with_context(job_uuid=backfill.step_uuid)._step()
        note = backfill.with_context(lang="fr_FR").note
        self.assertEqual(note, f"{self.stream.name} est un brouillon.")
        self.assertEqual(backfill.note, f"{self.stream.name} is a draft.")


@tagged("post_install", "-at_install")
class TestSaidByJobs(DeliveryCase):
    """From a system's answer to those who read of it."""

    def setUp(self):
        super().setUp()
        self.enterContext(in_french())
        with self.transaction() as env:
            french = env["res.lang"].with_context(active_test=False)
            french = french.search([("code", "=", "fr_FR")])
            was_active, french.active = french.active, True
            partner = env["sync.backend"].browse(self.backend_id).company_id.partner_id
            partner = partner or env.company.partner_id
            lang = partner.lang
        self.addCleanup(self._restore, french.id, was_active, partner.id, lang)
        self.company_partner_id = partner.id

    def _restore(self, french_id, was_active, partner_id, lang):
        with self.transaction() as env:
            env["res.partner"].browse(partner_id).lang = lang
            env["res.lang"].browse(french_id).active = was_active

    def set_company_language(self, lang):
        with self.transaction() as env:
            env["res.partner"].browse(self.company_partner_id).lang = lang

    @contextmanager
    def failing(self, error):
        """Have the system answer so."""

        def deliver(transport, take):
            while messages := take(transport.at_once):
                yield from none_sent(messages, error)

        with patch.object(RestTransport, "deliver", deliver):
            yield

    def fail_with(self, error):
        """Have a record fail for good, and return the id of it and its job."""
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids("pending")
        with self.failing(error):
            self.assertEqual(self.run_job(uuid), "failed")
        return partner_id, uuid

    def told(self, partner_id, uuid, lang):
        """Return what a user of a language reads in all places."""
        with self.registry.cursor() as cr:
            env = self.env_of(cr, lang)
            about = [("stream_id", "=", self.stream_id), ("res_id", "=", partner_id)]
            job = env["queue.job"].search([("uuid", "=", uuid)])
            return {
                "log": env["sync.delivery"].search(about, limit=1).error,
                "binding": env["sync.binding"].search(about).last_error,
                "job": job.state_reason,
                "failure": job.failure_reason,
                "digest": env.company._job_failure_digest()["errors"][0]["error"],
            }

    def env_of(self, cr, lang):
        with self.transaction() as env:
            return env(cr=cr, context={"lang": lang})

    def dialog(self, partner_id, lang):
        with self.registry.cursor() as cr:
            record = self.env_of(cr, lang)["res.partner"].browse(partner_id)
            action = record.action_sync_status()
            return record.env[action["res_model"]].browse(action["res_id"]).content

    def test_refusal(self):
        self.set_company_language("fr_FR")
        partner_id, uuid = self.fail_with(refused("taken"))
        english = f"{REQUEST} answered 422 Unknown: taken"
        french = f"{REQUEST} a répondu 422 Unknown : taken"
        told = self.told(partner_id, uuid, "en_US")
        self.assertEqual(set(told.values()), {english})
        told = self.told(partner_id, uuid, "fr_FR")
        self.assertEqual(set(told.values()), {french})
        # told once, in the language of the company
        self.assertEqual(self.job(uuid, "exc_message")["exc_message"], french)
        for lang in ("en_US", "fr_FR"):
            content = self.dialog(partner_id, lang)
            self.assertIn("taken", content)
            self.assertNotIn("10.1.2.3", content)
        self.assertIn("CRM answered: taken", self.dialog(partner_id, "en_US"))

    def test_last_try(self):
        self.change_stream(max_retries=2)
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids("pending")
        with self.failing(refused("later", Temporary)):
            self.assertEqual(self.run_job(uuid), "pending")
            self.assertIn("CRM answered: later", self.dialog(partner_id, "en_US"))
            job = self.job(uuid, "result", "state_reason")
            self.assertEqual(job["result"], f"{REQUEST} answered 422 Unknown: later")
            self.assertEqual(job["state_reason"], job["result"])
            self.assertEqual(self.run_job(uuid), "failed")
        french = f"{REQUEST} a répondu 422 Unknown : later"
        told = self.told(partner_id, uuid, "fr_FR")
        self.assertEqual(set(told.values()), {french})
        job = self.job(uuid, "exc_message")
        self.assertIn("Max. retries (2) reached: PUT", job["exc_message"])

    def test_try_that_meets_no_error_forgets_it(self):
        self.new_partner()
        (uuid,) = self.job_uuids("pending")
        with self.failing(refused("later", Temporary)):
            self.run_job(uuid)
        self.assertTrue(self.job(uuid, "sync_error")["sync_error"])
        self.assertEqual(self.run_job(uuid), "done")
        job = self.job(uuid, "sync_error", "state_reason", "result")
        self.assertFalse(job["sync_error"])
        self.assertEqual(job["state_reason"], job["result"])

    def job_as_read(self, uuid, lang):
        """Return what a user of a language is shown of a job: reason and result."""
        with self.registry.cursor() as cr:
            jobs = self.env_of(cr, lang)["queue.job"]
            job = jobs.search([("uuid", "=", uuid)])
            return job.state_reason, job.result

    def test_result_in_the_language_of_the_reader(self):
        for lang in ("fr_FR", "en_US"):
            # whatever the company and the user of the job speak
            self.set_company_language(lang)
            partner_id = self.new_partner()
            (uuid,) = self.job_uuids("pending")
            self.assertEqual(self.run_job(uuid), "done")
            id_ = self.binding(partner_id)["external_id"]
            french, english = (
                f"CRM : transmis sous {id_}.",
                f"CRM: delivered as {id_}.",
            )
            self.assertEqual(self.job_as_read(uuid, "fr_FR"), (french, french))
            self.assertEqual(self.job_as_read(uuid, "en_US"), (english, english))

    def test_result_of_what_was_sent_along(self):
        self.takes_along = True
        partner_ids = [self.new_partner(name=name) for name in "AB"]
        first, second = self.job_uuids("pending")
        self.assertEqual(self.run_job(first), "done")
        id_ = self.binding(partner_ids[1])["external_id"]
        self.assertEqual(
            self.job_as_read(second, "fr_FR")[1],
            f"CRM : transmis sous {id_}. Avec d'autres modifications.",
        )
        self.assertEqual(
            self.job_as_read(second, "en_US")[1],
            f"CRM: delivered as {id_}. Together with other changes.",
        )

    def test_decisions_of_people(self):
        """A French reader of what an English user has decided, and the other way."""
        for button, lang, english, french in (
            (
                "button_done",
                "en_US",
                "Manually set to done by",
                "Marqué comme fait par",
            ),
            ("button_cancelled", "fr_FR", "Cancelled by", "Annulé par"),
        ):
            partner_id = self.new_partner()
            (uuid,) = self.job_uuids("pending")
            with self.transaction() as env:
                job = env["queue.job"].search([("uuid", "=", uuid)])
                getattr(job.with_context(lang=lang), button)()
                name = env.user.name
            for reader, text in (("en_US", english), ("fr_FR", french)):
                told = f"{text} {name}"
                self.assertEqual(self.job_as_read(uuid, reader), (told, told))
                self.assertIn(told, self.dialog(partner_id, reader))

    def test_job_that_waits(self):
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            backend.with_context(lang="fr_FR").action_pause()
        partner_id = self.new_partner()
        (uuid,) = self.job_uuids("pending")
        self.run_job(uuid)
        for lang, text in (
            ("en_US", "Paused by OdooBot at"),
            ("fr_FR", "Mis en pause par OdooBot à"),
        ):
            for told in (*self.job_as_read(uuid, lang), self.dialog(partner_id, lang)):
                self.assertIn(text, told)

    def test_put_off_by_a_person(self):
        self.new_partner()
        (uuid,) = self.job_uuids("pending")
        with self.transaction() as env:
            job = env["queue.job"].search([("uuid", "=", uuid)])
            wizard = env["sync.reschedule"].with_context(
                lang="fr_FR", active_model="queue.job", active_ids=job.ids
            )
            later = fields.Datetime.now() + timedelta(hours=2)
            wizard.create({"change_eta": True, "eta": later}).action_reschedule()
        self.assertEqual(self.job_as_read(uuid, "en_US")[0], "Put off by OdooBot")
        self.assertEqual(self.job_as_read(uuid, "fr_FR")[0], "Reporté par OdooBot")

    def test_plain_sentence_of_another_addon(self):
        text = "Use 100 % of it, %s"
        partner_id, uuid = self.fail_with(Rejected(text))
        for lang in ("en_US", "fr_FR"):
            told = self.told(partner_id, uuid, lang)
            self.assertEqual(set(told.values()), {text})
            self.assertIn(f"CRM: {text}", self.dialog(partner_id, lang))

    def test_system_that_imitates_what_is_kept(self):
        for error in (
            Rejected(words.kept(refused("chosen"))),
            refused(words.kept(refused("chosen"))),
        ):
            with self.subTest(error.template):
                partner_id, uuid = self.fail_with(error)
                for lang in ("en_US", "fr_FR"):
                    for place, text in self.told(partner_id, uuid, lang).items():
                        self.assertIn("chosen", text, place)
                        # no sentence of ours but the one that is about the answer
                        said = text.count("a répondu")
                        self.assertEqual(said, lang == "fr_FR" and bool(error.reason))

    def test_real_answers(self):
        for status, said in ((422, "email is taken"), (500, "out of order")):
            self.destination.answer(status, {"message": said})
            partner_id = self.new_partner()
            (uuid,) = self.job_uuids("pending")
            self.run_job(uuid)
            content = self.dialog(partner_id, "en_US")
            self.assertIn(f"CRM answered: {said}", content)
            self.assertNotIn("http://", content)
            self.assertIn("a répondu", self.told_log(partner_id))
            self.run_job(uuid)

    def told_log(self, partner_id):
        with self.registry.cursor() as cr:
            env = self.env_of(cr, "fr_FR")
            about = [("stream_id", "=", self.stream_id), ("res_id", "=", partner_id)]
            return env["sync.delivery"].search(about, limit=1).error

    def test_outage(self):
        self.set_company_language("fr_FR")
        self.change_backend(pause_on_outage=True, outage_threshold=1)
        self.new_partner()
        (uuid,) = self.job_uuids("pending")
        with self.failing(refused("gone", Unreachable)):
            self.run_job(uuid)
        with self.transaction() as env:
            backend = env["sync.backend"].browse(self.backend_id)
            incident = backend._open_incident()
            self.assertEqual(incident.reason, f"{REQUEST} answered 422 Unknown: gone")
            incident = incident.with_context(lang="fr_FR")
            french = f"{REQUEST} a répondu 422 Unknown : gone"
            self.assertEqual(incident.reason, french)
            job = env["queue.job"].search([("uuid", "=", uuid)])
            for lang, said in (
                ("en_US", incident.with_context(lang="en_US").reason),
                ("fr_FR", french),
            ):
                job = job.with_context(lang=lang)
                self.assertIn(said, job.state_reason)
                self.assertIn(said, job.result)
