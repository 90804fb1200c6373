// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { charField } from "@web/views/fields/char/char_field";
import { SyncTargetField } from "./target_field";

/** The name of a table; those that the login may fill are offered, once read. */
export class SyncTableField extends SyncTargetField {
    get columns() {
        const names = this.props.record.data.tables || [];
        return names.map((name) => ({ name, type: name }));
    }

    get listId() {
        return `sync_tables_${this.props.record.id}`;
    }
}

registry.category("fields").add("sync_table", {
    ...charField,
    component: SyncTableField,
});
