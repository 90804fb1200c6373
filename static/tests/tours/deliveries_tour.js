// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

/* global Chart */

import { registry } from "@web/core/registry";

const MODES = {
    bar: (dataset) => dataset.backgroundColor,
    line: (dataset) => dataset.borderColor,
};

/** Check that the graph shows each state in its own color. */
function checkColors(mode) {
    const colorOf = MODES[mode];
    return {
        content: `Failed is red and delivered is green: ${mode}`,
        trigger: `.o_graph_renderer canvas`,
        run({ anchor }) {
            const { datasets } = Chart.getChart(anchor).data;
            const colors = Object.fromEntries(
                datasets.map((dataset) => [dataset.label, colorOf(dataset)]),
            );
            const scheme = getComputedStyle(document.documentElement);
            const danger = scheme.getPropertyValue("--danger").trim();
            const success = scheme.getPropertyValue("--success").trim();
            if (
                !danger ||
                !success ||
                colors.Failed !== danger ||
                colors.Delivered !== success
            ) {
                throw new Error(`Colors of the graph: ${JSON.stringify(colors)}`);
            }
        },
    };
}

registry.category("web_tour.tours").add("queue_job_sync_deliveries", {
    url: "/odoo/action-queue_job_sync.action_sync_delivery",
    steps: () => [
        {
            content: "The last days are listed, and each row names its record",
            trigger:
                ".o_list_view:has(.o_facet_value:contains('Last 7 Days'))" +
                ":has(.o_data_row:contains('Ada Lovelace'))" +
                " .o_data_row:contains('Grace Hopper'):contains('too long')",
        },
        {
            content: "The reason has room, whatever was asked",
            trigger: ".o_list_view thead th[data-name='error']",
            run({ anchor }) {
                if (anchor.offsetWidth < 300) {
                    throw new Error(`The reason has ${anchor.offsetWidth} pixels`);
                }
            },
        },
        {
            content: "Show what was asked, too",
            trigger: ".o_list_view .o_optional_columns_dropdown button",
            run: "click",
        },
        {
            content: "Choose the request",
            trigger: ".o-dropdown--menu .o-dropdown-item:contains('Request') input",
            run: "click",
        },
        {
            content: "It is cut off, and read from left to right",
            trigger:
                ".o_data_row:contains('Grace Hopper')" +
                " td[name='request'] bdi[dir='ltr']:contains('INSERT INTO')",
        },
        {
            content: "The reason still has room",
            trigger: ".o_list_view thead th[data-name='error']",
            run({ anchor }) {
                if (anchor.offsetWidth < 200) {
                    throw new Error(`The reason has ${anchor.offsetWidth} pixels`);
                }
            },
        },
        {
            content: "Search for the record",
            trigger: ".o_searchview_input",
            run: "edit lovelace",
        },
        {
            content: "The record is what is offered first",
            trigger:
                ".o_searchview_autocomplete .o-dropdown-item:first:contains('Record')",
            run: "click",
        },
        {
            content: "Only its deliveries are left",
            trigger:
                ".o_list_view:not(:has(.o_data_row:contains('Grace Hopper')))" +
                " .o_data_row:contains('Ada Lovelace')",
        },
        {
            content: "Drop what was searched for",
            trigger: ".o_searchview_facet:contains('lovelace') .o_facet_remove",
            run: "click",
        },
        {
            content: "Look at the graph",
            trigger:
                ".o_list_view:has(.o_data_row:contains('Grace Hopper'))" +
                " .o_switch_view.o_graph",
            run: "click",
        },
        checkColors("bar"),
        {
            content: "As lines",
            trigger: ".o_graph_button[data-mode='line']",
            run: "click",
        },
        {
            content: "They are lines",
            trigger: ".o_graph_button[data-mode='line'].active",
        },
        checkColors("line"),
        {
            content: "As a pie",
            trigger: ".o_graph_button[data-mode='pie']",
            run: "click",
        },
        {
            content: "The parts of a pie have the colors of their states, too",
            trigger:
                ".o_graph_view:has(.o_graph_button[data-mode='pie'].active) canvas",
            run({ anchor }) {
                const { datasets, labels } = Chart.getChart(anchor).data;
                const scheme = getComputedStyle(document.documentElement);
                const danger = scheme.getPropertyValue("--danger").trim();
                const index = labels.findIndex((label) => label.includes("Failed"));
                if (datasets[0].backgroundColor[index] !== danger) {
                    throw new Error(
                        `Colors of the pie: ${datasets[0].backgroundColor}`,
                    );
                }
            },
        },
        {
            content: "Look at the figures",
            trigger: ".o_switch_view.o_pivot",
            run: "click",
        },
        {
            content: "By synchronization and state",
            trigger:
                ".o_pivot table:has(th:contains('Delivered')):has(th:contains('Failed'))" +
                " th:contains('Contacts to CRM')",
        },
        {
            content: "Go back to the list",
            trigger: ".o_switch_view.o_list",
            run: "click",
        },
        {
            content: "Open the delivery that failed",
            trigger: ".o_data_row:contains('Grace Hopper') td[name='record_name']",
            run: "click",
        },
        {
            content: "The record is on top",
            trigger: ".o_form_view h1:contains('Grace Hopper')",
        },
        {
            content: "What was sent is one value a line, from left to right",
            trigger: ".o_field_widget[name='request_body'] pre[dir='ltr']",
            run({ anchor }) {
                const lines = anchor.textContent.split("\n");
                if (!lines.includes('  "name": "Grace Hopper"')) {
                    throw new Error(`What was sent: ${anchor.textContent}`);
                }
                if (anchor.clientHeight < 15 * lines.length) {
                    throw new Error("The lines are not shown as lines");
                }
            },
        },
        {
            content: "Open its job",
            trigger: ".o_field_widget[name='job_id'] a",
            run: "click",
        },
        {
            content: "It is the job, which names the record on its deliveries",
            trigger: ".o_form_view .o_notebook a[name='deliveries']",
            run: "click",
        },
        {
            content: "It is named",
            trigger:
                ".o_field_widget[name='sync_delivery_ids']" +
                " .o_kanban_record:contains('Grace Hopper')",
        },
    ],
});
