# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The kit finds what is wrong with a model, by the test that is meant for it."""

import itertools

from odoo import SUPERUSER_ID, api, models
from odoo.fields import Domain
from odoo.modules.registry import Registry
from odoo.tests import get_db_name, tagged

from .conformance.runner import RunnerCase
from .test_conformance_partner import TestConformancePartner

COUNTER = itertools.count()
# Tests that need new records to arrive as they are, whatever else they are about.
NEED_A_NEW_ONE = (
    "test_archived_record_is_deleted_there_and_comes_back",
    "test_bad_record_does_not_hold_up_the_others",
    "test_edit_during_the_send_is_sent_too",
    "test_editor_needs_no_right_on_jobs",
    "test_failed_delivery_is_tried_again",
    "test_killed_worker_leaves_one_record",
    "test_lost_answer_leaves_one_record",
    "test_many_records_are_sent_by_one_job",
)


@tagged("post_install", "-at_install")
class TestConformanceBrokenModel(RunnerCase):
    # pylint takes the ``super()`` of the class within for one of this method's.
    def assertFound(  # pylint: disable=missing-return
        self, method, broken, meant, *consequences
    ):
        """Assert which tests of the kit fail with a broken model.

        :param method: name of the method of the model that is broken
        :param broken: function that returns the broken one, given the whole one
        :param meant: the test that is meant for it
        :param consequences: tests that need what is broken
        """

        class Case(TestConformancePartner):
            def setUp(self):
                super().setUp()
                partners = self.registry["res.partner"]
                self.patch(partners, method, broken(getattr(partners, method)))

        self.assertFails(Case, (meant, *consequences), Case.unnoticed.values())

    def assertPayloadFound(self, change, *expected):
        """The same, with a function that is given the record and the payload."""

        def broken(whole):
            def _sync_payload(record, stream):
                return change(record, whole(record, stream), stream, whole)

            return _sync_payload

        self.assertFound("_sync_payload", broken, *expected)

    def test_write_that_forgets_super(self):
        self.assertFound(
            "write",
            lambda whole: models.BaseModel.write,
            "test_edited_record_is_sent",
            "test_archived_record_is_deleted_there_and_comes_back",
            "test_bad_record_does_not_hold_up_the_others",
            "test_edit_during_the_send_is_sent_too",
            "test_editor_needs_no_right_on_jobs",
            "test_edits_of_one_transaction_are_one_delivery",
            "test_state_is_told",
        )

    def test_create_that_forgets_super(self):
        self.assertFound(
            "create",
            lambda whole: models.BaseModel.create,
            "test_created_record_is_sent",
            "test_deleted_record_is_deleted_there",
            "test_state_is_told",
            *NEED_A_NEW_ONE,
        )

    def test_unlink_that_is_swallowed(self):
        self.assertFound(
            "unlink",
            lambda whole: lambda partners: True,
            "test_deleted_record_is_deleted_there",
            "test_editor_needs_no_right_on_jobs",
        )

    def test_write_that_sends_at_once(self):
        def broken(whole):
            def write(partners, vals):
                res = whole(partners, vals)
                backends = partners.env["sync.backend"].sudo()
                with backends.search([], limit=1)._open_transport() as transport:
                    transport.check()
                return res

            return write

        self.assertFound(
            "write",
            broken,
            "test_editor_sends_nothing",
            "test_rolled_back_change_is_never_sent",
            "test_unchanged_record_is_not_sent",
        )

    def test_write_that_commits(self):
        made = set()
        self.addCleanup(self._delete, made)

        def broken(whole):
            def write(partners, vals):
                res = whole(partners, vals)
                made.update(partners.ids)
                partners.env.cr.commit()  # pylint: disable=invalid-commit
                return res

            return write

        self.assertFound(
            "write",
            broken,
            "test_rolled_back_change_is_never_sent",
            "test_edits_of_one_transaction_are_one_delivery",
        )

    def _delete(self, partner_ids):
        with Registry(get_db_name()).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["res.partner"].browse(partner_ids).exists().unlink()

    def test_write_that_queues_each_edit(self):
        def broken(whole):
            def write(partners, vals):
                res = whole(partners, vals)
                partners.env.cr.precommit.run()
                return res

            return write

        self.assertFound(
            "write", broken, "test_edits_of_one_transaction_are_one_delivery"
        )

    def test_create_that_queues_each_record(self):
        def broken(whole):
            def create(partners, vals_list):
                made = partners.browse()
                for vals in vals_list:
                    made |= whole(partners, [vals])
                    partners.env.cr.precommit.run()
                return made

            return create

        self.assertFound(
            "create",
            broken,
            "test_many_records_are_sent_by_one_job",
            "test_bad_record_does_not_hold_up_the_others",
        )

    def test_write_that_needs_a_right_on_jobs(self):
        def broken(whole):
            def write(partners, vals):
                partners.env["queue.job"].search_count([])
                return whole(partners, vals)

            return write

        self.assertFound("write", broken, "test_editor_needs_no_right_on_jobs")

    def test_job_that_is_split_by_record(self):
        def broken(whole):
            def _sync_deliver(partners, stream):
                return " ".join(whole(partner, stream) for partner in partners)

            return _sync_deliver

        self.assertFound(
            "_sync_deliver", broken, "test_bad_record_does_not_hold_up_the_others"
        )

    def test_job_that_swallows_errors(self):
        def broken(whole):
            def _sync_deliver(partners, stream):
                try:
                    return whole(partners, stream)
                except Exception as error:
                    return str(error)

            return _sync_deliver

        self.assertFound(
            "_sync_deliver",
            broken,
            "test_failed_delivery_is_tried_again",
            "test_lost_answer_leaves_one_record",
            "test_state_is_told",
        )

    def test_payload_that_tells_of_each_edit(self):
        self.assertPayloadFound(
            lambda record, payload, stream, whole: {
                **payload,
                "edited": str(record.write_date),
            },
            "test_unchanged_record_is_not_sent",
        )

    def test_payload_in_the_language_of_the_user(self):
        self.assertPayloadFound(
            lambda record, payload, stream, whole: whole(
                record.with_context(lang=record.env.user.lang), stream
            ),
            "test_payload_does_not_depend_on_the_editor",
        )

    def test_payload_that_queries_for_each_record(self):
        def change(record, payload, stream, whole):
            record.env.cr.execute("SELECT 1")
            return payload

        self.assertPayloadFound(
            change, "test_payload_of_a_chunk_costs_no_query_per_record"
        )

    def test_payload_that_is_no_json(self):
        self.assertPayloadFound(
            lambda record, payload, stream, whole: {
                **payload,
                "tags": tuple(payload["tags"]),
            },
            "test_payload_is_json",
        )

    def test_payload_that_is_new_each_time(self):
        self.assertPayloadFound(
            lambda record, payload, stream, whole: {**payload, "n": next(COUNTER)},
            "test_payload_is_the_same_each_time",
            "test_created_record_is_sent",
            "test_edited_record_is_sent",
            "test_payload_does_not_depend_on_the_editor",
            "test_unchanged_record_is_not_sent",
            *NEED_A_NEW_ONE,
        )

    def test_records_that_share_one_content(self):
        self.assertPayloadFound(
            lambda record, payload, stream, whole: {**payload, "name": "Ada"},
            "test_records_have_a_content_each",
        )

    def test_domain_that_forgets_the_company(self):
        def _sync_domain(partners, stream):
            return Domain(stream._parsed_domain()) & Domain("active", "=", True)

        self.assertFound(
            "_sync_domain",
            lambda whole: _sync_domain,
            "test_record_of_another_company_is_not_sent",
        )

    def test_domain_that_forgets_the_archive(self):
        def _sync_domain(partners, stream):
            domain = Domain(stream._parsed_domain())
            company_id = stream._facts().company_id
            if company_id:
                domain &= Domain("company_id", "in", [False, company_id])
            return domain

        self.assertFound(
            "_sync_domain",
            lambda whole: _sync_domain,
            "test_archived_record_is_deleted_there_and_comes_back",
        )

    def test_field_that_customers_see(self):
        def broken(whole):
            def fields_get(partners, *args, **kwargs):
                return whole(partners.sudo(), *args, **kwargs)

            return fields_get

        self.assertFound("fields_get", broken, "test_customers_see_nothing_of_it")
