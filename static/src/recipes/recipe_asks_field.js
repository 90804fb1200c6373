// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { SecretDialog } from "../secret/secret_dialog";

/**
 * Asks for what a recipe leaves open, and keeps the answers in a JSON field.
 *
 * What is asked is in the field `recipe_asks`. A secret goes from its dialog to the
 * model's method `set_secret(name, value)`, and is no answer.
 */
export class RecipeAsksField extends Component {
    static template = "queue_job_sync.RecipeAsksField";
    static props = { ...standardFieldProps };

    setup() {
        this.dialog = useService("dialog");
        this.orm = useService("orm");
        // What is being typed: one answer may be on its way when the next one comes.
        this.typed = useState({ ...this.answers });
    }

    get asks() {
        return this.props.record.data.recipe_asks || [];
    }

    get answers() {
        return this.props.record.data[this.props.name] || {};
    }

    /** Where secrets will go, before anybody has set one. */
    get addresses() {
        const urls = this.props.record.data.recipe_urls || [];
        return urls.map(([label, url]) => {
            const shown = url.replace(/<([a-z_]+)>/g, (asked, name) => {
                const value = (this.typed[name] || "").trim();
                return value || this.labelOf(name);
            });
            return { label, url: shown.replace(/\/+$/, "") };
        });
    }

    labelOf(name) {
        const ask = this.asks.find((each) => each.name === name);
        return ask ? `‹${ask.label}›` : "";
    }

    onInput(name, ev) {
        this.typed[name] = ev.target.value;
    }

    onChange(name, ev) {
        this.typed[name] = ev.target.value;
        return this.props.record.update({
            [this.props.name]: { ...this.typed },
        });
    }

    async openSecret(ask) {
        const { record } = this.props;
        if (!(await record.save())) {
            return;
        }
        this.dialog.add(SecretDialog, {
            title: ask.label,
            origin: ask.origin,
            signs: ask.secret === "signing_secret",
            save: async (value) => {
                const args = [[record.resId], ask.secret, value];
                await this.orm.call(record.resModel, "set_secret", args);
                await record.load();
            },
        });
    }
}

registry.category("fields").add("sync_recipe_asks", {
    component: RecipeAsksField,
    displayName: _t("Answers"),
    supportedTypes: ["json"],
    fieldDependencies: [
        { name: "recipe_asks", type: "json" },
        { name: "recipe_urls", type: "json" },
    ],
});
