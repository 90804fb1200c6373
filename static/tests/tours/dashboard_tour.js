// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const CARD = ".o_queue_job_sync_dashboard .o_kanban_record:contains('CRM')";

const SUMMARY = ".o_queue_job_sync_summary";
const PART = "button[data-health='failed']";

// Longer than from one look at the figures to the next.
const SECONDS = 5;

function openDashboard() {
    return stepUtils.goToAppSteps(
        "queue_job.menu_queue_job_root",
        "Open the Job Queue app",
    );
}

/** Return what selects a figure of the card that has a value. */
function figure(name, value) {
    return `${CARD} button[name='action_open_${name}'] .fs-3:text('${value}')`;
}

function press(name, content) {
    return { content, trigger: `${CARD} button[name='${name}']`, run: "click" };
}

/** Count how often the page has read the figures of the systems. */
function looks() {
    return performance
        .getEntriesByType("resource")
        .filter((entry) => entry.name.includes("/sync.backend/web_search_read")).length;
}

/** Fail unless the figures are read again within some seconds, or if they are. */
async function expectLooks(expected) {
    const before = looks();
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    check(looks() > before === expected, `There were ${looks() - before} looks.`);
}

/** Have the browser say that the page is behind another one, or in front again. */
function turn(visibility) {
    Object.defineProperty(document, "visibilityState", {
        configurable: true,
        get: () => visibility,
    });
    document.dispatchEvent(new Event("visibilitychange"));
}

function check(condition, complaint) {
    if (!condition) {
        throw new Error(complaint);
    }
}

