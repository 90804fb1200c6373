// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { openConfiguration } from "./open_configuration";
import { setSecret } from "./set_secret";

const SIGNING = ".o_field_widget[name='signing_secret_origin']";
const PREVIOUS = ".o_field_widget[name='signing_secret_previous_origin']";
const INPUT = ".modal .o_sync_secret_dialog #o_sync_secret_value";

function click(content, trigger) {
    return { content, trigger, run: "click" };
}

function save(field, words) {
    return [
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        {
            content: "Read where it is kept",
            trigger: `body:not(:has(.modal)) ${field}:contains('${words}')`,
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_secrets", {
    url: "/odoo",
    steps: () => [
        ...openConfiguration("menu_sync_backend"),
        click("Open the system", ".o_list_view .o_data_cell:contains('CRM')"),
        ...setSecret("auth_secret", "a-token-of-the-crm"),
        click("Change it", ".o_field_widget[name='auth_secret_origin'] button"),
        {
            content: "Give one that is too short",
            trigger: `${INPUT}:empty`,
            run: "edit short",
        },
        {
            content: "Read what that means",
            trigger: ".modal .o_sync_secret_short:contains('too short to be masked')",
        },
        { content: "Give a reference", trigger: INPUT, run: "edit env:CRM" },
        {
            content: "That is no secret, and not too short",
            trigger: ".modal:not(:has(.o_sync_secret_short))",
        },
        ...save(
            ".o_field_widget[name='auth_secret_origin']",
            "From the environment variable CRM",
        ),
        click("Remove it", ".o_field_widget[name='auth_secret_origin'] button"),
        click("For good", ".modal .o_sync_secret_remove"),
        {
            content: "It is gone",
            trigger:
                "body:not(:has(.modal)) .o_field_widget[name='auth_secret_origin']" +
                ":contains('Not set')",
        },

        click("Sign requests", `${SIGNING}:contains('Not set') button`),
        {
            content: "Give what cannot sign",
            trigger: INPUT,
            run: "edit no-signing-secret",
        },
        click("Save it", ".modal .o_sync_secret_save:enabled"),
        click(
            "Odoo says why not",
            ".modal:contains('begins with whsec_') footer .btn-primary",
        ),
        click("The dialog is still there: make one", ".modal .o_sync_secret_make"),
        {
            content: "It is shown, once",
            trigger:
                `.modal:contains('nobody can read it here') ` +
                "#o_sync_secret_value[type='text']:value('whsec_')",
        },
        ...save(SIGNING, "Stored in the database"),
        click("Make another one", `${SIGNING} button`),
        click("At random", ".modal .o_sync_secret_make"),
        {
            content: "The current one goes on signing",
            trigger: ".modal #o_sync_secret_keep:checked",
        },
        ...save(PREVIOUS, "Stored in the database"),
    ],
});
