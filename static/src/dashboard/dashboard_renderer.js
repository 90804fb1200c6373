// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, onWillStart } from "@odoo/owl";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { KanbanRecord } from "@web/views/kanban/kanban_record";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { ListRenderer } from "@web/views/list/list_renderer";

/** A card that leads nowhere by itself: its name and its buttons do. */
export class DashboardRecord extends KanbanRecord {
    static template = "queue_job_sync.DashboardRecord";
}

/** What is there before the first system, with the way to it. */
export class DashboardHelper extends Component {
    static template = "queue_job_sync.DashboardHelper";
    static props = {
        noContentHelp: { optional: true },
        showRibbon: { optional: true },
    };

    setup() {
        this.action = useService("action");
        onWillStart(async () => {
            this.canCreate = await user.checkAccessRight("sync.backend", "create");
        });
    }

    connect() {
        return this.action.doAction("queue_job_sync.action_sync_setup");
    }
}

export class DashboardRenderer extends KanbanRenderer {
    static components = {
        ...KanbanRenderer.components,
        ActionHelper: DashboardHelper,
        KanbanRecord: DashboardRecord,
    };
}

export class DashboardListRenderer extends ListRenderer {
    static components = { ...ListRenderer.components, ActionHelper: DashboardHelper };
}
