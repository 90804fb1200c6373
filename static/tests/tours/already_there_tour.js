// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openConfiguration } from "./open_configuration";

const TAB = ".o_notebook .nav-link[name='requests']";
const LINES = ".o_field_widget[name='request_ids']";
const ROW = `${LINES} .o_selected_row`;
const FOUND = ".o_field_widget[name='found_where']";
const HEADER = ".o_field_widget[name='version_header']";

registry.category("web_tour.tours").add("queue_job_sync_already_there", {
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
            content: "What belongs to it is shown once it is wanted",
            trigger: `.o_form_view:not(:has(${FOUND})):not(:has(${HEADER}))`,
        },
        {
            content: "Open what to do with records that are there",
            trigger: ".o_field_widget[name='already_there'] input",
            run: "click",
        },
        {
            content: "Look for them",
            trigger: ".o_select_menu_item:contains('Look for it')",
            run: "click",
        },
        {
            content: "Say where the IDs are",
            trigger: `${FOUND} input`,
            run: "edit results[*].id",
        },
        {
            content: "Say where the version is",
            trigger: ".o_field_widget[name='version_where'] input",
            run: "edit headers.ETag",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "What is missing is told",
            trigger: ".modal:contains('request of the kind Find') footer button",
            run: "click",
        },
        {
            content: "Add the request",
            trigger: `body:not(:has(.modal)) ${LINES} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            content: "Open what it is for",
            trigger: `${ROW} .o_field_widget[name='kind'] input`,
            run: "click",
        },
        {
            content: "It finds",
            trigger: ".o_select_menu_item:contains('Find')",
            run: "click",
        },
        {
            content: "Search by the e-mail address",
            trigger: `${ROW} .o_field_widget[name='line'] input`,
            run: "edit GET contacts?email={email}",
        },
        {
            content: "Say how the version goes back",
            trigger: `${HEADER} input`,
            run: "edit If-Match",
        },
        ...stepUtils.saveForm(),
    ],
});
