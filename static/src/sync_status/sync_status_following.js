// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, onMounted, xml } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";
import { useFollowing } from "./following";

/** Reads a dialog again that nobody types into, while it tells of what waits. */
export class SyncStatusFollowing extends Component {
    static template = xml``;
    static props = { ...standardWidgetProps };

    setup() {
        const follow = useFollowing(async () => {
            const { record } = this.props;
            await record.load();
            return record.data.waits;
        });
        onMounted(() => {
            if (this.props.record.data.waits) {
                follow();
            }
        });
    }
}

registry.category("view_widgets").add("sync_status_following", {
    component: SyncStatusFollowing,
    fieldDependencies: [{ name: "waits", type: "boolean" }],
});
