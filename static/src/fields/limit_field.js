// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { FloatField, floatField } from "@web/views/fields/float/float_field";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

/** A number whose zero is no limit, and is not shown as one. */
export class SyncLimitField extends FloatField {
    get formattedValue() {
        if (this.value) {
            return super.formattedValue;
        }
        return this.state.hasFocus ? "" : _t("Unlimited");
    }

    parse(value) {
        const text = value.trim();
        return !text || text === String(_t("Unlimited")) ? 0 : super.parse(text);
    }
}

registry.category("fields").add("sync_limit", {
    ...floatField,
    component: SyncLimitField,
});
