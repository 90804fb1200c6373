// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { RelationalModel } from "@web/model/relational_model/relational_model";
import { getFieldsSpec } from "@web/model/relational_model/utils";
import { orderByToString } from "@web/search/utils/order_by";

/**
 * Puts new figures into the cards that are there, instead of making new cards: the
 * page neither flickers nor scrolls, and the focus stays where it is.
 */
export class DashboardModel extends RelationalModel {
    refreshes = 0;

    /** @override */
    async load(params = {}) {
        // a button was pressed, or a dialog closed: the same systems are wanted
        if (this.root && !Object.keys(params).length) {
            return this.refresh();
        }
        return super.load(params);
    }

    /** Read the figures of the systems again, without the sign of loading. */
    async refresh() {
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
        const shown = root.records;
        const same =
            shown.length === records.length &&
            shown.every((record, index) => record.resId === records[index].id);
        if (!same) {
            return root.load();
        }
        shown.forEach((record, index) => record._applyValues(records[index]));
    }
}
