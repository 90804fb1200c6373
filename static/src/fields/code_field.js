// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const INDENT = "  ";
// Strings, what stands alone, and everything else that is no blank.
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/**
 * Return JSON one value a line; any other text as it is.
 *
 * What is between the blanks stays: parsed and written anew, a long number or a key
 * that comes twice would not be what was sent.
 *
 * @param {string} text
 */
export function readable(text) {
    try {
        JSON.parse(text);
    } catch {
        return text;
    }
    const tokens = text.match(TOKENS) || [];
    let depth = 0;
    let result = "";
    const newLine = () => `\n${INDENT.repeat(depth)}`;
    tokens.forEach((token, index) => {
        const before = tokens[index - 1];
        const isEmpty = ["{}", "[]"].includes(`${before}${token}`);
        if (token === "}" || token === "]") {
            depth -= 1;
            result += isEmpty ? token : newLine() + token;
            return;
        }
        if ([",", "{", "["].includes(before)) {
            result += newLine();
        }
        result += token === ":" ? ": " : token;
        depth += token === "{" || token === "[" ? 1 : 0;
    });
    return result;
}

/**
 * What machines say to each other: from left to right in every language, and JSON one
 * value a line where there is room for several.
 */
export class CodeField extends Component {
    static template = "queue_job_sync.CodeField";
    static props = { ...standardFieldProps };

    get value() {
        return this.props.record.data[this.props.name] || "";
    }

    get isLong() {
        return this.props.record.fields[this.props.name].type === "text";
    }

    get text() {
        return this.isLong ? readable(this.value) : this.value;
    }
}

registry.category("fields").add("queue_job_sync_code", {
    component: CodeField,
    supportedTypes: ["char", "text"],
});
