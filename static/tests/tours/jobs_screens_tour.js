// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const FAILED = "CRM: Grace Hopper";
const WAITING = "CRM: Alan Turing";

/** Look at what a job's form says about its failure and its attempts. */
function readFailure() {
    return [
        {
            content: "The reason is on top, and the traceback is folded",
            trigger:
                ".o_form_view .alert-danger:contains('500')" +
                " details[name='traceback']:not([open])" +
                " summary",
            run: "click",
        },
        {
            content: "Unfolded, it is the traceback",
            trigger:
                "details[name='traceback'][open]:contains('Traceback (most recent')",
        },
        {
            content: "Open what was sent and answered",
            trigger: ".o_notebook a[name='deliveries']",
            run: "click",
        },
        {
            content: "There are all three tries: unfold what the last one sent",
            trigger:
                ".o_field_widget[name='sync_delivery_ids']" +
                ":has(.o_kanban_record:contains('500'):eq(2))" +
                " .o_kanban_record:eq(0) details:contains('What was sent') summary",
            run: "click",
        },
        {
            content: "It is the contact",
            trigger:
                ".o_kanban_record:eq(0) details[open] pre:contains('Grace Hopper')",
        },
        {
            content: "Unfold what the system has answered",
            trigger:
                ".o_kanban_record:eq(0) details:contains('What was answered') summary",
            run: "click",
        },
        {
            content: "It is the answer of the system",
            trigger:
                ".o_kanban_record:eq(0) details[open] pre:contains('out of order')",
        },
    ];
}

