# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is sent: plain, cheap, and the same whoever edits."""

import json

from odoo import Command

# Records of a chunk, few and many.
FEW, MANY = 3, 12
LANGUAGE = "fr_FR"


class ModelPayload:
    """Mixed into :class:`.ModelCase`."""

    def test_payload_is_json(self):
        for payload in self.payloads(self.new(2)):
            self.assertIsInstance(payload, dict)
            text = json.dumps(payload, allow_nan=False)
            # keys and values are what they were: no tuple, no number as a key
            self.assertEqual(json.loads(text), payload)

    def test_payload_is_the_same_each_time(self):
        ids = self.new()
        self.assertEqual(self.payloads(ids), self.payloads(ids))

    def test_records_have_a_content_each(self):
        first, second = self.payloads(self.new(2))
        self.assertNotEqual(first, second)

    def test_payload_of_a_chunk_costs_no_query_per_record(self):
        with self.scratch() as env:
            stream = env["sync.stream"].browse(self.stream_id)
            values = [self.values(env, number) for number in range(MANY)]
            records = env[self.model_name].create(values)

            def cost(count):
                env.flush_all()
                env.invalidate_all()
                chunk = stream._for_sending(records[:count])
                start = env.cr.sql_log_count
                for record in chunk:
                    record._sync_payload(stream)
                return env.cr.sql_log_count - start

            cost(FEW)  # what is read once and kept
            self.assertLessEqual(cost(MANY), cost(FEW))

    def test_payload_does_not_depend_on_the_editor(self):
        with self.scratch() as env:
            env["res.lang"]._activate_lang(LANGUAGE)
            stream = env["sync.stream"].browse(self.stream_id)
            record = env[self.model_name].create(self.values(env, 0))
            self._translate(stream, record)
            users = env["res.users"].with_context(no_reset_password=True)
            groups = [env.ref(each).id for each in self.editor_groups.split(",")]
            payloads = []
            for lang, tz in (("en_US", "UTC"), (LANGUAGE, "Pacific/Auckland")):
                user = users.create(
                    {
                        "name": lang,
                        "login": f"queue_job_sync_kit_{lang}",
                        "lang": lang,
                        "tz": tz,
                        "group_ids": [Command.set(groups)],
                    }
                )
                env.flush_all()
                env.invalidate_all()
                theirs = record.with_user(user).with_context(lang=lang, tz=tz)
                payloads.append(stream._for_sending(theirs)._sync_payload(stream))
            self.assertEqual(*payloads)

    def _translate(self, stream, record):
        """Give each translated value that is sent another text."""
        for path in stream.mapping_ids.mapped("field_path"):
            *links, name = path.split(".")
            node = record.mapped(".".join(links)) if links else record
            if node and node._fields[name].translate:
                node.with_context(lang=LANGUAGE)[name] = "traduit"
