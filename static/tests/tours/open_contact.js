// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { stepUtils } from "@web_tour/tour_utils";

/**
 * Open the form of a contact from the Contacts app, by searching for it.
 *
 * @param {string} name the whole name, which no other contact has
 * @returns {Object[]} steps of a tour
 */
export function openContact(name) {
    return [
        ...stepUtils.goToAppSteps("contacts.menu_contacts", "Open the Contacts app"),
        {
            content: "Type the name of the contact",
            trigger:
                ".o_list_view:has(.o_last_breadcrumb_item:contains('Contacts'))" +
                " .o_searchview_input",
            run: `edit ${name}`,
        },
        {
            content: "Search for it",
            trigger: `.o_searchview_autocomplete:contains('${name}')`,
            run: "press Enter",
        },
        {
            content: "Open the only contact found",
            trigger:
                ".o_list_view:has(.o_searchview_facet)" +
                ":not(:has(.o_data_row:eq(1)))" +
                ` .o_data_row .o_data_cell:contains('${name}')`,
            run: "click",
        },
        {
            content: "Wait until its form is there",
            trigger: `.o_form_view .o_last_breadcrumb_item:contains('${name}')`,
        },
    ];
}
