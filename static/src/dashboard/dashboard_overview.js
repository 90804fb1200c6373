// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import {
    Component,
    onMounted,
    onWillStart,
    onWillUnmount,
    status,
    useComponent,
    useState,
} from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { useService } from "@web/core/utils/hooks";
import { HealthBanner } from "../health/health_banner";

// Milliseconds from one look at the figures to the next, and how many times as long as
// the look itself has taken that is at least: a busy server is not asked more often.
const INTERVAL = 4000;
const SHARE = 10;
// How the parts of the summary are marked.
const COLORS = {
    down: "text-danger",
    paused: "text-warning",
    problem: "text-danger",
    failed: "text-danger",
    doubt: "text-warning",
    fine: "text-success",
};

/**
 * Have the controller of a view of systems follow what happens, as long as somebody can
 * see it: one look at a time, the next one after a while.
 *
 * @returns {Object} what stands above the systems: `problems` and `summary`
 */
export function useOverview() {
    const controller = useComponent();
    const orm = useService("orm");
    const overview = useState({ problems: [], summary: { title: "", parts: [] } });
    let timer = null;
    let looking = false;

    async function read() {
        Object.assign(overview, await orm.silent.call("sync.backend", "dashboard", []));
    }

    function isSeen() {
        const isMounted = status(controller) === "mounted";
        return isMounted && document.visibilityState === "visible";
    }

    /** Whether somebody is about to press something: nothing may change its place. */
    function isInUse() {
        const content = controller.rootRef.el.querySelector(".o_content");
        return content.matches(":hover, :focus-within");
    }

    /** Read the figures, and go on doing so; or stop, when nobody sees them. */
    async function follow() {
        browser.clearTimeout(timer);
        if (!isSeen() || looking) {
            return;
        }
        looking = true;
        const start = browser.performance.now();
        try {
            if (controller.model.isReady) {
                await Promise.all([controller.model.refresh(!isInUse()), read()]);
            }
        } catch (error) {
            // Odoo itself says that the connection is lost, and when it is back;
            // anything else is said once, until somebody looks here anew
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
        } finally {
            looking = false;
        }
        lookLater(SHARE * (browser.performance.now() - start));
    }

    function lookLater(pause = 0) {
        browser.clearTimeout(timer);
        if (isSeen()) {
            timer = browser.setTimeout(follow, Math.max(INTERVAL, pause));
        }
    }

    onWillStart(() => {
        // the systems do not wait for it
        read();
    });
    onMounted(() => {
        lookLater();
        document.addEventListener("visibilitychange", follow);
    });
    onWillUnmount(() => {
        browser.clearTimeout(timer);
        document.removeEventListener("visibilitychange", follow);
    });
    return overview;
}

/** What is wrong with the servers, and how many systems there are of each health. */
export class DashboardOverview extends Component {
    static template = "queue_job_sync.DashboardOverview";
    static components = { HealthBanner };
    static props = { problems: Array, summary: Object };

    get parts() {
        return this.props.summary.parts.map((part) => ({
            ...part,
            color: COLORS[part.health],
            isChosen: this.isChosen(part.health),
        }));
    }

    /** The filter of the search view that has the name of a health. */
    filter(health) {
        const { searchItems } = this.env.searchModel;
        return Object.values(searchItems).find((item) => item.name === health);
    }

    isChosen(health) {
        const filter = this.filter(health);
        const { query } = this.env.searchModel;
        return Boolean(filter && query.some((each) => each.searchItemId === filter.id));
    }

    choose(health) {
        const filter = this.filter(health);
        if (filter) {
            this.env.searchModel.toggleSearchItem(filter.id);
        }
    }
}
