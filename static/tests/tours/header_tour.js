// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { cookie } from "@web/core/browser/cookie";
import { registry } from "@web/core/registry";
import { openConfiguration } from "./open_configuration";

const LINES = ".o_field_widget[name='header_ids']";
const EDITED = `${LINES} .o_selected_row`;
const CERTIFICATE = ".o_field_widget[name='client_certificate_origin']";
const TEXT = ".modal textarea#o_sync_secret_value";

function click(content, trigger) {
    return { content, trigger, run: "click" };
}

function edit(content, trigger, value) {
    return { content, trigger, run: `edit ${value}` };
}

registry.category("web_tour.tours").add("queue_job_sync_headers", {
    url: "/odoo",
    steps: () => [
        ...openConfiguration("menu_sync_backend"),
        click("Open the system", ".o_list_view .o_data_cell:contains('CRM')"),
        click(
            "It needs none of it, and so none is shown",
            `.o_form_view:not(:has(${LINES})):not(:has(${CERTIFICATE}))` +
                " .o_field_widget[name='shows_more'] input",
        ),
        click("Add a header", `${LINES} .o_field_x2many_list_row_add a`),
        edit("Name it", `${EDITED} [name='name'] input`, "X-Tenant"),
        edit("Give its value", `${EDITED} [name='value'] input`, "acme"),
        click("Add another one", `${LINES} .o_field_x2many_list_row_add a`),
        edit(
            "Name it",
            `${EDITED}:not(:has([name='name'] input:value('X-Tenant')))` +
                " [name='name'] input",
            "X-Api-Token",
        ),
        click("It is secret", `${EDITED} [name='secret'] input`),
        // which saves the system, and the line with it
        click(
            "Set its value, for which there is no field any more",
            `${LINES} .o_data_row:not(:has([name='value'] input))` +
                " .o_sync_secret_set:contains('Set')",
        ),
        edit(
            "Give it",
            ".modal .o_sync_secret_dialog input[type='password']",
            "a-token-of-the-crm",
        ),
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        {
            content: "It is kept, and cannot be read",
            trigger:
                `body:not(:has(.modal)) ${LINES} .o_data_row:contains('X-Api-Token')` +
                ":contains('Stored in the database')",
        },
        {
            content: "The other one has no secret",
            trigger:
                `${LINES} .o_data_row:contains('X-Tenant'):contains('acme')` +
                ":not(:has(.o_sync_secret_set))",
        },
        click("Change it", `${LINES} .o_data_row:contains('X-Api-Token') .btn-link`),
        edit(
            "Give a reference",
            ".modal .o_sync_secret_dialog input[type='password']",
            "env:CRM_HEADER",
        ),
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        {
            content: "Read where it is kept",
            trigger:
                `body:not(:has(.modal)) ${LINES} .o_data_row:contains('X-Api-Token')` +
                ":contains('From the environment variable CRM_HEADER')",
        },
        click("Set a certificate", `${CERTIFICATE} .o_sync_secret_set`),
        edit("Give what is none", TEXT, "/etc/ssl/private/client.pem"),
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        click(
            "Odoo says why not",
            ".modal:contains('There is no certificate in it') footer .btn-primary",
        ),
        {
            content: "The dialog is still there: give one",
            trigger: TEXT,
            run: `edit ${cookie.get("queue_job_sync_certificate")}`,
        },
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        {
            content: "Read for whom it is, and until when",
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name='client_certificate_text']" +
                ":contains('For odoo.example.com, until')",
        },
        {
            content: "It ends soon, and the form says so",
            trigger:
                ".alert .o_field_widget[name='certificate_warning']" +
                ":contains('Client Certificate: It ends at')",
        },
    ],
});
