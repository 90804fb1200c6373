// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openContact } from "./open_contact";

const STATUS = "button[name='action_sync_status']";
const CARD = ".o_queue_job_sync_dashboard .o_kanban_record:contains('CRM')";
const WIZARD = ".modal:has(button[name='action_create_all'])";

/** Return what selects a line of the dialog about a contact. */
function line(name) {
    return `${WIZARD} .o_data_row:contains('${name}')`;
}

// Two contacts may be there already: one is, one is not.
registry.category("web_tour.tours").add("queue_job_sync_clarify", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        {
            content: "Nobody waits and nothing has failed; two are to be clarified",
            trigger:
                `${CARD}:has(button[name='action_open_waiting'] .fs-3:text('0'))` +
                ":has(button[name='action_open_failed'] .fs-3:text('0'))" +
                " .o_queue_job_sync_doubt:contains(/2\\s+to be clarified/)",
            run: "click",
        },
        {
            content: "They are listed: select both",
            trigger:
                ".o_list_view:has(.o_data_row:contains('Ada'):contains('To Be Clarified'))" +
                ":has(.o_data_row:eq(1)):not(:has(.o_data_row:eq(2)))" +
                " thead .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Say what is there",
            trigger: ".o_control_panel button[name='action_clarify']",
            run: "click",
        },
        {
            content: "There is a link to look there, and nothing to apply yet",
            trigger:
                `${WIZARD}:not(:has(button[name='action_apply']))` +
                " a[href='https://crm.example.com/contacts/']:contains('Open')",
        },
        {
            content: "One is there",
            trigger: `${line("Ada Lovelace")} [name='external_id']`,
            run: "click",
        },
        {
            content: "Type its ID",
            trigger: `${line("Ada Lovelace")}.o_selected_row [name='external_id'] input`,
            run: "edit 7",
        },
        {
            content: "The other one is not",
            trigger: `${line("Grace Hopper")} [name='decision']`,
            run: "click",
        },
        {
            content: "Look for the choice",
            trigger: `${line("Grace Hopper")}.o_selected_row [name='decision'] input`,
            run: "edit not there",
        },
        {
            content: "Have it created",
            trigger: ".o_select_menu_item:contains('It is not there: create it')",
            run: "click",
        },
        {
            content: "The first one is decided by its ID",
            trigger: `${line("Ada Lovelace")}:contains('It is there, with the ID')`,
        },
        {
            content: "Do so",
            trigger: `${WIZARD} button[name='action_apply']`,
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger:
                "body:not(:has(.modal)) .o_notification:contains('2 records are clarified')",
        },
    ],
});

// From the contact itself.
registry.category("web_tour.tours").add("queue_job_sync_clarify_one", {
    url: "/odoo",
    steps: () => [
        ...openContact("Ada Lovelace"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "It may be there: ask for details",
            trigger: `${STATUS}:contains('To Be Clarified')`,
            run: "click",
        },
        {
            content: "It says so in plain words, and who may do something about it",
            trigger:
                ".modal .o_sync_system:contains('It may be there already')" +
                ":contains('then press Clarify')",
        },
        {
            content: "Say what is there",
            trigger: ".modal footer button[name='action_clarify']",
            run: "click",
        },
        {
            content: "It is not",
            trigger: `${WIZARD}:has(.o_data_row:contains('Ada Lovelace')) button[name='action_create_all']`,
            run: "click",
        },
        {
            content: "I have looked",
            trigger: ".modal:contains('Have you looked') footer .btn-primary",
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger:
                "body:not(:has(.modal)) .o_notification:contains('1 record is clarified')",
        },
    ],
});
