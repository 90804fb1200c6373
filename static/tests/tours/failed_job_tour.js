// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const JOB = "CRM: Grace Hopper";
const STATE = ".o_field_widget[name='state'] .o_arrow_button_current";
const TIME = "/[0-9]:[0-9][0-9]/";

/** Check that the form has a field of this label, and that it says something. */
function fieldSays(name, label, value) {
    return {
        content: `${label} says ${value}`,
        trigger:
            `.o_form_view:has(.o_form_label[for^='${name}_']:contains('${label}'))` +
            ` .o_field_widget[name='${name}']:contains(${value})`,
    };
}

registry.category("web_tour.tours").add("queue_job_sync_failed_job", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        {
            content: "Open its Queue menu",
            trigger: "button[data-menu-xmlid='queue_job.menu_queue']",
            run: "click",
        },
        {
            content: "Open the jobs",
            trigger: "a[data-menu-xmlid='queue_job.menu_queue_job']",
            run: "click",
        },
        {
            content: "What waits is listed with what has failed: drop that filter",
            trigger:
                ".o_list_view:has(.o_data_row:contains('Alan Turing')) .o_facet_remove",
            run: "click",
        },
        {
            content: "Open the filters",
            trigger:
                ".o_list_view:not(:has(.o_facet_remove)) .o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Choose Failed",
            trigger: ".o_filter_menu .o_menu_item:text('Failed')",
            run: "click",
        },
        {
            content: "The job that waits is no longer listed: open the one that failed",
            trigger:
                ".o_list_view:not(:has(.o_data_row:contains('Alan Turing')))" +
                ` .o_data_row:contains('${JOB}') .o_data_cell[name='name']`,
            run: "click",
        },
        {
            content: "It is Failed",
            trigger: `.o_form_view ${STATE}:contains('Failed')`,
        },
        {
            content: "The answer of the system is on top of the form",
            trigger: ".o_form_sheet .alert-danger:contains('Failed'):contains('500')",
        },
        fieldSays("eta", "Execute only after", TIME),
        fieldSays("date_enqueued", "Enqueued", TIME),
        fieldSays("date_started", "Started", TIME),
        {
            content: "Done has its place, and is empty",
            trigger: ".o_form_label[for^='date_done_']:contains('Done')",
        },
        fieldSays("exec_time", "Duration (s)", "/^[0-9]/"),
        {
            content: "All its tries are used",
            trigger:
                ".o_form_label:contains('Current try / max retries')" +
                " ~ .o_field_widget[name='retry']:contains('3')" +
                " ~ .o_field_widget[name='max_retries'] input:value('3')",
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "Follow the job to its record",
            trigger:
                ".o-form-buttonbox button[name='open_related_action']" +
                ":contains('Related Record')",
            run: "click",
        },
        {
            content: "It is the contact",
            trigger: ".o_form_view .o_last_breadcrumb_item:contains('Grace Hopper')",
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The contact tells of the failure too",
            trigger: "button[name='action_sync_status']:contains('Failed')",
        },
        {
            content: "Go back to the job",
            trigger: `.o_control_panel .breadcrumb-item a:contains('${JOB}')`,
            run: "click",
        },
        {
            content: "The job is still Failed",
            trigger: `.o_form_view ${STATE}:contains('Failed')`,
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "Requeue it",
            trigger: ".o-form-buttonbox button[name='requeue']:contains('Requeue')",
            run: "click",
        },
        {
            content: "It is Pending, and no error is shown",
            trigger: `.o_form_view:not(:has(.alert-danger)) ${STATE}:contains('Pending')`,
        },
    ],
});
