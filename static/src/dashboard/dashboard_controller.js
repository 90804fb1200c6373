// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { onMounted } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { ListController } from "@web/views/list/list_controller";
import { DashboardOverview, useOverview } from "./dashboard_overview";

// How often it is looked whether a button has lost the focus, and the time between.
const FOCUS_TIMES = 5;
const FOCUS_INTERVAL = 150;

/** A card for each system. */
export class DashboardController extends KanbanController {
    static template = "queue_job_sync.DashboardView";
    static components = { ...KanbanController.components, DashboardOverview };

    setup() {
        super.setup();
        this.overview = useOverview();
        const onFocus = (ev) => this.rememberFocus(ev.target);
        onMounted(() => this.rootRef.el.addEventListener("focusin", onFocus));
    }

    get cards() {
        return [...this.rootRef.el.querySelectorAll(".o_kanban_record")];
    }

    rememberFocus(element) {
        const card = element.closest(".o_kanban_record");
        this.focused = card && { element, index: this.cards.indexOf(card) };
    }

    /** Give the focus back after a button: Odoo disables them all, which takes it. */
    async afterExecuteActionButton(clickParams) {
        await super.afterExecuteActionButton(clickParams);
        const focused = this.focused;
        // The cards may be drawn anew more than once, and each time the focus is gone,
        // or Odoo has put it on another button.
        const giveBack = (times) => {
            const current = document.activeElement;
            const card = focused && this.rootRef.el && this.cards[focused.index];
            const lost = current === document.body || current.tagName === "BUTTON";
            if (card && lost && !card.contains(current)) {
                // Pause has become Resume, or the other way round
                const instead = card.querySelector(".o_queue_job_sync_switch");
                (focused.element.isConnected ? focused.element : instead)?.focus();
            }
            if (times) {
                browser.setTimeout(() => giveBack(times - 1), FOCUS_INTERVAL);
            }
        };
        browser.setTimeout(() => giveBack(FOCUS_TIMES));
    }
}

/** A line for each system. */
export class DashboardListController extends ListController {
    static template = "queue_job_sync.DashboardListView";
    // nothing is done with several of them here
    static defaultProps = { ...ListController.defaultProps, allowSelectors: false };
    static components = { ...ListController.components, DashboardOverview };

    setup() {
        super.setup();
        this.overview = useOverview();
    }
}
