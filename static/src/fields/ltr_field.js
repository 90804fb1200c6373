// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { CharField, charField } from "@web/views/fields/char/char_field";

/** What machines read, as an address: from left to right in every language. */
export class SyncLtrField extends CharField {
    static template = "queue_job_sync.LtrField";
}

registry.category("fields").add("sync_ltr", {
    ...charField,
    component: SyncLtrField,
});
