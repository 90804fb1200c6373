// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

export const POPOVER = ".o_model_field_selector_popover";
const EDITED_ROW = ".o_field_widget[name='mapping_ids'] .o_data_row.o_selected_row";

// A field of every model, which none of the searches below finds.
const UNSOUGHT = "li[data-name='id']";

/** Search the open choice of fields for a label. */
function searchField(label) {
    return {
        content: `Search for ${label}`,
        trigger: `${POPOVER}:has(${UNSOUGHT}) input`,
        run: `edit ${label}`,
    };
}

/** Return what selects a field once the search has been done. */
function foundField(name) {
    return `${POPOVER}:not(:has(${UNSOUGHT})) li[data-name='${name}']`;
}

/**
 * Add a mapping line, and choose its field by clicks.
 *
 * @param {string[][]} links names and labels of the links to follow
 * @param {string[]} field name and label of the field to choose
 * @param {string} target name at the destination
 * @param {Object[]} seen steps to take once the fields are shown
 * @returns {Object[]} steps of a tour
 */
export function addMapping(links, [name, label], target, seen = []) {
    return [
        {
            content: "Add a line",
            trigger:
                ".o_field_widget[name='mapping_ids'] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            content: "Open the choice of fields",
            trigger: `${EDITED_ROW} .o_field_widget[name='field_path'] .o_model_field_selector`,
            run: "click",
        },
        ...seen,
        ...links.flatMap((link) => [
            searchField(link[1]),
            {
                content: `Follow ${link[1]}`,
                trigger: `${foundField(link[0])} ${POPOVER}_item_relation`,
                run: "click",
            },
            {
                content: "Wait for the fields behind it",
                trigger: `${POPOVER}_title:contains('${link[1]}')`,
            },
        ]),
        searchField(label),
        {
            content: `Choose ${label}`,
            trigger: `${foundField(name)} ${POPOVER}_item_name`,
            run: "click",
        },
        {
            content: "The field is chosen: name it at the destination",
            trigger:
                `body:not(:has(${POPOVER})) ${EDITED_ROW}` +
                `:has(.o_model_field_selector_chain_part:contains('${label}'))` +
                " .o_field_widget[name='target'] input",
            run: `edit ${target}`,
        },
    ];
}