registry.category("web_tour.tours").add("queue_job_sync_dashboard", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "The first screen is the dashboard: one job has failed",
            trigger: figure("failed", "1"),
        },
        {
            content: "One way to connect another system, and no other",
            trigger:
                ".o_control_panel:has(button:contains('Connect a System'))" +
                ":not(:has(.o-kanban-button-new))",
        },
        { content: "One waits", trigger: figure("waiting", "1") },
        {
            // nothing of this hour: another one may have begun since
            content: "The graph says in words what it shows",
            trigger: `${CARD} svg[role='img'][aria-label*='at most 1,']`,
        },
        {
            content: "Open what has failed",
            trigger: `${CARD} button[name='action_open_failed']:contains('Open Failed')`,
            run: "click",
        },
        {
            content: "It is the only one listed",
            trigger:
                ".o_list_view:not(:has(.o_data_row:contains('Alan Turing')))" +
                ":not(:has(.o_data_row:contains('Ada Lovelace')))" +
                " .o_data_row:contains('Grace Hopper')",
        },
        {
            content: "Go back",
            trigger: ".breadcrumb a:contains('Dashboard')",
            run: "click",
        },
        {
            content: "Pause the system",
            trigger: `${CARD} button[name='action_pause']`,
            run: (helpers) => {
                helpers.anchor.focus();
                helpers.click();
            },
        },
        {
            content: "It says so, and who has paused it",
            trigger: `${CARD}:has(.o_queue_job_sync_status:contains('Paused for')) .o_queue_job_sync_reason:contains('Paused by sync_tour_system')`,
        },
        {
            content: "The button that resumes it has got the focus",
            trigger: `${CARD} button[name='action_resume']:focus`,
        },
        press("action_resume", "Resume it"),
        {
            content: "It is up",
            trigger: `${CARD}:has(button[name='action_pause']) .o_queue_job_sync_status:contains('Up for')`,
        },
        press("action_test_connection", "Test the connection"),
        {
            content: "It says of each synchronization what is known",
            trigger:
                ".modal .o_field_widget[name='found'] tr:contains('Contacts to CRM')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_recover", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "One has failed; a manager cannot test the connection",
            trigger: `${CARD}:not(:has(button[name='action_test_connection'])):has(.text-danger)`,
        },
        {
            content: "Requeue what has failed",
            trigger: `${CARD} button:contains('Requeue failed…')`,
            run: "click",
        },
        {
            content: "Queue it again",
            trigger:
                ".modal:has(.o_field_widget[name='job_count']:contains('1')) button[name='action_recover']",
            run: "click",
        },
        {
            content: "None has failed any more",
            trigger: figure("failed", "0"),
        },
        { content: "Two wait", trigger: figure("waiting", "2") },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_overview", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "It is up, and a record has failed all the same",
            trigger:
                `${CARD}:has(.o_queue_job_sync_status:contains('Up'))` +
                " .o_queue_job_sync_health:contains('1 failed')",
        },
        {
            content: "The line above says so of all systems; see these only",
            trigger: `${SUMMARY}:contains('system') ${PART}:contains('with failed records')`,
            run: "click",
        },
        {
            content: "It is a filter as any other",
            trigger: ".o_facet_values:contains('With Failed Records')",
        },
        {
            content: "The part is pressed; press it again",
            trigger: `${SUMMARY} ${PART}[aria-pressed='true']`,
            run: "click",
        },
        {
            content: "All systems are there",
            trigger: ".o_searchview:not(:has(.o_searchview_facet))",
        },
        {
            content: "See a line for each system",
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        {
            content: "It has the same figures, and the same line above",
            trigger:
                `.o_list_view:has(${SUMMARY} ${PART})` +
                " .o_data_row:contains('CRM'):has(.o_data_cell[name='failed_count']:contains('1'))" +
                " .o_data_cell[name='health']:contains('With Failed Records')",
        },
        {
            content: "It follows what happens, too",
            trigger: ".o_list_view .o_data_row:contains('CRM')",
            run: () => expectLooks(true),
        },
        {
            content: "Open what has failed",
            trigger:
                ".o_data_row:contains('CRM') button[name='action_open_failed']:contains('Open Failed')",
            run: "click",
        },
        {
            content: "It is there",
            trigger: ".o_list_view .o_data_row:contains('Grace Hopper')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_phone", {
    steps: () => [
        {
            content: "Nothing sticks out",
            trigger: `${CARD} .o_queue_job_sync_hours`,
            run: () => {
                const view = document.querySelector(".o_kanban_renderer");
                check(
                    view.scrollWidth <= document.documentElement.clientWidth,
                    "The dashboard is wider than the phone.",
                );
            },
        },
        {
            content: "Open what waits",
            trigger: `${CARD} button[name='action_open_waiting']`,
            run: "click",
        },
        {
            content: "It is there",
            trigger: ".o_kanban_record:contains('Alan Turing')",
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_live", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "One was delivered: edit the contact, and do not touch the page",
            trigger: `${CARD}:contains('1 delivered in the last 24 hours')`,
            run: async () => {
                const card = document.querySelector(
                    ".o_kanban_record:not(.o_kanban_ghost)",
                );
                card.dataset.tourMark = "the same card";
                card.querySelector("button[name='action_pause']").focus();
                const call = (method, args) =>
                    rpc(`/web/dataset/call_kw/res.partner/${method}`, {
                        model: "res.partner",
                        method,
                        args,
                        kwargs: {},
                    });
                const ids = await call("search", [[["name", "=", "Ada Lovelace"]]]);
                check(ids.length === 1, "There is not one Ada Lovelace.");
                await call("write", [ids, { name: "Ada King" }]);
            },
        },
        {
            content: "The card changes, is still the same, and keeps the focus",
            trigger:
                ".o_kanban_record[data-tour-mark='the same card']" +
                ":has(button[name='action_pause']:focus)" +
                ":contains('2 delivered in the last 24 hours')" +
                " button[name='action_open_waiting'] .fs-3:text('0')",
            timeout: 10000,
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_seen", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "Somebody sees the figures: they are read again and again",
            trigger: CARD,
            run: () => expectLooks(true),
        },
        {
            content: "Nobody does",
            trigger: CARD,
            run: async () => {
                turn("hidden");
                await expectLooks(false);
            },
        },
        {
            content: "Somebody does again",
            trigger: CARD,
            run: async () => {
                turn("visible");
                await expectLooks(true);
            },
        },
        press("action_open_waiting", "Go elsewhere"),
        {
            content: "They are no longer read",
            trigger: ".o_list_view",
            run: () => expectLooks(false),
        },
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_dashboard_empty", {
    url: "/odoo",
    steps: () => [
        ...openDashboard(),
        {
            content: "There is no system: connect one",
            trigger:
                ".o_view_nocontent:contains('Connect your first system') button:contains('Connect a System')",
            run: "click",
        },
        {
            content: "It can be chosen",
            trigger: ".o_form_view .o_sync_recipes input",
        },
    ],
});
