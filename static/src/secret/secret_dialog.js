// Copyright 2026 queue_job_sync contributors
// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import { Component, useState } from "@odoo/owl";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";
import { useAutofocus } from "@web/core/utils/hooks";

// As MIN_LENGTH in transports/redact.py.
const MASKED_FROM = 8;
const REFERENCE = /^\s*(env|config)\s*:/;
// Bytes of a new signing secret, see transports/signing.py.
const NEW_KEY = 32;

/** A random secret, as Standard Webhooks writes it. */
function newSigningSecret() {
    const key = crypto.getRandomValues(new Uint8Array(NEW_KEY));
    return `whsec_${btoa(String.fromCharCode(...key))}`;
}

/**
 * Asks for a secret. It goes from here to the server at once: no record of the web
 * client, and so no field, ever has it.
 */
export class SecretDialog extends Component {
    static template = "queue_job_sync.SecretDialog";
    static components = { CopyButton, Dialog };
    static props = {
        close: Function,
        title: String,
        // Where the present one is kept; empty when there is none.
        origin: String,
        // Takes the secret and the options; empty to remove it.
        save: Function,
        // It has several lines, as certificates have.
        lines: { type: Boolean, optional: true },
        // What they are.
        help: { type: String, optional: true },
        // The secret signs: one can be made, and the present one can go on signing.
        signs: { type: Boolean, optional: true },
        // The present one can go on signing beside the new one.
        rotates: { type: Boolean, optional: true },
    };

    setup() {
        useAutofocus({ refName: "value" });
        this.state = useState({
            value: "",
            made: false,
            shown: false,
            keep: Boolean(this.props.rotates && this.props.origin),
            busy: false,
        });
        this.copied = _t("Copied");
    }

    get isReference() {
        return REFERENCE.test(this.state.value);
    }

    get isTooShort() {
        const { length } = this.state.value;
        return length > 0 && length < MASKED_FROM && !this.isReference;
    }

    get shortText() {
        return _t(
            "With fewer than %s characters it is too short to be masked where the " +
                "system repeats it: it could be read in logs and jobs.",
            MASKED_FROM,
        );
    }

    make() {
        Object.assign(this.state, {
            value: newSigningSecret(),
            made: true,
            shown: true,
        });
    }

    onKeydown(ev) {
        if (ev.key === "Enter" && this.state.value) {
            ev.preventDefault();
            this.save(this.state.value);
        }
    }

    /** Stays open when the server refuses the secret: Odoo shows the reason. */
    async save(value) {
        this.state.busy = true;
        try {
            await this.props.save(value, { keep: this.state.keep && Boolean(value) });
            this.props.close();
        } finally {
            this.state.busy = false;
        }
    }
}
