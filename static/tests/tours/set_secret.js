// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

/** Set a secret by the dialog that its field opens. */
export function setSecret(name, value) {
    const field = `.o_field_widget[name='${name}_origin']`;
    return [
        {
            content: `Open the dialog of ${name}`,
            trigger: `${field}:contains('Not set') .o_sync_secret_set`,
            run: "click",
        },
        {
            content: "Give the secret, which is not shown",
            trigger: ".modal .o_sync_secret_dialog input[type='password']",
            run: `edit ${value}`,
        },
        {
            content: "Save it",
            trigger: ".modal .o_sync_secret_save:enabled",
            run: "click",
        },
        {
            content: "It is kept, and cannot be read",
            trigger: `body:not(:has(.modal)) ${field}:contains('Stored in the database')`,
        },
    ];
}
