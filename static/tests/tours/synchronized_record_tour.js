// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";

// Begins at a contact that the system Web Shop knows as 1.
registry.category("web_tour.tours").add("queue_job_sync_synchronized_record", {
    steps: () => [
        {
            content: "It is about the contact",
            trigger: ".o_form_view .oe_title:contains('Katherine Johnson')",
        },
        {
            content: "It says what the contact is called there",
            trigger:
                ".o_inner_group:has(.o_form_label:contains(/ID in\\s+Web Shop/))" +
                " .o_field_widget[name='external_id']:contains('1')",
        },
        {
            content: "And what it is called here",
            trigger: ".o_field_widget[name='res_id']:contains(/^\\d+/)",
        },
    ],
});
