// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openConfiguration } from "./open_configuration";

const TAB = ".o_notebook .nav-link[name='requests']";
const LINES = ".o_field_widget[name='request_ids']";
const ROW = `${LINES} .o_selected_row`;
const SIZE = ".o_field_widget[name='many_size'] input";

registry.category("web_tour.tours").add("queue_job_sync_many", {
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
            content: "Nothing of many records is shown; add a request",
            trigger: `.o_form_view:not(:has(${SIZE})) ${LINES} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            content: "Open what it is for",
            trigger: `${ROW} .o_field_widget[name='kind'] input`,
            run: "click",
        },
        {
            content: "It creates many records",
            trigger: ".o_select_menu_item:contains('Create Many')",
            run: "click",
        },
        {
            content: "Say where they go",
            trigger: `${ROW} .o_field_widget[name='line'] input`,
            run: "edit POST contacts/many && press Tab",
        },
        {
            content: "Say how many it takes",
            trigger: SIZE,
            run: "edit 2",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It is refused, with what is missing",
            trigger:
                ".modal:contains('Say where the answer to many records has those to each')" +
                " footer button",
            run: "click",
        },
        {
            content: "Say where the answers are",
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name='many_items'] input",
            run: "edit data",
        },
        {
            content: "Answers have a key, it seems",
            trigger:
                ".o_form_view:not(:has(.o_field_widget[name='many_matches']))" +
                " .o_field_widget[name='many_key'] input",
            run: "edit mail && press Tab",
        },
        {
            content: "Say what it is compared with",
            trigger: ".o_field_widget[name='many_matches'] input",
            run: "edit {email}",
        },
        ...stepUtils.saveForm(),
        {
            content: "It is still there",
            trigger: `${TAB}.active`,
        },
    ],
});
