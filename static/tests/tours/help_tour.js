// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const STATUS = "button[name='action_sync_status']";

/** Press a key until something has the focus, as people do who use no mouse. */
function tabTo(content, selector) {
    return {
        content,
        trigger: selector,
        run: async (helpers) => {
            for (let times = 0; !document.activeElement.matches(selector); times++) {
                if (times === 20) {
                    throw new Error(`The Tab key does not lead to ${selector}`);
                }
                await helpers.press("Tab");
            }
        },
    };
}

registry.category("web_tour.tours").add("queue_job_sync_keyboard", {
    steps: () => [
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The button says in words what its colour means",
            trigger: `${STATUS}:contains('Failed')`,
            run: ({ anchor }) => anchor.focus(),
        },
        {
            content: "Open the dialog by a key",
            trigger: `${STATUS}:focus`,
            run: "press Enter",
        },
        {
            content: "It has a name, and takes the focus",
            trigger:
                ".modal:has(:focus):has(.modal-title:contains('Synchronization of'))",
            run: "press Escape",
        },
        {
            content: "Escape has closed it: open it again",
            trigger: `body:not(:has(.modal)) ${STATUS}`,
            run: ({ anchor }) => anchor.focus(),
        },
        { content: "By a key", trigger: `${STATUS}:focus`, run: "press Enter" },
        tabTo("Go to Synchronize now", ".modal button[name='action_send_now']"),
        {
            content: "Press it",
            trigger: ".modal button[name='action_send_now']:focus",
            run: "press Enter",
        },
        {
            content: "A message tells so, and screen readers too",
            trigger: ".o_notification[role='alert']:contains('on its way')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_french", {
    steps: () => [
        stepUtils.autoExpandMoreButtons(),
        {
            content: "The button speaks French",
            trigger: `${STATUS}:contains('Synchronisé')`,
            run: "click",
        },
        {
            content: "So does the dialog, whose times are those of the user's clock",
            trigger:
                ".modal:has(.modal-title:contains('Synchronisation de Ada Lovelace'))" +
                ":has(dt:contains('Dernier succès')) dd:contains('03/01/2026 04:30')",
        },
        {
            content: "Close it",
            trigger: ".modal footer button:contains('Fermer')",
            run: "click",
        },
        {
            content: "The contact is still there",
            trigger:
                "body:not(:has(.modal)) .o_last_breadcrumb_item:contains('Ada Lovelace')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_settings", {
    url: "/odoo/action-queue_job_sync.action_queue_job_settings",
    steps: () => [
        {
            content: "The section of the job queue is open",
            trigger: ".app_settings_block:contains('Failed Jobs')",
        },
        {
            content: "Each setting says what it is for",
            trigger:
                ".o_setting_box:has(.o_field_widget[name='job_failure_quiet_minutes'])" +
                " .text-muted:contains('come in one digest')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_from_mail", {
    steps: () => [
        {
            content: "The mail leads to the job that failed, with its reason",
            trigger:
                ".o_form_view:has(.o_arrow_button_current:contains('Failed'))" +
                " .alert-danger:contains('email is taken')",
        },
        stepUtils.autoExpandMoreButtons(),
        {
            content: "There it can be requeued",
            trigger: ".o-form-buttonbox button[name='requeue']",
            run: "click",
        },
        {
            content: "It is pending",
            trigger: ".o_form_view .o_arrow_button_current:contains('Pending')",
        },
    ],
});
