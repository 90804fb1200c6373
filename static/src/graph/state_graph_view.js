// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { cookie } from "@web/core/browser/cookie";
import { darkenColor, getCustomColor, lightenColor } from "@web/core/colors/colors";
import { registry } from "@web/core/registry";
import { GraphModel } from "@web/views/graph/graph_model";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";

// As the badges of the lists have them, by their names in the color scheme.
const STATE_COLORS = {
    failed: "danger",
    success: "success",
    done: "success",
    synced: "success",
    started: "warning",
    enqueued: "primary",
    pending: "info",
    waiting: "info",
    running: "info",
    accepted: "info",
    wait_dependencies: "secondary",
    skipped: "secondary",
    doubt: "warning",
    stopped: "warning",
    cancelled: "dark",
};
const HEX = /^#[\da-f]{6}$/i;

/** A graph that tells of each of its parts whose state it shows. */
export class StateGraphModel extends GraphModel {
    /** Return the key of the state that a point is of, if the graph groups by one. */
    stateOf(identifier) {
        for (const [spec, key] of JSON.parse(identifier).flatMap(Object.entries)) {
            const isState = this.metaData.fields[spec]?.type === "selection";
            if (isState && key in STATE_COLORS) {
                return key;
            }
        }
        return null;
    }

    /** Whether there is a bar for each state, and nothing else. */
    get isByStateAlone() {
        const { groupBy, mode } = this.metaData;
        return (
            mode === "bar" &&
            groupBy.length === 1 &&
            this.dataPoints.some(({ identifier }) => this.stateOf(identifier))
        );
    }

    /** Odoo gives one color to all bars of one label: each state has its own. */
    _getDatasetLabel(dataPoint) {
        return this.isByStateAlone
            ? dataPoint.labels[0]
            : super._getDatasetLabel(dataPoint);
    }

    _getLineOverlayDataset() {
        return this.isByStateAlone ? null : super._getLineOverlayDataset();
    }
}

/** A graph in which failed is red and delivered is green, whatever else it shows. */
export class StateGraphRenderer extends GraphRenderer {
    /** Return the color of a state in the scheme, none for what is of no state. */
    stateColor(state) {
        const scheme = getComputedStyle(document.documentElement);
        return state && scheme.getPropertyValue(`--${STATE_COLORS[state]}`).trim();
    }

    /**
     * Return the datasets that are of one state each, with their colors.
     *
     * Those of one state, of several systems, say, get lighter one by one.
     */
    coloredDatasets() {
        const result = [];
        const seen = {};
        for (const dataset of this.model.data.datasets) {
            const states = new Set(
                [...dataset.identifiers].map((each) => this.model.stateOf(each)),
            );
            const color = states.size === 1 && this.stateColor([...states][0]);
            if (color) {
                seen[color] = (seen[color] ?? -1) + 1;
                const lighter = HEX.test(color)
                    ? Math.min(0.75, 0.25 * seen[color])
                    : 0;
                result.push([dataset, lighter ? lightenColor(color, lighter) : color]);
            }
        }
        return result;
    }

    getBarChartData() {
        const data = super.getBarChartData();
        for (const [dataset, color] of this.coloredDatasets()) {
            dataset.backgroundColor = color;
        }
        return data;
    }

    getLineChartData() {
        const data = super.getLineChartData();
        for (const [dataset, color] of this.coloredDatasets()) {
            if (HEX.test(color)) {
                dataset.backgroundColor = getCustomColor(
                    cookie.get("color_scheme"),
                    lightenColor(color, 0.5),
                    darkenColor(color, 0.5),
                );
            }
            dataset.borderColor = color;
            dataset.hoverBackgroundColor = color;
            dataset.pointBackgroundColor = color;
        }
        return data;
    }

    getPieChartData() {
        const data = super.getPieChartData();
        const found = [];
        for (const { identifier, labelIndex } of this.model.dataPoints) {
            found[labelIndex] = this.stateColor(this.model.stateOf(identifier));
        }
        for (const dataset of data.datasets) {
            const colors = dataset.backgroundColor.map(
                (color, index) => found[index] || color,
            );
            dataset.backgroundColor = colors;
            dataset.hoverBackgroundColor = colors;
        }
        return data;
    }

    getLegendOptions() {
        const options = super.getLegendOptions();
        const { generateLabels } = options.labels;
        if (this.model.metaData.mode === "pie") {
            // Odoo's legend has the colors that the parts would have by their order
            options.labels.generateLabels = (chart) =>
                generateLabels(chart).map((label) => ({
                    ...label,
                    fillStyle: chart.data.datasets[0].backgroundColor[label.index],
                }));
        }
        return options;
    }
}

registry.category("views").add("queue_job_sync_state_graph", {
    ...graphView,
    Model: StateGraphModel,
    Renderer: StateGraphRenderer,
});
