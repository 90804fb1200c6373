// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const MINUTE = 60000; // milliseconds
const COLORS = {
    synced: "text-success",
    waiting: "text-info",
    doubt: "text-warning",
    accepted: "text-info",
    failed: "text-danger",
};

/** The state of a record in external systems, and for how long it has been so. */
export class SyncStatusField extends Component {
    static template = "queue_job_sync.SyncStatusField";
    static props = { ...standardFieldProps };

    setup() {
        this.clock = useState({ now: Date.now() });
        let timer = null;
        onMounted(() => {
            timer = setInterval(() => (this.clock.now = Date.now()), MINUTE);
        });
        onWillUnmount(() => clearInterval(timer));
    }

    get state() {
        return this.props.record.data[this.props.name];
    }

    get label() {
        const { selection } = this.props.record.fields[this.props.name];
        return Object.fromEntries(selection)[this.state] || "";
    }

    get color() {
        return COLORS[this.state] || "text-muted";
    }

    get date() {
        return this.props.record.data.sync_date;
    }

    get age() {
        // the clocks of server and browser differ, and no change lies ahead
        if (Math.max(Date.now(), this.clock.now) - this.date.toMillis() < MINUTE) {
            return _t("just now");
        }
        return this.date.toRelative();
    }

    get title() {
        return this.date ? `${this.label}, ${formatDateTime(this.date)}` : this.label;
    }
}

export const syncStatusField = {
    component: SyncStatusField,
    supportedTypes: ["selection"],
    fieldDependencies: [{ name: "sync_date", type: "datetime" }],
};

registry.category("fields").add("sync_status", syncStatusField);
