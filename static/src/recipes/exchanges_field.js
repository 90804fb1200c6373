// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

// Names that JMESPath takes without quotes.
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function below(path, name) {
    const step = PLAIN_NAME.test(name) ? name : JSON.stringify(name);
    return path ? `${path}.${step}` : step;
}

/** Returns the lines of some JSON: `{indent, before, value, path, after}`. */
function linesOf(json, path = "", indent = 0, before = "", after = "") {
    if (json === null || typeof json !== "object") {
        return [{ indent, before, value: JSON.stringify(json), path, after }];
    }
    const isList = Array.isArray(json);
    const [open, close] = isList ? "[]" : "{}";
    const entries = Object.entries(json);
    if (!entries.length) {
        return [{ indent, before: `${before}${open}${close}${after}` }];
    }
    const inner = entries.flatMap(([name, each], place) =>
        linesOf(
            each,
            isList ? `${path}[${name}]` : below(path, name),
            indent + 1,
            isList ? "" : `${JSON.stringify(name)}: `,
            place < entries.length - 1 ? "," : "",
        ),
    );
    return [
        { indent, before: `${before}${open}` },
        ...inner,
        { indent, before: `${close}${after}` },
    ];
}

/**
 * Shows requests beside their answers. A click on a value of the answer to a creation
 * says that it is the id: the model has a method `action_take_id(path)`.
 */
export class ExchangesField extends Component {
    static template = "queue_job_sync.ExchangesField";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ busy: false });
        this.title = _t("This is the ID");
    }

    get exchanges() {
        return (this.props.record.data[this.props.name] || []).map((each) => ({
            ...each,
            sent: this.pretty(each.sent),
            headerLines: Object.entries(each.headers || {}).map(([name, value]) => ({
                name,
                value,
                path: `headers.${PLAIN_NAME.test(name) ? name : JSON.stringify(name)}`,
            })),
            lines:
                typeof each.answer === "object" && each.answer !== null
                    ? linesOf(each.answer)
                    : this.textLines(each.answer),
        }));
    }

    textLines(answer) {
        if (answer === null || answer === undefined || answer === "") {
            return [];
        }
        const isText = typeof answer === "string";
        return isText
            ? [{ indent: 0, before: answer }]
            : [{ indent: 0, before: "", value: JSON.stringify(answer), path: "@" }];
    }

    pretty(text) {
        try {
            return JSON.stringify(JSON.parse(text), null, 2);
        } catch {
            return text;
        }
    }

    async take(path) {
        const { record } = this.props;
        this.state.busy = true;
        try {
            await this.orm.call(record.resModel, "action_take_id", [
                [record.resId],
                path,
            ]);
            await record.load();
        } finally {
            this.state.busy = false;
        }
    }
}

registry.category("fields").add("sync_exchanges", {
    component: ExchangesField,
    displayName: _t("Requests and Answers"),
    supportedTypes: ["json"],
});
