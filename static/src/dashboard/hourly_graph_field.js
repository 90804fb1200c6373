// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

/* global Chart */

import { Component, onWillStart, onWillUnmount, useEffect, useRef } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor } from "@web/core/colors/colors";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatInteger } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * A bar for each of the last hours, from a list of numbers, the current hour last.
 *
 * Unlike Odoo's dashboard_graph it follows changes of its value, and says in words
 * what it shows.
 */
export class HourlyGraphField extends Component {
    static template = "queue_job_sync.HourlyGraphField";
    static props = { ...standardFieldProps };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.labels.join(), this.counts.join()],
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get counts() {
        return this.props.record.data[this.props.name] || [];
    }

    /** The hours, as the user's clock shows them. */
    get labels() {
        const current = luxon.DateTime.local().startOf("hour");
        return this.counts.map((_count, index) =>
            current
                .minus({ hours: this.counts.length - 1 - index })
                .toLocaleString(luxon.DateTime.TIME_SIMPLE),
        );
    }

    get total() {
        return this.counts.reduce((sum, count) => sum + count, 0);
    }

    get caption() {
        return _t("%s delivered in the last 24 hours", formatInteger(this.total));
    }

    get description() {
        if (!this.total) {
            return _t("Nothing was delivered in the last 24 hours.");
        }
        const most = Math.max(...this.counts);
        return _t(
            "Records delivered per hour: %(current)s in this hour, at most %(most)s, at %(when)s.",
            {
                current: formatInteger(this.counts.at(-1)),
                most: formatInteger(most),
                when: this.labels[this.counts.lastIndexOf(most)],
            },
        );
    }

    draw() {
        if (!this.chart) {
            this.chart = new Chart(this.canvas.el, this.config);
        }
        this.chart.data.labels = this.labels;
        this.chart.data.datasets[0].data = this.counts.map((count) => count || null);
        this.chart.update("none");
    }

    get config() {
        return {
            type: "bar",
            data: {
                labels: [],
                datasets: [
                    {
                        data: [],
                        label: _t("Delivered"),
                        backgroundColor: getColor(
                            0,
                            cookie.get("color_scheme"),
                            "odoo",
                        ),
                        // an hour with few is still seen beside one with many; one with
                        // none is null, which has no bar
                        minBarLength: 2,
                    },
                ],
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                plugins: {
                    legend: { display: false },
                    tooltip: { intersect: false, mode: "index", caretSize: 0 },
                },
                scales: {
                    x: { display: false },
                    y: { display: false, beginAtZero: true, suggestedMax: 1 },
                },
            },
        };
    }
}

registry.category("fields").add("queue_job_sync_hourly_graph", {
    component: HourlyGraphField,
    supportedTypes: ["json"],
});
