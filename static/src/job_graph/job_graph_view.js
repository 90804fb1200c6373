// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";

// As the badges of the list have them, by their names in the color scheme.
const COLORS = {
    wait_dependencies: "secondary",
    pending: "info",
    enqueued: "primary",
    started: "warning",
    done: "success",
    cancelled: "gray-500",
    failed: "danger",
};

/** The color of the state that a domain asks for, if it asks for one. */
function colorOf(domain) {
    // what the data is grouped by comes after what it is filtered by
    const leaf = domain.findLast(
        (each) => Array.isArray(each) && each[0] === "state" && each[1] === "=",
    );
    const name = leaf && COLORS[leaf[2]];
    const scheme = getComputedStyle(document.documentElement);
    return name && scheme.getPropertyValue(`--${name}`).trim();
}

/** Each state has its color, whatever else is shown: Odoo goes by the order of the data. */
export class JobGraphRenderer extends GraphRenderer {
    getBarChartData() {
        const data = super.getBarChartData();
        // the line of the sums has no domains
        for (const dataset of data.datasets.filter((each) => each.domains)) {
            const colors = this.colorsOf(dataset, dataset.backgroundColor);
            const alike = colors.every((color) => color === colors[0]);
            dataset.backgroundColor = alike ? colors[0] : colors;
        }
        return data;
    }

    getLineChartData() {
        const data = super.getLineChartData();
        for (const dataset of data.datasets) {
            const color = this.colorsOf(dataset, dataset.borderColor).at(-1);
            dataset.borderColor = color;
            dataset.pointBackgroundColor = color;
            dataset.hoverBackgroundColor = color;
        }
        return data;
    }

    getPieChartData() {
        const data = super.getPieChartData();
        for (const dataset of data.datasets) {
            const colors = dataset.backgroundColor.map(
                (color, index) => colorOf(dataset.domains?.[index] || []) || color,
            );
            dataset.backgroundColor = colors;
            dataset.hoverBackgroundColor = colors;
        }
        return data;
    }

    getLegendOptions() {
        const options = super.getLegendOptions();
        const { mode } = this.model.metaData;
        const { generateLabels } = options.labels;
        options.labels.generateLabels = (chart) =>
            generateLabels(chart).map((label) => {
                const [first] = chart.data.datasets;
                if (mode === "pie" && first) {
                    label.fillStyle = first.backgroundColor[label.index];
                }
                return label;
            });
        return options;
    }

    /** One color for each value of a dataset: empty ones have that of the others. */
    colorsOf(dataset, color) {
        const found = dataset.domains.map((domain) => colorOf(domain || []));
        const fallback = found.find(Boolean) || color;
        return found.map((each) => each || fallback);
    }
}

registry
    .category("views")
    .add("queue_job_sync_job_graph", { ...graphView, Renderer: JobGraphRenderer });
