// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, onMounted, onWillUnmount, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatInteger } from "@web/views/fields/formatters";

/** Has jobs changed in batches, and shows how far it is: see wizards/sync_job_batches. */
export class BatchesDialog extends Component {
    static template = "queue_job_sync.BatchesDialog";
    static components = { Dialog };
    static props = {
        close: Function,
        title: String,
        total: Number,
        // Changes the jobs after one; returns how many, and which was the last.
        next: Function,
        // Is told how many were changed.
        ended: Function,
    };

    setup() {
        this.state = useState({ changed: 0, stopped: false });
        onMounted(() => this.run());
        onWillUnmount(() => (this.state.stopped = true));
    }

    get percent() {
        return Math.min(100, Math.round((100 * this.state.changed) / this.props.total));
    }

    get progress() {
        return _t("%(changed)s of %(total)s jobs", {
            changed: formatInteger(this.state.changed),
            total: formatInteger(this.props.total),
        });
    }

    /**
     * Ends after the batch that is under way, also when the window is closed; and when
     * the server refuses one: Odoo shows the reason.
     */
    async run() {
        try {
            let after = 0;
            while (after !== false && !this.state.stopped) {
                const batch = await this.props.next(after);
                this.state.changed += batch.changed;
                after = batch.after;
            }
        } finally {
            this.props.close();
            this.props.ended(this.state.changed);
        }
    }
}

/** Opens the dialog, and closes the one that it was asked in. */
async function changeInBatches(env, { params }) {
    const { model, id, until, total, title } = params;
    const changed = await new Promise((ended) => {
        env.services.dialog.add(BatchesDialog, {
            title,
            total,
            next: (after) =>
                env.services.orm.call(model, "decide_batch", [
                    [id],
                    after,
                    until,
                    total,
                ]),
            ended,
        });
    });
    env.services.notification.add(
        _t("%(changed)s of %(total)s jobs are changed.", {
            changed: formatInteger(changed),
            total: formatInteger(total),
        }),
        { type: changed < total ? "warning" : "success" },
    );
    return { type: "ir.actions.act_window_close" };
}

registry.category("actions").add("queue_job_sync.batches", changeInBatches);
