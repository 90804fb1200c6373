// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { onWillDestroy } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";

const PAUSE = 1000; // milliseconds between two questions
const QUESTIONS = 30; // at most

/**
 * Ask the server now and then, as long as somebody looks at the page and the component
 * is there.
 *
 * @param {() => Promise<boolean>} ask returns whether to ask again
 * @returns {() => void} what begins to ask, with all its questions
 */
export function useFollowing(ask) {
    let [timer, left, begun, isAsking] = [null, 0, 0, false];

    function end() {
        browser.clearInterval(timer);
        timer = null;
    }

    async function look() {
        if (isAsking || document.visibilityState !== "visible") {
            return;
        }
        const mine = begun;
        isAsking = true;
        left--;
        const goesOn = await ask().catch(() => false);
        isAsking = false;
        if (mine === begun && (!goesOn || left <= 0)) {
            end();
        }
    }

    onWillDestroy(end);
    return () => {
        left = QUESTIONS;
        begun++;
        timer ??= browser.setInterval(look, PAUSE);
    };
}
