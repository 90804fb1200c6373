// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { registry } from "@web/core/registry";
import {
    FieldSelectorField,
    fieldSelectorField,
} from "@web/views/fields/field_selector/field_selector_field";

/**
 * A choice of fields that shows the technical name and type of each: they are what
 * arrives at the destination.
 */
export class SyncPathField extends FieldSelectorField {
    get selectorProps() {
        return { ...super.selectorProps, isDebugMode: true };
    }
}

registry.category("fields").add("sync_path", {
    ...fieldSelectorField,
    component: SyncPathField,
});
