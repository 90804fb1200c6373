// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { KanbanController } from "@web/views/kanban/kanban_controller";

// As in sync_backend_nudge.py.
const CHANNEL = "queue_job_sync.dashboard";
const MESSAGE = "queue_job_sync/changed";
// Milliseconds from a message until the figures are read: several may come at once.
const SOON = 300;
// After a message the server is quiet about that system for three seconds (WINDOW in
// sync_nudge.py): what happens in them is seen when they are over.
const QUIET = 3500;
// What editors queue sends no message, and the time since something goes on.
const REGULARLY = 10000;

// How often it is looked whether a button has lost the focus, and the time between.
const FOCUS_TIMES = 5;
const FOCUS_INTERVAL = 150;

/** A dashboard that follows what happens, as long as somebody can see it. */
export class DashboardController extends KanbanController {
    setup() {
        super.setup();
        const bus = useService("bus_service");
        const onMessage = () => {
            this.refreshIn("soon", SOON);
            this.refreshIn("quiet", QUIET);
        };
        const onVisible = () => this.refresh();
        const onFocus = (ev) => this.rememberFocus(ev.target);
        this.timers = {};
        let subscribed = null;
        let interval = null;
        onMounted(() => {
            bus.subscribe(MESSAGE, onMessage);
            subscribed = bus.addChannel(CHANNEL);
            interval = browser.setInterval(() => this.refresh(), REGULARLY);
            document.addEventListener("visibilitychange", onVisible);
            this.rootRef.el.addEventListener("focusin", onFocus);
        });
        onWillUnmount(() => {
            bus.unsubscribe(MESSAGE, onMessage);
            subscribed.then(() => bus.deleteChannel(CHANNEL));
            browser.clearInterval(interval);
            Object.values(this.timers).forEach((timer) => browser.clearTimeout(timer));
            document.removeEventListener("visibilitychange", onVisible);
        });
    }

    /** Read the figures in some milliseconds, unless that is about to happen. */
    refreshIn(name, milliseconds) {
        this.timers[name] ??= browser.setTimeout(() => {
            delete this.timers[name];
            this.refresh();
        }, milliseconds);
    }

    async refresh() {
        if (document.visibilityState !== "visible" || !this.model.isReady) {
            return;
        }
        try {
            await this.model.refresh();
        } catch (error) {
            // Odoo itself says that the connection is lost, and when it is back
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
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
