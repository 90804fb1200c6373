// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** What is wrong with the servers, as `sync.health` says: nothing when all is well. */
export class HealthBanner extends Component {
    static template = "queue_job_sync.HealthBanner";
    static props = { problems: Array };

    get isSystem() {
        return user.isSystem;
    }
}

export class HealthField extends Component {
    static template = "queue_job_sync.HealthField";
    static components = { HealthBanner };
    static props = { ...standardFieldProps };
}

registry.category("fields").add("sync_health", {
    component: HealthField,
    supportedTypes: ["json"],
});
