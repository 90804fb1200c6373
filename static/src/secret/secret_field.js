// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";
import { SecretDialog } from "./secret_dialog";

const ORIGIN = /_origin$/;

/**
 * A record once the form is saved, for which a new line of it is another one.
 *
 * @param {Object} record of the form, or a line of one of its lists
 * @returns {Object}
 */
function saved(record) {
    const { root } = record.model;
    if (record === root) {
        return root;
    }
    const isSame = (other) =>
        other.resModel === record.resModel &&
        (record.resId
            ? other.resId === record.resId
            : other.data.name === record.data.name.trim());
    const lines = Object.values(root.data).flatMap((value) => value?.records || []);
    return lines.find(isSame);
}

/**
 * Says where a secret is kept, and lets administrators set another one.
 *
 * The field is `<name>_origin`, and the secret is `<name>` of the record, whose model
 * has a method `set_secret(name, value)`; or of another model, by the option `model`.
 */
export class SyncSecretField extends Component {
    static template = "queue_job_sync.SecretField";
    static props = {
        ...standardFieldProps,
        model: { type: String, optional: true },
        lines: { type: Boolean, optional: true },
        signs: { type: Boolean, optional: true },
        rotates: { type: Boolean, optional: true },
    };

    setup() {
        this.dialog = useService("dialog");
        // What the server has said since the record was read.
        this.said = useState({ origin: undefined });
    }

    get origin() {
        return this.said.origin ?? (this.props.record.data[this.props.name] || "");
    }

    get canSet() {
        return user.isSystem;
    }

    async open() {
        const { record } = this.props;
        // A secret is that of a system, which has to be there.
        if (!this.props.model && !(await record.model.root.save())) {
            return;
        }
        const owner = saved(record);
        this.dialog.add(SecretDialog, {
            title: record.fields[this.props.name].string || _t("Secret"),
            origin: this.origin,
            lines: this.props.lines,
            help: record.fields[this.props.name].help || "",
            signs: this.props.signs,
            rotates: this.props.rotates,
            save: (value, options) => this.save(owner, value, options),
        });
    }

    async save(owner, value, { keep }) {
        const { model, name } = this.props;
        const secret = name.replace(ORIGIN, "");
        // Not a service of this field, which is gone once its line has been saved.
        const { orm, root } = owner.model;
        if (model) {
            this.said.origin =
                (await orm.call(model, "set_secret", [secret, value])) || "";
            return;
        }
        const ids = [owner.resId];
        if (keep) {
            await orm.call(owner.resModel, `rotate_${secret}`, [ids, value]);
        } else {
            await orm.call(owner.resModel, "set_secret", [ids, secret, value]);
        }
        await root.load();
    }
}

registry.category("fields").add("sync_secret", {
    component: SyncSecretField,
    displayName: _t("Secret"),
    supportedTypes: ["char"],
    extractProps: ({ options }) => ({
        model: options.model,
        lines: Boolean(options.lines),
        signs: Boolean(options.signs),
        rotates: Boolean(options.rotates),
    }),
});
