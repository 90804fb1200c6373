// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { formatInteger } from "@web/views/fields/formatters";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

// Of the drawing, which is stretched to the place that there is.
const WIDTH = 10; // of an hour
const GAP = 1; // on each side of a bar
const HEIGHT = 72;
// An hour with few is still seen beside one with many.
const LEAST = 2;

/**
 * A bar for each of the last hours, from a list of numbers, the current hour last.
 *
 * It is one shape, not a chart of a library: a page of fifty cards has fifty of them.
 * It says in words what it shows, and of an hour when one points at it.
 */
export class HourlyGraphField extends Component {
    static template = "queue_job_sync.HourlyGraphField";
    static props = { ...standardFieldProps };

    setup() {
        this.pointed = useState({ hour: null });
    }

    get counts() {
        return this.props.record.data[this.props.name] || [];
    }

    get viewBox() {
        return `0 0 ${WIDTH * this.counts.length} ${HEIGHT}`;
    }

    get bars() {
        const most = Math.max(...this.counts, 1);
        return this.counts
            .map((count, hour) => {
                const height = count && Math.max((HEIGHT * count) / most, LEAST);
                const width = WIDTH - 2 * GAP;
                return height
                    ? `M${hour * WIDTH + GAP},${HEIGHT}v${-height}h${width}v${height}z`
                    : "";
            })
            .join("");
    }

    /** An hour, as the user's clock shows it. */
    label(hour) {
        return luxon.DateTime.local()
            .startOf("hour")
            .minus({ hours: this.counts.length - 1 - hour })
            .toLocaleString(luxon.DateTime.TIME_SIMPLE);
    }

    get caption() {
        const { hour } = this.pointed;
        if (hour !== null) {
            return _t("%(count)s delivered in the hour from %(when)s", {
                count: formatInteger(this.counts[hour] || 0),
                when: this.label(hour),
            });
        }
        const total = this.counts.reduce((sum, count) => sum + count, 0);
        return _t("%s delivered in the last 24 hours", formatInteger(total));
    }

    get description() {
        const most = Math.max(...this.counts, 0);
        if (!most) {
            return _t("Nothing was delivered in the last 24 hours.");
        }
        return _t(
            "Records delivered per hour: %(current)s in this hour, at most %(most)s, at %(when)s.",
            {
                current: formatInteger(this.counts.at(-1)),
                most: formatInteger(most),
                when: this.label(this.counts.lastIndexOf(most)),
            },
        );
    }

    point(ev) {
        const { left, width } = ev.currentTarget.getBoundingClientRect();
        const hour = Math.floor(((ev.clientX - left) / width) * this.counts.length);
        this.pointed.hour = Math.min(Math.max(hour, 0), this.counts.length - 1);
    }

    leave() {
        this.pointed.hour = null;
    }
}

registry.category("fields").add("queue_job_sync_hourly_graph", {
    component: HourlyGraphField,
    supportedTypes: ["json"],
});
