// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { addMapping, POPOVER } from "./mapping_line";
import { openConfiguration } from "./open_configuration";

const LINES = ".o_field_widget[name='mapping_ids']";
const WARNING = ".alert-warning .o_field_widget[name='lacking']";

/** Check a line of the comparison in the dialog. */
function compared(name, words) {
    const cells = words.map((word) => `:contains('${word}')`).join("");
    return {
        content: `${name}: ${words.join(", ")}`,
        trigger: `.modal .o_field_widget[name='comparison'] tr:has(td:text('${name}'))${cells}`,
    };
}

registry.category("web_tour.tours").add("queue_job_sync_mapping", {
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
            content: "Ask for the columns of its table",
            trigger: "button[name='action_read_columns']:contains('Read Columns')",
            run: "click",
        },
        {
            content: "One that is required is not mapped",
            trigger: `${WARNING}:contains('requires a value for: name')`,
        },
        ...addMapping([], ["name", "Name"], "name", [
            {
                content: "Fields are offered with their types",
                trigger: `${POPOVER} li[data-name='name']:contains('name (char)')`,
            },
        ]),
        {
            content: "The columns of the table are offered for it",
            trigger: `${LINES} .o_selected_row datalist option[value='tags']:not(:visible)`,
        },
        ...stepUtils.saveForm(),
        {
            content: "No column is missing any more",
            trigger: `.o_form_view:not(:has(${WARNING}))`,
        },
        {
            content: "Edit the line of the email",
            trigger: `${LINES} .o_data_row:contains('email') .o_data_cell[name='default_value']`,
            run: "click",
        },
        {
            content: "Say what is sent when there is none",
            trigger: `${LINES} .o_selected_row .o_field_widget[name='default_value'] input`,
            run: "edit unknown",
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
        compared("name", ["Hedy Lamarr", "Same"]),
        compared("email", ["unknown", "old@example.com", "Different"]),
        {
            content: "It is an SQL statement",
            trigger:
                ".modal .o_field_widget[name='request']:contains('INSERT INTO \"contacts\"')",
        },
        {
            content: "Close the dialog",
            trigger: ".modal footer button:contains('Close')",
            run: "click",
        },
        {
            content: "The synchronization is still there",
            trigger: "body:not(:has(.modal)) .o_form_view",
        },
    ],
});
