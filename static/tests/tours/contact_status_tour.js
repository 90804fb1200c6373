// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openContact } from "./open_contact";

const STATUS = "button[name='action_sync_status']";

registry.category("web_tour.tours").add("queue_job_sync_contact_edited", {
    url: "/odoo",
    steps: () => [
        ...openContact("Ada Lovelace"),
        {
            content: "The system holds the contact as it is",
            trigger: `${STATUS}:contains('Synchronization'):contains('Synced')`,
        },
        {
            content: "Change the name",
            trigger: ".o_field_widget[name='name'] :is(input, textarea)",
            run: "edit Ada King",
        },
        {
            content: "Change the mail address",
            trigger: ".o_field_widget[name='email'] input",
            run: "edit ada.king@example.com",
        },
        ...stepUtils.saveForm(),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The change is on its way: ask for details",
            trigger: `${STATUS}:contains('Waiting')`,
            run: "click",
        },
        {
            content: "The dialog is about this contact, and shows one system",
            trigger: ".modal .modal-title:contains('Synchronization of Ada King')",
        },
        {
            content: "The change has not reached the system",
            trigger:
                ".modal tbody tr:only:contains('CRM'):has(.badge:contains('Waiting'))",
        },
        {
            content: "Close the dialog",
            trigger: ".modal footer button:contains('Close')",
            run: "click",
        },
        {
            content: "The contact is still there",
            trigger:
                "body:not(:has(.modal)) .o_last_breadcrumb_item:contains('Ada King')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_contact_delivered", {
    url: "/odoo",
    steps: () => [
        ...openContact("Ada King"),
        {
            content: "The change has arrived: ask for details",
            trigger: `${STATUS}:contains('Synced')`,
            run: "click",
        },
        {
            content: "The system is listed, with its id of the contact",
            trigger:
                ".modal tbody tr:only:contains('CRM'):has(.badge:contains('Synced'))" +
                ":has(td:text('1'))",
        },
        {
            content: "Close the dialog",
            trigger: ".modal footer button:contains('Close')",
            run: "click",
        },
        {
            content: "The contact is still there",
            trigger:
                "body:not(:has(.modal)) .o_last_breadcrumb_item:contains('Ada King')",
        },
    ],
});
