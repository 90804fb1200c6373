// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { onMounted, onWillStart, onWillUnmount, status, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { HealthBanner } from "../health/health_banner";

// Milliseconds from one look at the figures to the next.
const INTERVAL = 4000;

// How often it is looked whether a button has lost the focus, and the time between.
const FOCUS_TIMES = 5;
const FOCUS_INTERVAL = 150;

/** A dashboard that follows what happens, as long as somebody can see it. */
export class DashboardController extends KanbanController {
    static template = "queue_job_sync.DashboardView";
    static components = { ...KanbanController.components, HealthBanner };

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.health = useState({ problems: [] });
        onWillStart(() => this.readHealth());
        const onVisibilityChange = () => this.follow();
        const onFocus = (ev) => this.rememberFocus(ev.target);
        onMounted(() => {
            this.lookLater();
            document.addEventListener("visibilitychange", onVisibilityChange);
            this.rootRef.el.addEventListener("focusin", onFocus);
        });
        onWillUnmount(() => {
            browser.clearTimeout(this.timer);
            document.removeEventListener("visibilitychange", onVisibilityChange);
        });
    }

    get isSeen() {
        return status(this) === "mounted" && document.visibilityState === "visible";
    }

    /** Read the figures, and go on doing so; or stop, when nobody sees them. */
    async follow() {
        browser.clearTimeout(this.timer);
        if (!this.isSeen) {
            return;
        }
        try {
            if (this.model.isReady) {
                await Promise.all([this.model.refresh(), this.readHealth()]);
            }
        } catch (error) {
            // Odoo itself says that the connection is lost, and when it is back;
            // anything else is said once, until somebody looks here anew
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
        }
        this.lookLater();
    }

    async readHealth() {
        this.health.problems = await this.orm.silent.call("sync.health", "banner", []);
    }

    lookLater() {
        browser.clearTimeout(this.timer);
        if (this.isSeen) {
            this.timer = browser.setTimeout(() => this.follow(), INTERVAL);
        }
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
