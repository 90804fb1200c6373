// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { addMapping } from "./mapping_line";
import { openConfiguration } from "./open_configuration";

const LINES = ".o_field_widget[name='mapping_ids']";
const TARGET = ".o_field_widget[name='target'] input";
const EMPTY = ".o_field_widget[name='leave_out_empty']";
const KEPT = ".text-muted:contains('The system keeps what it has')";
const COMPARISON = ".modal .o_field_widget[name='comparison']";
const REQUEST = ".modal .o_field_widget[name='request']";

registry.category("web_tour.tours").add("queue_job_sync_mapping_names", {
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
            content: "Examples say what a name may be",
            trigger: ".o_form_view code:contains('emails[0].value')",
        },
        ...addMapping([], ["phone", "Phone"], "phones[1].value"),
        {
            content: "Save",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "An entry is missing before it",
            trigger: ".modal:contains('nothing is mapped to phones[0]')",
        },
        {
            content: "Close the dialog",
            trigger: ".modal footer button",
            run: "click",
        },
        {
            // the line is still the edited one
            content: "Make it the first entry",
            trigger: `body:not(:has(.modal)) ${LINES} .o_selected_row ${TARGET}`,
            run: "edit phones[0].value",
        },
        {
            content: "Nothing is said of what is left out",
            trigger: `.o_form_view:not(:has(${KEPT})):not(:has(${EMPTY}))`,
        },
        {
            content: "The system wants its requests otherwise",
            trigger: ".o_field_widget[name='own_requests'] input",
            run: "click",
        },
        {
            content: "Leave out what is empty",
            trigger: `${EMPTY} input`,
            run: "click",
        },
        {
            content: "See what that means",
            trigger: `.o_form_view ${KEPT}`,
        },
        ...stepUtils.saveForm(),
        {
            content: "Ask for a preview",
            trigger: "button[name='action_preview']:contains('Preview')",
            run: "click",
        },
        {
            content: "Look for a contact",
            trigger: ".modal .o_field_widget[name='res_id'] input",
            run: "edit Hedy Lamarr",
        },
        {
            content: "Choose it",
            trigger: ".o-autocomplete--dropdown-item:contains('Hedy Lamarr')",
            run: "click",
        },
        {
            content: "See what would be sent",
            trigger: ".modal footer button[name='action_preview']",
            run: "click",
        },
        {
            content: "The phone is an entry of a list",
            trigger: `${COMPARISON} tr:has(td:text('phones')):contains('[{"value": "+43 1"}]')`,
        },
        {
            content: "There is no email",
            trigger: `${COMPARISON}:not(:has(td:text('email')))`,
        },
        {
            content: "Nor is it in the request",
            trigger: `${REQUEST}:contains('"phones"'):not(:contains('email'))`,
        },
    ],
});
