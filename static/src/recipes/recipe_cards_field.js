// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * Shows a card for each system that there is a recipe for, and one for any other.
 *
 * A click goes on with that system: the model has a method `action_choose(key)`.
 */
export class RecipeCardsField extends Component {
    static template = "queue_job_sync.RecipeCardsField";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ query: "", busy: false });
        useAutofocus({ refName: "search" });
    }

    get all() {
        return this.props.record.data[this.props.name] || [];
    }

    get cards() {
        const query = this.state.query.trim().toLowerCase();
        return this.all.filter(
            (card) =>
                !card.problem &&
                [card.name, ...card.words].some((text) =>
                    text.toLowerCase().includes(query),
                ),
        );
    }

    get broken() {
        return this.all.filter((card) => card.problem);
    }

    async choose(key) {
        const { record } = this.props;
        this.state.busy = true;
        try {
            if (await record.save()) {
                await this.orm.call(record.resModel, "action_choose", [
                    [record.resId],
                    key,
                ]);
                await record.load();
            }
        } finally {
            this.state.busy = false;
        }
    }
}

registry.category("fields").add("sync_recipe_cards", {
    component: RecipeCardsField,
    displayName: _t("Systems"),
    supportedTypes: ["json"],
});
