// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { charField } from "@web/views/fields/char/char_field";
import { SyncLtrField } from "./ltr_field";

/** A name at the destination; the columns of the table, once read, are offered. */
export class SyncTargetField extends SyncLtrField {
    static template = "queue_job_sync.TargetField";

    get columns() {
        return this.props.record.evalContext.parent?.columns || [];
    }

    get listId() {
        return `sync_columns_${this.props.record.id}`;
    }
}

registry.category("fields").add("sync_target", {
    ...charField,
    component: SyncTargetField,
});
