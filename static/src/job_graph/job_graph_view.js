// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";

// As the badges of the list have them, with Odoo's colors of progress bars.
const COLORS = {
    wait_dependencies: "#9bd1da",
    pending: "#17a2b8",
    enqueued: "#0f6674",
    started: "#ffac00",
    done: "#28a745",
    cancelled: "#adb5bd",
    failed: "#d23f3a",
};

/** The color of the state that a domain asks for, if it asks for one. */
function colorOf(domain) {
    // what the data is grouped by comes after what it is filtered by
    const leaf = domain.findLast(
        (each) => Array.isArray(each) && each[0] === "state" && each[1] === "=",
    );
    return leaf && COLORS[leaf[2]];
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
            dataset.backgroundColor = `${color}80`;
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
