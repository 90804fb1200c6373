// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openConfiguration } from "./open_configuration";

const TAB = ".o_notebook .nav-link[name='requests']";
const LINES = ".o_field_widget[name='request_ids']";
const ROW = `${LINES} .o_selected_row`;

registry.category("web_tour.tours").add("queue_job_sync_requests", {
    url: "/odoo",
    steps: () => [
        ...openConfiguration("menu_sync_stream"),
        {
            content: "Open that of the contacts",
            trigger:
                ".o_list_view:has(.o_last_breadcrumb_item:contains('Synchronizations'))" +
                " .o_data_row:contains('Contacts to CRM') .o_data_cell[name='name']",
            run: "click",
        },
        {
            content: "Nothing of requests is shown as long as they are as usual",
            trigger: `.o_form_view:not(:has(${TAB})):not(:has(${LINES}))`,
        },
        {
            content: "The system wants requests of its own",
            trigger: ".o_field_widget[name='own_requests'] input",
            run: "click",
        },
        {
            content: "Open their tab",
            trigger: TAB,
            run: "click",
        },
        {
            content: "Add one",
            trigger: `${LINES} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            content: "Open what it is for",
            trigger: `${ROW} .o_field_widget[name='kind'] input`,
            run: "click",
        },
        {
            content: "It is that of what is deleted",
            trigger: ".o_select_menu_item:contains('Remove')",
            run: "click",
        },
        {
            content: "Forget which record it is",
            trigger: `${ROW} .o_field_widget[name='line'] input`,
            run: "edit DELETE contacts?force=true",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It is refused, with the reason",
            trigger:
                ".modal:contains('Remove: Nothing says which record it is') footer button",
            run: "click",
        },
        {
            content: "Edit it again",
            trigger: `body:not(:has(.modal)) ${LINES} .o_data_cell[name='line']`,
            run: "click",
        },
        {
            content: "Say which record",
            trigger: `${ROW} .o_field_widget[name='line'] input`,
            run: "edit DELETE contacts/{id}?force=true",
        },
        {
            content: "Say what an answer says when it means no",
            trigger: ".o_field_widget[name='refused_when'] input",
            run: "edit problem.text",
        },
        ...stepUtils.saveForm(),
        {
            content: "It is still there",
            trigger: `${TAB}.active`,
        },
    ],
});