function openMenu(xmlid) {
    return [
        {
            content: "Open the Queue menu",
            trigger: "button[data-menu-xmlid='queue_job.menu_queue']",
            run: "click",
        },
        {
            content: `Open ${xmlid}`,
            trigger: `a[data-menu-xmlid='${xmlid}']`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_jobs_screens", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        ...openMenu("queue_job.menu_queue_job"),
        {
            content: "What waits is listed, not what is done",
            trigger:
                `.o_list_view:not(:has(.o_data_row:contains('Ada Lovelace')))` +
                ` .o_data_row:contains('${WAITING}'):contains('0 / 3')`,
        },
        {
            content: "What failed tells why, and after how many tries",
            trigger: `.o_data_row:contains('${FAILED}'):contains('3 / 3'):contains('500')`,
        },
        {
            content: "Open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Choose what failed today",
            trigger: ".o_filter_menu .o_menu_item:text('Failed Today')",
            run: "click",
        },
        {
            content: "Open the only job left",
            trigger:
                `.o_list_view:not(:has(.o_data_row:contains('${WAITING}')))` +
                ` .o_data_row:contains('${FAILED}') .o_data_cell[name='name']`,
            run: "click",
        },
        ...readFailure(),
        {
            content: "Go back to the list",
            trigger: ".o_control_panel .breadcrumb-item a:contains('Jobs')",
            run: "click",
        },
        {
            content: "Drop the filter",
            trigger:
                ".o_list_view .o_searchview_facet:contains('Failed Today') .o_facet_remove",
            run: "click",
        },
        {
            content: "Select all jobs",
            trigger: `.o_list_view:has(.o_data_row:contains('${WAITING}')) thead .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:contains('Actions')",
            run: "click",
        },
        {
            content: "Change the priority of all at once",
            trigger:
                ".o-dropdown--menu .o_menu_item:contains('Change Priority or Time')",
            run: "click",
        },
        {
            content: "Nothing is changed unless it is chosen",
            trigger:
                ".modal:not(:has(button[name='action_reschedule']))" +
                ":contains('1 waiting and 1 failed')" +
                " .o_field_widget[name='change_priority'] input",
            run: "click",
        },
        {
            content: "Let them be among the first",
            trigger: ".modal .o_field_widget[name='priority'] input",
            run: "edit 3",
        },
        {
            content: "Change them",
            trigger: ".modal button[name='action_reschedule']",
            run: "click",
        },
        {
            content: "The list shows it",
            trigger:
                `.o_list_view .o_data_row:contains('${WAITING}')` +
                " .o_data_cell[name='sync_priority']:text('3')",
        },
        {
            content: "Look at the jobs by state",
            trigger: ".o_switch_view.o_kanban",
            run: "click",
        },
        {
            content: "The failed job is in the column Failed, with its reason",
            trigger:
                ".o_kanban_group:has(.o_kanban_header:contains('Failed'))" +
                ` .o_kanban_record:contains('${FAILED}'):contains('500')`,
        },
        {
            content: "The waiting job is in the column Pending",
            trigger:
                ".o_kanban_group:has(.o_kanban_header:contains('Pending'))" +
                ` .o_kanban_record:contains('${WAITING}')`,
        },
        ...openMenu("queue_job_sync.menu_queue_job_statistics"),
        {
            content: "The statistics are drawn: look at the figures",
            trigger: ".o_graph_view:has(.o_graph_renderer canvas)",
        },
        {
            content: "Look at the figures",
            trigger: ".o_switch_view.o_pivot",
            run: "click",
        },
        {
            content: "By system and synchronization, done and failed",
            trigger:
                ".o_pivot table:has(th:contains('Done')):has(th:contains('Failed'))" +
                ":has(th:contains('Duration (s)'))" +
                " th:contains('Contacts to CRM')",
        },
    ],
});

/**
 * Steps of a mass action on one job, in the list of all jobs.
 *
 * @param {String} job its name
 * @param {String} action what the menu calls it
 * @param {String} button that carries it out
 * @param {String} result a selector within the list that shows what became of it
 */
function actOn(job, action, button, result) {
    return [
        {
            content: `Select ${job}`,
            trigger: `.o_data_row:contains('${job}') .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Open the actions",
            trigger: ".o_cp_action_menus .dropdown-toggle:contains('Actions')",
            run: "click",
        },
        {
            content: `Choose ${action}`,
            trigger: `.o-dropdown--menu .o_menu_item:contains('${action}')`,
            run: "click",
        },
        {
            content: "It says how many jobs, and what that means for which system",
            trigger:
                ".modal:has(.o_field_widget[name='job_count']:text('1'))" +
                ":not(:has(.o_field_x2many, .o_field_many2many))" +
                ":has(.o_field_widget[name='systems'] tr:contains('CRM'):contains('1'))" +
                ` button[name='action_decide']:contains('${button}')`,
            run: "click",
        },
        {
            content: "The list shows it",
            trigger: `body:not(:has(.modal)) .o_list_view:${result}`,
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_jobs_mass", {
    steps: () => [
        ...actOn(
            FAILED,
            "Requeue Jobs",
            "Requeue",
            `has(.o_data_row:contains('${FAILED}'):contains('Pending'):contains('0 / 3'))`,
        ),
        ...actOn(
            FAILED,
            "Set jobs to done",
            "Set to Done",
            `not(:has(.o_data_row:contains('${FAILED}')))`,
        ),
        ...actOn(
            WAITING,
            "Cancel jobs",
            "Cancel Jobs",
            `not(:has(.o_data_row:contains('${WAITING}')))`,
        ),
    ],
});

/**
 * Select all jobs that there are, on all pages, and open an action on them.
 *
 * @param {String} action what the menu calls it
 */
function actOnAll(action) {
    return [
        {
            content: "Select all jobs of the page",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Select those of the other pages",
            trigger: ".o_selection_box .o_select_domain",
            run: "click",
        },
        {
            content: "Open the actions",
            trigger:
                ".o_control_panel:has(.o_selection_box:contains('101'))" +
                " .o_cp_action_menus .dropdown-toggle:contains('Actions')",
            run: "click",
        },
        {
            content: `Choose ${action}`,
            trigger: `.o-dropdown--menu .o_menu_item:contains('${action}')`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_jobs_all", {
    steps: () => [
        ...actOnAll("Cancel jobs"),
        {
            content: "All of them are counted: think better of it",
            trigger:
                ".modal:has(.o_field_widget[name='job_count']:text('101'))" +
                ":has(.o_field_widget[name='systems'] tr:contains('CRM'):contains('101'))" +
                " button:contains('Keep Jobs')",
            run: "click",
        },
        {
            content: "They are still there",
            trigger: "body:not(:has(.modal)) .o_list_view .o_data_row",
        },
        ...actOnAll("Cancel jobs"),
        {
            content: "Carry it out",
            trigger:
                ".modal:has(.o_field_widget[name='job_count']:text('101'))" +
                " button[name='action_decide']",
            run: "click",
        },
        {
            content: "It goes on in batches, and can be stopped",
            trigger: ".modal:has(.o_sync_batches_stop) .progress",
        },
        {
            content: "It tells when all is done, and no job waits",
            trigger:
                "body:not(:has(.modal)):has(.o_notification:contains('101 of 101 jobs'))" +
                " .o_list_view:not(:has(.o_data_row))",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_jobs_stop", {
    steps: () => [
        ...actOnAll("Set jobs to done"),
        {
            content: "Carry it out",
            trigger: ".modal button[name='action_decide']",
            run: "click",
        },
        {
            content: "It goes on: stop it",
            trigger: ".modal:contains('of 101 jobs') .o_sync_batches_stop",
            run: "click",
        },
        {
            content: "What was done stays done, the rest still waits",
            trigger:
                "body:not(:has(.modal)):has(.o_notification:contains('of 101 jobs are'))" +
                " .o_list_view .o_data_row",
        },
    ],
});

/** Fail unless the chart has the colors of a failure and of a success. */
function checkColors(found) {
    const scheme = getComputedStyle(document.documentElement);
    for (const [state, name] of [
        ["Failed", "danger"],
        ["Done", "success"],
    ]) {
        const wanted = scheme.getPropertyValue(`--${name}`).trim();
        if (!wanted || found[state] !== wanted) {
            throw new Error(`${state} is ${found[state]}, not ${wanted}`);
        }
    }
}

registry.category("web_tour.tours").add("queue_job_sync_jobs_graph", {
    steps: () => [
        {
            content: "Failed is red, done is green, whatever comes first",
            trigger: ".o_graph_view .o_graph_renderer canvas",
            run() {
                const { data } = window.Chart.getChart(this.anchor);
                checkColors(
                    Object.fromEntries(
                        data.datasets.map((each) => [each.label, each.backgroundColor]),
                    ),
                );
            },
        },
        {
            content: "As a pie as well",
            trigger: ".o_graph_button[data-mode='pie']",
            run: "click",
        },
        {
            content: "Each state keeps its color",
            trigger:
                ".o_graph_view:has(.o_graph_button[data-mode='pie'].active)" +
                " .o_graph_renderer canvas",
            run() {
                const { data } = window.Chart.getChart(this.anchor);
                const [{ backgroundColor }] = data.datasets;
                checkColors(
                    Object.fromEntries(
                        data.labels.map((label, index) => [
                            label.split(" / ").at(-1),
                            backgroundColor[index],
                        ]),
                    ),
                );
            },
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_jobs_phone", {
    steps: () => [
        {
            content: "What waits is there, in a column of its own",
            trigger: `.o_kanban_group .o_kanban_record:contains('${WAITING}')`,
        },
        {
            content: "Open the card of the job that failed",
            trigger: `.o_kanban_record:contains('${FAILED}'):contains('3 / 3')`,
            run: "click",
        },
        ...readFailure(),
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_no_jobs", {
    url: "/odoo",
    steps: () => [
        {
            content: "Open the apps",
            trigger: ".o_navbar_apps_menu button",
            run: "click",
        },
        {
            content: "Contacts are among them, jobs are not",
            trigger:
                ".o-dropdown--menu:has([data-menu-xmlid='contacts.menu_contacts'])" +
                ":not(:has([data-menu-xmlid='queue_job.menu_queue_job_root']))",
        },
    ],
});
