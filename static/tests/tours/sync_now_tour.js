// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { openContact } from "./open_contact";

const STATUS = "button[name='action_sync_status']";
const LIST = ".o_list_view:has(.o_last_breadcrumb_item:contains('Contacts'))";

/** Open the Contacts app, and list the contacts of a name. */
function listContacts(name) {
    return [
        ...stepUtils.goToAppSteps("contacts.menu_contacts", "Open the Contacts app"),
        {
            content: "Type a name",
            trigger: `${LIST} .o_searchview_input`,
            run: `edit ${name}`,
        },
        {
            content: "Search for it",
            trigger: `.o_searchview_autocomplete:contains('${name}')`,
            run: "press Enter",
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_now", {
    url: "/odoo",
    steps: () => [
        ...listContacts("Bernoulli"),
        {
            content: "Open the filters",
            trigger:
                `${LIST}:has(.o_searchview_facet):has(.o_data_row:eq(2)):not(:has(.o_data_row:eq(3)))` +
                " .o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Nothing waits yet: look at what failed",
            trigger: ".o_filter_menu .o_menu_item:text('Synchronization: Failed')",
            run: "click",
        },
        {
            content: "Close the filters",
            trigger:
                `${LIST}:not(:has(.o_data_row:eq(1))) .o_data_row:contains('Jakob')` +
                ":contains('Bernoulli')",
        },
        {
            content: "Drop the filter again",
            trigger: ".o_filter_menu .o_menu_item:text('Synchronization: Failed')",
            run: "click",
        },
        {
            content: "Select all three",
            trigger: `${LIST}:has(.o_data_row:eq(2)) thead .o_list_record_selector input`,
            run: "click",
        },
        {
            content: "Open the Action menu",
            trigger: `${LIST}:has(.o_selection_box) .o_cp_action_menus .dropdown-toggle:contains('Actions')`,
            run: "click",
        },
        {
            content: "Send them",
            trigger: ".o-dropdown-item:contains('Synchronize now')",
            run: "click",
        },
        {
            content: "Three would be sent",
            trigger:
                ".modal:has(.o_data_row:only:contains('CRM'):contains('3'))" +
                ":has(.o_field_widget[name='send_count']:contains('3'))" +
                " .o_field_widget[name='priority'] input",
            run: "edit 2",
        },
        {
            content: "Send nothing to this system",
            trigger: ".modal .o_data_row .o_boolean_toggle input",
            run: "click",
        },
        {
            content: "Then there is nothing to do",
            trigger:
                ".modal:has(.o_field_widget[name='send_count']:contains('0'))" +
                ":not(:has(button[name='action_send'])) .o_boolean_toggle input",
            run: "click",
        },
        {
            content: "Do send",
            trigger: ".modal button[name='action_send']",
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger:
                "body:not(:has(.modal)) .o_notification:has(.bg-success):contains('3 deliveries')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_now_from_dialog", {
    url: "/odoo",
    steps: () => [
        ...openContact("Jakob Bernoulli"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "It failed: ask for details",
            trigger: `${STATUS}:contains('Failed')`,
            run: "click",
        },
        {
            content: "The reason is in plain words",
            trigger:
                ".modal .o_sync_system:contains('CRM answered: e-mail is not valid')" +
                ":contains('not tried again by itself')",
        },
        {
            content: "Send it again",
            trigger: ".modal footer button[name='action_send_now']",
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger: ".o_notification:has(.bg-success):contains('on its way')",
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "It waits",
            trigger: `body:not(:has(.modal)) ${STATUS}:contains('Waiting')`,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_reader", {
    url: "/odoo",
    steps: () => [
        ...openContact("Jakob Bernoulli"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "It failed: ask for details",
            trigger: `${STATUS}:contains('Failed')`,
            run: "click",
        },
        {
            content: "There is the reason, and nothing to press",
            trigger:
                ".modal:contains('CRM answered: e-mail is not valid')" +
                ":not(:has(button[name='action_send_now']))" +
                ":not(:has(button[name='action_options']))" +
                ":not(:has(button[name='action_jobs'])) footer button:contains('Close')",
            run: "click",
        },
        {
            content: "The contact is still there, without an action",
            trigger:
                "body:not(:has(.modal)) .o_last_breadcrumb_item:contains('Jakob Bernoulli')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_contact_phone", {
    steps: () => [
        {
            content: "Open the buttons of the form",
            trigger: ".o_control_panel button:has(.fa-bolt)",
            run: "click",
        },
        {
            content: "It failed: ask for details",
            trigger: `${STATUS}:contains('Failed')`,
            run: "click",
        },
        {
            content: "The reason is there, and nothing sticks out",
            trigger: ".modal .o_sync_system:contains('e-mail is not valid')",
            run: ({ anchor }) => {
                if (anchor.scrollWidth > document.documentElement.clientWidth) {
                    throw new Error("The dialog is wider than the phone.");
                }
            },
        },
        {
            content: "Send it again",
            trigger: ".modal footer button[name='action_send_now']",
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger: ".o_notification:contains('on its way')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_jobs_of_a_contact", {
    url: "/odoo",
    steps: () => [
        ...openContact("Jakob Bernoulli"),
        stepUtils.autoExpandMoreButtons(),
        {
            content: "It failed: ask for details",
            trigger: `${STATUS}:contains('Failed')`,
            run: "click",
        },
        {
            content: "The deliveries lead to the log; open the jobs",
            trigger: ".modal:has(.o_sync_system li a) button[name='action_jobs']",
            run: "click",
        },
        {
            content: "The job of this contact is listed",
            trigger: ".o_list_view .o_data_row:only:contains('CRM: Jakob Bernoulli')",
        },
    ],
});
