// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openContact } from "./open_contact";

const STATUS = "button[name='action_sync_status']";
const SYSTEM = ".modal .o_sync_system:only";

registry.category("web_tour.tours").add("queue_job_sync_contact_edited", {
    url: "/odoo",
    steps: () => [
        ...openContact("Ada Lovelace"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The system holds the contact as it is, since now",
            trigger: `${STATUS}:contains('Synced'):contains('just now')`,
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
            content: "The dialog is about this contact",
            trigger: ".modal .modal-title:contains('Synchronization of Ada King')",
        },
        {
            content: "The change has not reached the system",
            trigger:
                `${SYSTEM}:contains('CRM'):has(.badge:contains('Waiting'))` +
                ":contains('as soon as a worker is free')",
        },
        {
            content: "The delivery before is listed",
            trigger: `${SYSTEM} li:only:contains('Delivered')`,
        },
        {
            content: "Nothing is for administrators",
            trigger: ".modal:not(:has(button[name='action_jobs'])):not(:has(li a))",
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
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The change has arrived: ask for details",
            trigger: `${STATUS}:contains('Synced')`,
            run: "click",
        },
        {
            content: "The system is listed, with a link to its page of the contact",
            trigger:
                `${SYSTEM}:contains('CRM'):has(.badge:contains('Synced'))` +
                " dd a[href='https://crm.example.com/contacts/1']:contains('1')",
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

const CARD = ".o_kanban_record:contains('Jakob Bernoulli')";
const HEALTHY = ".o_kanban_record:contains('Daniel Bernoulli')";

registry.category("web_tour.tours").add("queue_job_sync_cards", {
    steps: () => [
        {
            content: "A card says that the contact failed, so that it is seen",
            trigger:
                `${CARD} .o_sync_badge .fa-exclamation-triangle.text-danger:visible`,
        },
        {
            content: "In a word, too, and nothing sticks out",
            trigger: `${CARD} .o_sync_badge .badge.text-bg-danger:contains('Failed')`,
            run: ({ anchor }) => {
                const { right } = anchor.getBoundingClientRect();
                if (right > document.documentElement.clientWidth) {
                    throw new Error("The badge is not on the screen.");
                }
            },
        },
        {
            content: "One that all is well with says nothing",
            trigger: `${HEALTHY}:not(:has(.o_sync_badge))`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_states", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps("contacts.menu_contacts", "Open the Contacts app"),
        {
            content: "Open the filters",
            trigger: ".o_list_view .o_searchview_dropdown_toggler",
            run: "click",
        },
        ...["Not Sent Yet", "Synced", "Deleted There", "Waiting", "Skipped"].map(
            (state) => ({
                content: `There is a filter for ${state}`,
                trigger: `.o_filter_menu .o_menu_item:text('Synchronization: ${state}')`,
            })
        ),
        {
            content: "Group by the state",
            trigger: ".o_group_by_menu .o_menu_item:text('Synchronization')",
            run: "click",
        },
        {
            content: "One failed, open the group",
            trigger: ".o_list_view .o_group_header:contains('Failed'):contains('(1)')",
            run: "click",
        },
        {
            content: "It is the one",
            trigger: ".o_list_view .o_data_row:only:contains('Jakob Bernoulli')",
        },
    ],
});
