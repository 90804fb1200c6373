// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { deserializeDateTime } from "@web/core/l10n/dates";
import { rpc, rpcBus } from "@web/core/network/rpc";
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

/** Read the state of the contact that is open, and since when it is so. */
async function stateOfContact(name) {
    const [found] = await rpc("/web/dataset/call_kw/res.partner/search_read", {
        model: "res.partner",
        method: "search_read",
        args: [[["name", "=", name]], ["sync_state", "sync_date"]],
        kwargs: {},
    });
    return { ...found, since: deserializeDateTime(found.sync_date).toMillis() };
}

/** Edit the mail address of the contact that is open, and save it. */
function editAndSave(name) {
    return [
        ...openContact(name),
        {
            content: "Change the mail address",
            trigger: ".o_field_widget[name='email'] input",
            run: "edit ada.king@example.com",
        },
        ...stepUtils.saveForm(),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The change is on its way",
            trigger: `${STATUS}:contains('Waiting')`,
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_button_follows", {
    url: "/odoo",
    steps: () => [
        ...editAndSave("Ada Lovelace"),
        {
            content: "Go on typing meanwhile",
            trigger: ".o_field_widget[name='phone'] input",
            run: "edit 0123",
        },
        {
            content: "It has arrived, and the button says so by itself within 2 s",
            trigger: `${STATUS}:contains('Synced'):contains('just now')`,
            run: async () => {
                const { since, sync_state } = await stateOfContact("Ada Lovelace");
                // it is told in whole seconds
                if (sync_state !== "synced" || Date.now() - since > 3000) {
                    throw new Error(`${sync_state}, ${Date.now() - since} ms ago`);
                }
            },
        },
        {
            content: "What is being typed is still there, and not saved",
            trigger: ".o_form_button_save:visible",
            run: () => {
                const { value } = document.querySelector("[name='phone'] input");
                if (value !== "0123") {
                    throw new Error(`The number is ${value}`);
                }
            },
        },
        ...stepUtils.discardForm(),
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_button_follows_failure", {
    url: "/odoo",
    steps: () => [
        ...editAndSave("Ada Lovelace"),
        {
            content: "It was refused, and the button says so by itself",
            trigger: `${STATUS}:contains('Failed')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dialog_follows", {
    url: "/odoo",
    steps: () => [
        ...editAndSave("Ada Lovelace"),
        {
            content: "Ask for details",
            trigger: STATUS,
            run: "click",
        },
        {
            content: "The system does not have it yet",
            trigger: `${SYSTEM}:has(.badge:contains('Waiting'))`,
        },
        {
            content: "It has arrived, and the dialog says so by itself",
            trigger: `${SYSTEM}:has(.badge:contains('Synced'))`,
        },
        {
            content: "So does the button below it",
            trigger: `.o_form_view ${STATUS}:contains('Synced')`,
        },
        {
            content: "Close the dialog",
            trigger: ".modal footer button:contains('Close')",
            run: "click",
        },
        {
            content: "The contact is still there",
            trigger: `body:not(:has(.modal)) ${STATUS}:contains('Synced')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_button_at_rest", {
    url: "/odoo",
    steps: () => [
        ...openContact("Ada Lovelace"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "Nothing waits: nothing is asked",
            trigger: `${STATUS}:contains('Synced')`,
            run: async () => {
                let count = 0;
                const onRequest = () => count++;
                rpcBus.addEventListener("RPC:REQUEST", onRequest);
                await new Promise((resolve) => setTimeout(resolve, 2500));
                rpcBus.removeEventListener("RPC:REQUEST", onRequest);
                if (count) {
                    throw new Error(`${count} requests`);
                }
            },
        },
    ],
});

const CARD = ".o_kanban_record:contains('Jakob Bernoulli')";
const HEALTHY = ".o_kanban_record:contains('Daniel Bernoulli')";

registry.category("web_tour.tours").add("queue_job_sync_cards", {
    steps: () => [
        {
            content: "A card says that the contact failed, so that it is seen",
            trigger: `${CARD} .o_sync_badge .fa-exclamation-triangle.text-danger:visible`,
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
            }),
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
