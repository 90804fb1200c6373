// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { RelationalModel } from "@web/model/relational_model/relational_model";
import { getFieldsSpec } from "@web/model/relational_model/utils";
import { orderByToString } from "@web/search/utils/order_by";

/**
 * Puts new figures into the cards or lines that are there, instead of making new ones:
 * the page neither flickers nor scrolls, and the focus stays where it is.
 */
export class DashboardModel extends RelationalModel {
    refreshes = 0;
    // what was read of each record that is shown, to leave alone what has not changed
    read = {};

    /** @override */
    async load(params = {}) {
        // a button was pressed, or a dialog closed: the same systems are wanted
        if (this.root && !Object.keys(params).length) {
            return this.refresh();
        }
        return super.load(params);
    }

    /**
     * Read the figures of the systems again, without the sign of loading.
     *
     * @param {boolean} sorted put them in their new order: the worst first
     */
    async refresh(sorted = false) {
        const root = this.root;
        if (root.isGrouped) {
            return root.load();
        }
        const number = ++this.refreshes;
        const { activeFields, fields, context, orderBy, limit, offset } = root.config;
        const { records } = await this.orm.silent.webSearchRead(
            root.resModel,
            root.config.domain,
            {
                specification: getFieldsSpec(activeFields, fields, context),
                order: orderByToString(orderBy),
                limit,
                offset,
                context,
            },
        );
        if (this.root !== root || this.refreshes !== number) {
            return; // what is shown now was asked for later
        }
        const shown = new Map(root.records.map((record) => [record.resId, record]));
        if (
            shown.size !== records.length ||
            !records.every((values) => shown.has(values.id))
        ) {
            return root.load();
        }
        const read = {};
        for (const values of records) {
            const record = shown.get(values.id);
            read[record.id] = JSON.stringify(values);
            if (this.read[record.id] !== read[record.id]) {
                record._applyValues(values);
            }
        }
        this.read = read;
        const order = records.map((values) => shown.get(values.id));
        if (sorted && order.some((record, index) => record !== root.records[index])) {
            root.records = order;
        }
    }
}
