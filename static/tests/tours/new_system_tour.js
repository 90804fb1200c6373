// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { cookie } from "@web/core/browser/cookie";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { addMapping } from "./mapping_line";
import { openContact } from "./open_contact";
import { openConfiguration } from "./open_configuration";
import { setSecret } from "./set_secret";

const STATUS = "button[name='action_sync_status']";

registry.category("web_tour.tours").add("queue_job_sync_new_system", {
    url: "/odoo",
    steps: () => [
        ...openConfiguration("menu_sync_backend"),
        {
            content: "Add one",
            trigger:
                ".o_list_view:has(.o_last_breadcrumb_item:contains('External Systems'))" +
                " .o_list_button_add",
            run: "click",
        },
        {
            content: "Name it",
            trigger: ".o_form_view .o_field_widget[name='name'] input",
            run: "edit Web Shop",
        },
        {
            content: "It is reached over REST",
            trigger:
                ".o_field_widget[name='transport'] input[data-value='rest']:checked",
        },
        {
            content: "Give its address",
            trigger: ".o_field_widget[name='url'] input",
            // where the test's own system listens
            run: `edit ${cookie.get("queue_job_sync_destination")}`,
        },
        {
            content: "Nothing limits its requests, unless somebody says so",
            trigger: ".o_field_widget[name='rate_limit'] input:value(Unlimited)",
            run: "edit 20",
        },
        {
            content: "Take the limit away again",
            trigger: ".o_field_widget[name='rate_limit'] input:value(20)",
            run: "edit 0",
        },
        {
            content: "Open the ways to authenticate",
            trigger: ".o_field_widget[name='auth'] input",
            run: "click",
        },
        {
            content: "Choose a token",
            trigger: ".o_select_menu_item:contains('Bearer Token')",
            run: "click",
        },
        {
            content: "It is unlimited again",
            trigger: ".o_field_widget[name='rate_limit'] input:value(Unlimited)",
        },
        // which saves the system first
        ...setSecret("auth_secret", "a-token-of-the-shop"),
        {
            content: "Test the connection",
            trigger:
                "button[name='action_test_connection']:contains('Test Connection')",
            run: "click",
        },
        {
            content: "It answers, which is all that is known: close the message",
            trigger:
                ".o_notification:has(.bg-info):contains('Web Shop answers')" +
                ":contains('answered 404') .o_notification_close",
            run: "click",
        },
        {
            content: "Open its synchronizations",
            trigger: "button[name='action_open_streams']:contains('Synchronizations')",
            run: "click",
        },
        {
            content: "Add one",
            trigger:
                ".o_list_view:has(.o_last_breadcrumb_item:contains('Synchronizations'))" +
                " .o_list_button_add",
            run: "click",
        },
        {
            content: "Name it",
            trigger: ".o_form_view .o_field_widget[name='name'] input",
            run: "edit Contacts to the shop",
        },
        {
            content: "It is for the new system, and for contacts",
            trigger:
                ".o_form_view:has(.o_field_widget[name='backend_id'] input:value('Web Shop'))" +
                " .o_field_widget[name='model_id'] input:value('Contact')",
        },
        {
            content: "Say where contacts go",
            trigger: ".o_field_widget[name='endpoint'] input",
            run: "edit customers",
        },
        ...addMapping([], ["name", "Name"], "name"),
        ...addMapping([], ["email", "Email"], "contact.mail"),
        ...addMapping([["country_id", "Country"]], ["code", "Country Code"], "country"),
        ...stepUtils.saveForm(),
        {
            content: "Three fields are sent, the last behind a link",
            trigger:
                ".o_field_widget[name='mapping_ids'] .o_data_row:eq(2)" +
                ":contains('country_id.code')",
        },
        {
            content: "Nothing is missing",
            trigger: ".o_form_view:not(:has(.alert:contains('cannot go live yet')))",
        },
        {
            content: "It is a draft: let it go live",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains('Draft')",
        },
        {
            content: "Ask what that means",
            trigger: "button[name='action_go_live']",
            run: "click",
        },
        {
            content: "It would send everything: only changes, please",
            trigger:
                ".modal:contains('Going live will send'):contains('records (Contact)') " +
                "input[data-value='changes']",
            run: "click",
        },
        {
            content: "Nothing will be sent at once",
            trigger:
                ".modal:contains('will send nothing at once') button[name='action_go_live']",
            run: "click",
        },
        {
            content: "It is live",
            trigger:
                "body:not(:has(.modal)) .o_statusbar_status .o_arrow_button_current:contains('Live')",
        },
        ...openContact("Katherine Johnson"),
        {
            content: "It was there before the synchronization: open the Action menu",
            trigger:
                `.o_form_view:has(${STATUS}:contains('Not Sent Yet'))` +
                " .o_cp_action_menus button",
            run: "click",
        },
        {
            content: "Send it",
            trigger: ".o-dropdown-item:contains('Synchronize now')",
            run: "click",
        },
        {
            content: "The new system takes it",
            trigger: ".modal .o_data_row:only:contains('Web Shop'):contains('1')",
        },
        {
            content: "Go on",
            trigger: ".modal footer button:contains('Synchronize')",
            run: "click",
        },
        {
            content: "Odoo says so",
            trigger: ".o_notification:has(.bg-success):contains('on its way')",
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The contact waits to be sent",
            trigger: `body:not(:has(.modal)) ${STATUS}:contains('Waiting')`,
        },
    ],
});
