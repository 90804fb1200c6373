// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const BANNER = ".o_sync_health:contains('Jobs can take every worker')";

function openDashboard() {
    return stepUtils.goToAppSteps(
        "queue_job.menu_queue_job_root",
        "Open the Job Queue app",
    );
}

registry.category("web_tour.tours").add("queue_job_sync_health", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "The dashboard has the lines for the configuration",
            trigger: `.o_queue_job_sync_dashboard ${BANNER} pre:contains('workers = 4')`,
            run() {
                // as it is seen, and copied
                const lines = this.anchor.innerText.split("\n");
                if (!lines.includes("workers = 4")) {
                    throw new Error(`The lines are folded: ${lines}`);
                }
            },
        },
        {
            content: "Connect a system",
            trigger: "button:contains('Connect a System')",
            run: "click",
        },
        {
            content: "So has the first step to another system",
            trigger: `.o_sync_setup ${BANNER} pre:contains('root:3')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_health_manager", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "Who may not change the configuration is told whom to tell",
            trigger: `.o_queue_job_sync_dashboard ${BANNER}:contains('Tell whoever runs')`,
        },
        {
            content: "And sees no lines",
            trigger: `.o_queue_job_sync_dashboard ${BANNER}:not(:has(pre))`,
        },
    ],
});
