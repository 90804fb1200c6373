// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { deserializeDateTime, formatDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { useFollowing } from "./following";

const MINUTE = 60000; // milliseconds
const COLORS = {
    synced: "text-success",
    waiting: "text-info",
    doubt: "text-warning",
    accepted: "text-info",
    failed: "text-danger",
};

/**
 * The state of a record in external systems, and for how long it has been so.
 *
 * While it waits, the server is asked how it goes on. The answer is kept here: whatever
 * is being typed into the form stays as it is.
 */
export class SyncStatusField extends Component {
    static template = "queue_job_sync.SyncStatusField";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        // what the form said when it was last read or saved, and what is known by now
        this.known = useState({ form: "", state: false, date: false });
        const follow = useFollowing(() => this.ask());
        useRecordObserver((record) => {
            const [state, date] = [record.data[this.props.name], record.data.sync_date];
            // that it was saved shows in this, even where it is told the same as before
            const isSaved = !record.dirty;
            const form = `${record.resId} ${state} ${date && date.toMillis()}`;
            if (form !== this.known.form) {
                Object.assign(this.known, { form, state, date });
            }
            if (record.resId && isSaved && this.known.state === "waiting") {
                follow();
            }
        });
        this.clock = useState({ now: Date.now() });
        let timer = null;
        onMounted(() => {
            timer = setInterval(() => (this.clock.now = Date.now()), MINUTE);
        });
        onWillUnmount(() => clearInterval(timer));
    }

    /** Returns whether it still waits. */
    async ask() {
        const { form } = this.known;
        const { resId, resModel } = this.props.record;
        const names = [this.props.name, "sync_date"];
        const [values] = await this.orm.silent.read(resModel, [resId], names);
        if (form !== this.known.form) {
            // about another record, or an older state of it
            return true;
        }
        if (values) {
            this.known.state = values[this.props.name];
            this.known.date = values.sync_date && deserializeDateTime(values.sync_date);
        }
        return this.state === "waiting";
    }

    get state() {
        return this.known.state;
    }

    get label() {
        const { selection } = this.props.record.fields[this.props.name];
        return Object.fromEntries(selection)[this.state] || "";
    }

    get color() {
        return COLORS[this.state] || "text-muted";
    }

    get date() {
        return this.known.date;
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
