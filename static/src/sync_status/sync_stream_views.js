// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { rpcBus } from "@web/core/network/rpc";
import { UPDATE_METHODS } from "@web/core/orm_service";
import { registry } from "@web/core/registry";

/**
 * The views of a model change with its first and its last synchronization: who has
 * just made it sees so without a reload.
 */
export const syncStreamViewsService = {
    start() {
        rpcBus.addEventListener("RPC:RESPONSE", ({ detail }) => {
            const { model, method } = detail.data.params;
            if (
                ["sync.stream", "sync.backend"].includes(model) &&
                UPDATE_METHODS.includes(method)
            ) {
                rpcBus.trigger("CLEAR-CACHES", "get_views");
            }
        });
    },
};

registry.category("services").add("queue_job_sync.views", syncStreamViewsService);
