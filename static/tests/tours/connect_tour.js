// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { openConfiguration } from "./open_configuration";

const STATUS = ".o_form_view .o_field_widget[name='oauth_status']";

function click(content, trigger) {
    return { content, trigger, run: "click" };
}

function leave(content, trigger) {
    return { ...click(content, trigger), expectUnloadPage: true };
}

function openSystem() {
    return [
        ...openConfiguration("menu_sync_backend"),
        click("Open the system", ".o_list_view .o_data_cell:contains('CRM')"),
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_connect", {
    url: "/odoo",
    steps: () => [
        ...openSystem(),
        { content: "Nobody is", trigger: `${STATUS}:contains('Not connected')` },
        {
            content: "The system has to know where users come back to",
            trigger: ".o_field_widget[name='oauth_page']:contains('/connect')",
        },
        leave("Connect it", "button[name='action_connect']:contains('Connect')"),
        {
            content: "Come back from the system, which has consented",
            trigger: "h1:contains('CRM is connected')",
        },
        leave("Go on", "a:contains('Open the System')"),
        { content: "It is", trigger: `${STATUS}:contains('Connected since')` },
        click("Disconnect it", "button[name='action_disconnect']"),
        click("Be sure", ".modal footer .btn-primary"),
        {
            content: "It is no more",
            trigger: `body:not(:has(.modal)) ${STATUS}:contains('Not connected')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_connect_denied", {
    url: "/odoo",
    steps: () => [
        ...openSystem(),
        leave("Connect it", "button[name='action_connect']:contains('Connect')"),
        {
            content: "Come back from the system, which has not consented",
            trigger: "h1:contains('CRM is not connected')",
        },
        {
            content: "Read why",
            trigger: "p:contains('Consent was denied at the system.')",
        },
        leave("Go back", "a:contains('Open the System')"),
        { content: "Nobody is", trigger: `${STATUS}:contains('Not connected')` },
    ],
});
