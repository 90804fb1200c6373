// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { cookie } from "@web/core/browser/cookie";
import { darkenColor, getCustomColor, lightenColor } from "@web/core/colors/colors";
import { registry } from "@web/core/registry";
import { GraphModel } from "@web/views/graph/graph_model";
import { GraphRenderer } from "@web/views/graph/graph_renderer";
import { graphView } from "@web/views/graph/graph_view";

/** What stands for each state in a graph, by its key. */
export const STATE_COLORS = {
    failed: "#D23F3F",
    success: "#2F9E44",
    done: "#2F9E44",
    synced: "#2F9E44",
    started: "#1593B5",
    running: "#1593B5",
    enqueued: "#4FB6D3",
    accepted: "#4FB6D3",
    pending: "#6C8EB4",
    waiting: "#6C8EB4",
    wait_dependencies: "#9DB4CE",
    doubt: "#E69A28",
    stopped: "#E69A28",
    cancelled: "#A0A4AB",
    skipped: "#A0A4AB",
};

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
    /**
     * Return a color for each of some parts, none for those of no state.
     *
     * Parts of one state, such as those of several systems, get lighter one by one.
     *
     * @param {Array<string|null>} states
     */
    stateColors(states) {
        const seen = {};
        return states.map((state) => {
            if (!state) {
                return null;
            }
            const color = STATE_COLORS[state];
            seen[color] = (seen[color] ?? -1) + 1;
            const lighter = Math.min(0.75, 0.25 * seen[color]);
            return lighter ? lightenColor(color, lighter) : color;
        });
    }

    /** Return the datasets that are of one state each, with their colors. */
    coloredDatasets() {
        const { datasets } = this.model.data;
        const states = datasets.map(({ identifiers }) => {
            const found = new Set(
                [...identifiers].map((each) => this.model.stateOf(each)),
            );
            return found.size === 1 ? [...found][0] : null;
        });
        const colors = this.stateColors(states);
        return datasets
            .map((dataset, index) => [dataset, colors[index]])
            .filter(([_dataset, color]) => color);
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
            dataset.backgroundColor = getCustomColor(
                cookie.get("color_scheme"),
                lightenColor(color, 0.5),
                darkenColor(color, 0.5),
            );
            dataset.borderColor = color;
            dataset.hoverBackgroundColor = color;
            dataset.pointBackgroundColor = color;
        }
        return data;
    }

    getPieChartData() {
        const data = super.getPieChartData();
        const states = data.labels.map(() => null);
        for (const { identifier, labelIndex } of this.model.dataPoints) {
            if (labelIndex !== undefined) {
                states[labelIndex] = this.model.stateOf(identifier);
            }
        }
        const stateColors = this.stateColors(states);
        for (const dataset of data.datasets) {
            const colors = dataset.backgroundColor.map(
                (color, index) => stateColors[index] || color,
            );
            dataset.backgroundColor = colors;
            dataset.hoverBackgroundColor = colors;
        }
        return data;
    }
}

registry.category("views").add("queue_job_sync_state_graph", {
    ...graphView,
    Model: StateGraphModel,
    Renderer: StateGraphRenderer,
});
