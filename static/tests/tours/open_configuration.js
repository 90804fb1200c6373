// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { stepUtils } from "@web_tour/tour_utils";

/**
 * Open a menu of Job Queue / Configuration.
 *
 * @param {string} menu its id within the addon
 * @returns {Object[]} steps of a tour
 */
export function openConfiguration(menu) {
    return [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        {
            content: "Open its Configuration menu",
            trigger: "button[data-menu-xmlid='queue_job_sync.menu_configuration']",
            run: "click",
        },
        {
            content: "Open what is to be configured",
            trigger: `a[data-menu-xmlid='queue_job_sync.${menu}']`,
            run: "click",
        },
    ];
}
