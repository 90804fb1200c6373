// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

// Walks through the screens of an action as a person does, and keeps what is wrong with
// them. Runs in a page of the web client, in which axe-core is loaded.
// eslint-disable-next-line no-unused-vars
function makeWalk(options) {
    const { rpcBus } = odoo.loader.modules.get("@web/core/network/rpc");
    const { App } = odoo.loader.modules.get("@odoo/owl");
    const { action } = odoo.__WOWL_DEBUG__.root.env.services;
    const PATIENCE = 30000;
    // Records that are opened of one list.
    const MOST = 60;
    // What moves has other colours meanwhile.
    const still = document.createElement("style");
    still.textContent =
        "* { transition: none !important; animation: none !important; }";
    document.head.append(still);
    const pending = new Set();
    const pressed = new Set();
    const views = new Set();
    const looked = new Set();
    // Models whose records have been opened, and their views that were filtered: the
    // same ones are on the screens of several actions.
    const opened = new Set();
    const filtered = new Set();
    let result = null;
    let where = "";
    let isPressing = false;

    rpcBus.addEventListener("RPC:REQUEST", ({ detail }) => pending.add(detail.data.id));
    rpcBus.addEventListener("RPC:RESPONSE", ({ detail }) => {
        pending.delete(detail.data.id);
        const found = detail.result;
        if (found && found.views && found.models) {
            for (const view of Object.values(found.views)) {
                views.add(view.id);
            }
        }
    });

    const all = (selector, root = document) => [...root.querySelectorAll(selector)];
    const last = (selector) => all(selector).at(-1);
    const shown = (element) => element.checkVisibility();
    const sleep = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds));

    function say(text) {
        where = text;
        console.log(`walk: ${text}`);
    }

    function problem(text) {
        result.problems.push(`${where}: ${text}`);
    }

    function isBusy() {
        const tasks = [...App.apps].some((app) => app.scheduler.tasks.size);
        return pending.size || tasks || document.querySelector(".o_blockUI");
    }

    /** Wait until nothing is being loaded or drawn, and look for an error. */
    async function idle() {
        const end = Date.now() + PATIENCE;
        for (let calm = 0; calm < 2; calm++) {
            await sleep(20);
            if (isBusy()) {
                calm = -1;
            }
            if (Date.now() > end) {
                problem("is never ready");
                break;
            }
        }
        for (const dialog of all(".o_error_dialog")) {
            // who presses a button may be told why it cannot be done
            const title = dialog.querySelector(".modal-title")?.innerText;
            if (!isPressing || title !== "Invalid Operation") {
                problem(`error dialog: ${dialog.innerText.slice(0, 600)}`);
            }
            const close = dialog.querySelector(".btn-close, footer button");
            close.click();
            await sleep(100);
        }
    }

    /** Press something as a mouse does. */
    async function press(element) {
        for (const type of [
            "pointerdown",
            "mousedown",
            "pointerup",
            "mouseup",
            "click",
        ]) {
            element.dispatchEvent(
                new MouseEvent(type, { bubbles: true, cancelable: true, view: window }),
            );
        }
        await idle();
    }

    /** Let axe look at what is there of the addon: a dialog, or the screen. */
    async function look(text) {
        const dialog = last(".o_dialog");
        const place = dialog || document.querySelector(".o_action_manager");
        if (!options.axe || looked.has(looksOf(place))) {
            return;
        }
        looked.add(looksOf(place));
        const model = action.currentController.action.res_model || "";
        const isOurs = dialog || model.startsWith("sync.") || model === "queue.job";
        const found = await axe.run(
            { include: [place], exclude: options.others },
            { resultTypes: ["violations"], elementRef: true },
        );
        for (const { id, impact, help, nodes } of found.violations) {
            if (!["serious", "critical"].includes(impact)) {
                continue;
            }
            for (const node of nodes) {
                if (!isOurs && !options.all && !node.element.closest(options.parts)) {
                    continue;
                }
                const known = options.known.filter(
                    ([rule, selector]) => rule === id && node.element.matches(selector),
                );
                result.known.push(...known.map((each) => each.join(" ")));
                if (known.length) {
                    continue;
                }
                result.findings.push({
                    rule: id,
                    help,
                    where: `${where} ${text || ""}`,
                    target: node.target.join(" "),
                    html: node.html.slice(0, 300),
                    why: node.failureSummary.slice(0, 300),
                });
            }
        }
        result.looks++;
    }

    /** Return what tells one look of a screen from another: what is there, of what kind. */
    function looksOf(place) {
        const parts = all("[name], .badge, .alert, .btn, h1, h2, h3, th", place);
        const told = parts.filter(shown).map((each) => {
            const name = each.getAttribute("name");
            return [each.tagName, name, each.getAttribute("class")].join(" ");
        });
        return [...new Set(told)].sort().join("|");
    }

    async function closeDialogs() {
        for (let tries = 0; tries < 5; tries++) {
            const dialog = last(".o_dialog");
            if (!dialog) {
                return;
            }
            const close = dialog.querySelector(".btn-close, .o_form_button_cancel");
            await press(close || dialog.querySelector("footer button"));
        }
        problem("a dialog stays open");
    }

    /** Open what a button opens, look at it, and come back. */
    async function openBy(button, key) {
        const isNew = !pressed.has(key);
        if (!isNew && !options.always.includes(nameOf(button))) {
            return;
        }
        pressed.add(key);
        const before = where;
        say(`${before} > ${key}`);
        const dialogs = all(".o_dialog").length;
        const controller = action.currentController.jsId;
        isPressing = true;
        await press(button);
        isPressing = false;
        if (all(".o_dialog").length > dialogs) {
            await inside(last(".o_dialog"), key);
            await closeDialogs();
        } else if (action.currentController.jsId !== controller) {
            await look();
            await closeDialogs();
            await action.restore();
            await idle();
        }
        say(before);
    }

    /** Look at a dialog, and at what its buttons open. */
    async function inside(dialog, key) {
        await look();
        for (const name of options.leading) {
            const button = all(`button[name="${name}"]`, dialog).find(shown);
            if (button) {
                await openBy(button, `${key}.${name}`);
                if (!dialog.isConnected) {
                    return;
                }
            }
        }
    }

    /** Look at a form: its pages, the rows of its lists, and what its buttons open. */
    async function form(key) {
        await look();
        for (const tab of all(".o_action_manager .o_notebook_headers .nav-link")) {
            if (!tab.classList.contains("active") && tab.isConnected) {
                await press(tab);
                await look(`page ${tab.innerText}`);
            }
            const place = ".o_action_manager .o_notebook .tab-pane.active";
            const cell = all(`${place} .o_field_x2many .o_data_row .o_data_cell`)[0];
            const page = `${key} page ${tab.innerText}`;
            if (cell && !pressed.has(page)) {
                pressed.add(page);
                await press(cell);
                if (last(".o_dialog")) {
                    await look(`row of ${tab.innerText}`);
                    await closeDialogs();
                }
            }
        }
        const buttons = ".o_action_manager .o_form_view button[name]";
        for (const name of new Set(all(buttons).filter(opens).map(nameOf))) {
            const button = all(buttons).find(
                (each) => opens(each) && nameOf(each) === name,
            );
            if (button) {
                await openBy(button, `${key}.${name}`);
            }
        }
        for (const selector of options.clicks) {
            const element = all(`.o_action_manager ${selector}`).find(shown);
            if (element) {
                await openBy(element, `${key} ${selector}`);
            }
        }
    }

    const nameOf = (button) => button.getAttribute("name");

    function opens(button) {
        const opening = options.opening.includes(nameOf(button));
        return shown(button) && (opening || button.getAttribute("type") === "action");
    }

    async function removeFacets() {
        for (let facet; (facet = document.querySelector(".o_facet_remove"));) {
            await press(facet);
        }
    }

    async function openMenu() {
        if (!document.querySelector(".o_search_bar_menu")) {
            await press(document.querySelector(".o_searchview_dropdown_toggler"));
        }
        const choices = ".o_filter_menu .o_menu_item, .o_group_by_menu .o_menu_item";
        for (const toggle of all(".o_search_bar_menu .o_accordion_toggle")) {
            if (
                !toggle.classList.contains("open") &&
                !toggle.closest(".o_favorite_menu")
            ) {
                await press(toggle);
            }
        }
        const found = all(`${choices}, .o_search_bar_menu .o_accordion .o_item_option`);
        return found.filter((each) => !each.matches(".o_add_custom_filter, select"));
    }

    /** Apply each filter and each group-by, one at a time. */
    async function filters(kind) {
        const view = where;
        const key = `${action.currentController.action.res_model} ${kind}`;
        await removeFacets();
        if (filtered.has(key)) {
            return;
        }
        filtered.add(key);
        if (!document.querySelector(".o_searchview_dropdown_toggler")) {
            return;
        }
        const count = (await openMenu()).length;
        for (let index = 0; index < count; index++) {
            const item = (await openMenu())[index];
            if (!item || item.querySelector("select")) {
                continue;
            }
            const label = item.innerText.trim();
            say(`${view} by ${label}`);
            await press(item);
            result.filters++;
            const group = document.querySelector(".o_group_header:not(.o_group_open)");
            if (group) {
                await press(group);
            }
            await removeFacets();
        }
        say(view);
        if (document.querySelector(".o_search_bar_menu")) {
            await press(document.querySelector(".o_searchview_dropdown_toggler"));
        }
    }

    /** Open each record of a list, or of a kanban view. */
    async function rows() {
        const view = where;
        await removeFacets();
        const row =
            document.querySelector(".o_data_row .o_data_cell:not(.o_list_button)") ||
            document.querySelector(
                ".o_kanban_record:not(.o_kanban_ghost) a[type=open]",
            ) ||
            all(".o_kanban_record:not(.o_kanban_ghost)").find((each) =>
                each.matches(".cursor-pointer"),
            );
        if (!row) {
            return;
        }
        say(`${view} > row 1`);
        await press(row);
        const model = action.currentController.action.res_model;
        const most = opened.has(model) ? 1 : MOST;
        opened.add(model);
        for (let number = 1; document.querySelector(".o_form_view"); number++) {
            result.rows++;
            await form(model);
            const next = document.querySelector(".o_control_panel .o_pager_next");
            const counter = document.querySelector(".o_pager_counter");
            const [at, limit] = (counter?.innerText || "1 / 1").split("/").map(Number);
            if (!next || !(at < limit) || number >= most) {
                break;
            }
            say(`${view} > row ${number + 1}`);
            await press(next);
        }
        say(view);
    }

    async function view(name, kind) {
        say(`${name} ${kind}`);
        await look();
        if (["list", "kanban"].includes(kind)) {
            await filters(kind);
            await rows();
        } else if (kind === "form") {
            await form(name);
        }
    }

    const kindOf = (button) =>
        [...button.classList].find((each) => /^o_(?!switch)/.test(each)).slice(2);

    return {
        /** Walk through all views of an action; return what is wrong, and what was seen. */
        async walk(name, request, context) {
            result = { problems: [], findings: [], known: [], rows: 0, filters: 0 };
            result.looks = 0;
            say(name);
            const open = () =>
                action.doAction(request, {
                    additionalContext: context,
                    clearBreadcrumbs: true,
                });
            try {
                await open();
                await idle();
                if (last(".o_dialog")) {
                    await inside(last(".o_dialog"), name);
                    await closeDialogs();
                } else {
                    const switches = all(".o_cp_switch_buttons .o_switch_view");
                    const kinds = switches.map(kindOf);
                    const only = action.currentController.view?.type || "client";
                    for (const kind of kinds.length ? kinds : [only]) {
                        await open();
                        await idle();
                        const button = `.o_switch_view.o_${kind}:not(.active)`;
                        if (document.querySelector(button)) {
                            await press(document.querySelector(button));
                        }
                        await view(name, kind);
                    }
                }
            } catch (error) {
                problem(`${error.stack || error}`);
                await closeDialogs();
            }
            return result;
        },
        /** Return the ids of the views that were loaded. */
        views: () => [...views],
    };
}
