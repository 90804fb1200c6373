// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("queue_job_sync_trial", {
    steps: () => [
        {
            content: "Try the synchronization",
            trigger: "button:contains('Try with One Record')",
            run: "click",
        },
        {
            content: "Read what would happen",
            trigger: ".o_sync_trial:contains('removes it again')",
        },
        {
            content: "Let it happen",
            trigger: ".o_sync_trial button[name='action_try']",
            run: "click",
        },
        {
            content: "Nobody knows the ID",
            trigger: ".o_sync_trial .alert-warning:contains('under which ID')",
        },
        {
            content: "The request stands beside its answer",
            trigger: ".o_sync_exchange:contains('POST'):contains('201 Created')",
        },
        {
            content: "Click the ID in the answer",
            trigger: ".o_sync_take_id[data-path='data[0].details.id']",
            run: "click",
        },
        {
            content: "It is looked for there from now on",
            trigger: ".o_field_widget[name='id_path']:contains('data[0].details.id')",
        },
        {
            content: "All of it was tried",
            trigger: ".o_sync_exchange:contains('DELETE')",
        },
        {
            content: "Nothing is left",
            trigger: ".o_sync_trial .alert-success:contains('Nothing was left there')",
        },
    ],
});
