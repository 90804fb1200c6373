// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { cookie } from "@web/core/browser/cookie";
import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";
import { setSecret } from "./set_secret";

// What the test tells of its destination.
const told = (name) => cookie.get(`queue_job_sync_${name}`);

function field(name) {
    return `.o_form_view .o_field_widget[name='${name}']`;
}

function edit(name, value) {
    return {
        content: `Fill in ${name}`,
        trigger: `${field(name)} input`,
        run: `edit ${value}`,
    };
}

function click(content, trigger) {
    return { content, trigger, run: "click" };
}

function next(step) {
    return [
        click("Go on", ".o_form_view button[name='action_next']"),
        {
            content: `Arrive at ${step}`,
            trigger: `.o_statusbar_status .o_arrow_button_current:contains('${step}')`,
        },
    ];
}

function begin(name) {
    return [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        click("Connect a system", "button:contains('Connect a System')"),
        click("It is another system", ".o_sync_recipe_other"),
        edit("name", name),
    ];
}

function test(result) {
    return [
        click("Test it", ".o_form_view button[name='action_test']"),
        { content: `It says: ${result}`, trigger: `.alert:contains('${result}')` },
    ];
}

/** Accept what is suggested, look at the example, and go live. */
function accept(example) {
    return [
        {
            content: "Fields are suggested",
            trigger: `${field("mapping_ids")} .o_data_row:contains('email')`,
        },
        ...next("Check"),
        {
            content: "See what would be sent",
            trigger: `${field("request")}:contains('${example}')`,
        },
        {
            content: "Read how many records that is",
            trigger: `${field("summary")}:contains('Going live will send')`,
        },
        click(
            "Go live",
            ".o_form_view button[name='action_finish']:contains('Go Live')",
        ),
        {
            content: "The records are on their way",
            trigger: ".o_form_view .o_arrow_button_current:contains('Running')",
        },
    ];
}

registry.category("web_tour.tours").add("queue_job_sync_setup_rest", {
    url: "/odoo",
    steps: () => [
        ...begin("Web Shop"),
        ...next("Address"),
        edit("url", told("destination")),
        ...test("It answers."),
        click("Go back", ".o_form_view button[name='action_back']"),
        {
            content: "The name is still there",
            trigger: `${field("name")} input:value('Web Shop')`,
        },
        ...next("Address"),
        {
            content: "So is the address",
            trigger: `${field("url")} input:value('${told("destination")}')`,
        },
        ...next("Records"),
        edit("endpoint", "custommers"),
        ...test("This place does not work."),
        edit("endpoint", "customers"),
        ...test("This place works."),
        {
            content: "It asks whether repeats are safe there",
            trigger: field("repeats_are_safe"),
        },
        ...next("Fields"),
        ...accept("/customers"),
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_setup_recipe", {
    url: "/odoo",
    steps: () => [
        ...stepUtils.goToAppSteps(
            "queue_job.menu_queue_job_root",
            "Open the Job Queue app",
        ),
        click("Connect a system", "button:contains('Connect a System')"),
        {
            content: "There are many",
            trigger: ".o_sync_recipe[data-recipe='queue_job_sync/stripe']",
        },
        {
            content: "Search by what it is for",
            trigger: ".o_sync_recipes input",
            run: "edit automation",
        },
        {
            content: "Others are gone",
            trigger: ".o_sync_recipes:not(:has([data-recipe='queue_job_sync/stripe']))",
        },
        click("Choose it", ".o_sync_recipe[data-recipe='queue_job_sync/webhook']"),
        {
            content: "It is asked for what is personal, and no more",
            trigger:
                ".o_sync_recipe_asks:has([data-ask='host']):has([data-ask='path'])",
        },
        click("Go on", ".o_form_view button[name='action_next']"),
        {
            content: "A host is needed",
            trigger: ".modal:contains('Host: It is missing.')",
        },
        click("Read it", ".modal .btn-primary, .modal .btn-close"),
        {
            content: "Say where it is",
            trigger: "[data-ask='host'] input",
            run: `edit ${told("host")}`,
        },
        {
            content: "And the rest of the address",
            trigger: "[data-ask='path'] input",
            run: "edit hooks/contacts",
        },
        {
            content: "The address is shown while it is typed",
            trigger: `.o_sync_recipe_address:contains('https://${told("host")}')`,
        },
        click("Set a secret", "[data-ask='signing'] .o_sync_secret_set"),
        click("Make one", ".o_sync_secret_make"),
        click("Keep it", ".o_sync_secret_save"),
        {
            content: "It is kept, and not shown",
            trigger: "[data-ask='signing']:contains('Stored in the database')",
        },
        {
            content: "What was typed is still there",
            trigger: `[data-ask='host'] input:value('${told("host")}')`,
        },
        ...next("Address"),
        {
            content: "The address is filled in",
            trigger: `${field("url")} input:value('https://${told("host")}')`,
        },
        edit("url", told("destination")),
        ...next("Records"),
        ...next("Fields"),
        ...accept("/hooks/contacts"),
    ],
});

registry.category("web_tour.tours").add("queue_job_sync_setup_postgresql", {
    url: "/odoo",
    steps: () => [
        ...begin("Warehouse"),
        click(
            "Choose a database",
            `${field("transport")} input[data-value='postgresql']`,
        ),
        ...next("Address"),
        edit("db_host", told("host")),
        edit("db_port", told("port")),
        {
            content: "A port is a number without separators",
            trigger: `${field("db_port")} input:value('${told("port")}')`,
        },
        edit("db_name", told("dbname")),
        edit("db_user", told("user")),
        ...setSecret("db_password", told("password")),
        ...test("Connection works."),
        ...next("Records"),
        {
            content: "The tables are offered",
            trigger: `${field("table")}:has(datalist option) input`,
        },
        edit("table", "contacts"),
        ...next("Fields"),
        ...accept("INSERT INTO"),
    ],
});
