// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { listView } from "@web/views/list/list_view";
import { DashboardController, DashboardListController } from "./dashboard_controller";
import { DashboardModel } from "./dashboard_model";
import { DashboardListRenderer, DashboardRenderer } from "./dashboard_renderer";

registry.category("views").add("queue_job_sync_dashboard", {
    ...kanbanView,
    Controller: DashboardController,
    Model: DashboardModel,
    Renderer: DashboardRenderer,
});

registry.category("views").add("queue_job_sync_dashboard_list", {
    ...listView,
    Controller: DashboardListController,
    Model: DashboardModel,
    Renderer: DashboardListRenderer,
});
