// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openConfiguration } from "./open_configuration";

const STATE = ".o_field_widget[name='state'] .o_arrow_button_current";

/** Press a button of the form's header. */
function press(name, label) {
    return {
        content: `Press ${label}`,
        trigger: `.o_statusbar_buttons button[name='${name}']:contains('${label}')`,
        run: "click",
    };
}

/** Check that a figure of the backfill says something. */
function figure(name, value) {
    return {
        content: `${name} is ${value}`,
        trigger: `.o_form_view .o_field_widget[name='${name}']:contains(/^${value}$/)`,
    };
}

registry.category("web_tour.tours").add("queue_job_sync_backfill_started", {
    url: "/odoo",
    steps: () => [
        ...openConfiguration("menu_sync_stream"),
        {
            content: "Open that of the contacts",
            trigger: ".o_data_row td[name='name']:contains('Contacts to CRM')",
            run: "click",
        },
        press("action_backfill", "Synchronize All"),
        {
            content: "The dialog says what will happen: start",
            trigger: ".modal:contains('in the background') button[name='action_start']",
            run: "click",
        },
        {
            content: "It is under way",
            trigger: `${STATE}:contains('Running')`,
        },
        {
            content: "The records are still to be counted",
            trigger: ".alert-info:contains('count')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_backfill_stopped", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        {
            content: "Open its Synchronization menu",
            trigger: "button[data-menu-xmlid='queue_job_sync.menu_sync']",
            run: "click",
        },
        {
            content: "Open the backfills",
            trigger: "a[data-menu-xmlid='queue_job_sync.menu_sync_backfill']",
            run: "click",
        },
        {
            content: "The list shows how far it is: open it",
            trigger:
                ".o_data_row:has(.o_progressbar:contains('10')) td[name='stream_id']",
            run: "click",
        },
        figure("done", "6"),
        figure("total", "60"),
        {
            content: "The bar says how far it is",
            trigger: ".o_form_view .o_progressbar:contains('10')",
        },
        {
            content: "The time that is left is said in words",
            trigger: ".o_field_widget[name='time_left']:contains('minutes')",
        },
        press("action_stop", "Stop"),
        {
            content: "It says who has stopped it",
            trigger: ".alert-warning:contains('Stopped by sync_tour_manager')",
        },
        press("action_refresh", "Refresh"),
        press("action_resume", "Resume"),
        {
            content: "It runs again",
            trigger: `${STATE}:contains('Running')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_backfill_done", {
    url: "/odoo/action-queue_job_sync.action_sync_backfill",
    steps: () => [
        {
            content: "It is done, all of it",
            trigger:
                ".o_data_row:has(.badge:contains('Done')):has(.o_progressbar:contains('100'))",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_backfill_failed", {
    url: "/odoo/action-queue_job_sync.action_sync_backfill",
    steps: () => [
        {
            content: "The list says in red how many failed: open it",
            trigger:
                ".o_data_row:has(.badge.text-bg-danger:contains('Done, 2 failed'))" +
                " td[name='stream_id']",
            run: "click",
        },
        {
            content: "So does the form",
            trigger:
                ".o_form_view .alert-danger:contains('2 of 6 records failed. Still failed now: 2.')",
        },
        figure("done", "4"),
        figure("failed", "2"),
        {
            content: "Open what failed",
            trigger: "button[name='action_open_failed']:contains('2')",
            run: "click",
        },
        {
            content: "They are the jobs of these records",
            trigger:
                ".o_list_view:has(.o_data_row:contains('P3')) .o_data_row:contains('P5')",
        },
        {
            content: "Go back",
            trigger: ".o_control_panel .breadcrumb-item a:contains('Contacts to CRM')",
            run: "click",
        },
        {
            content: "Open the synchronization",
            trigger: ".o_field_widget[name='stream_id'] a",
            run: "click",
        },
        {
            content: "It tells of its last backfill too",
            trigger: ".oe_stat_button .text-danger:contains('Done, 2 failed')",
        },
    ],
});
