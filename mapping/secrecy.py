# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""Fields that are sent to no system, whoever maps them.

Nothing in Odoo says of a field that it holds a secret; that a screen shows it as a
password is known to that screen alone. So it is told by who may read it, and by what it
is called:

- nobody may read it (``groups=NO_ACCESS``), or system administrators alone;
- it is a text, and a word of its name means a secret (``password``, ``token`` ...), or
  two words do (``api_key`` ...);
- the path goes through API keys, or what is kept like them, as second factors are.

Where a field only repeats another one (``related``), that one counts as well.
"""

import re

from odoo.fields import NO_ACCESS

MODULE = "queue_job_sync"
# Members may read all that Odoo knows of itself.
SYSTEM = {"base.group_system", NO_ACCESS}
API_KEYS = "res.users.apikeys"
TEXTS = {"char", "text", "html", "json", "binary"}
WORDS = {
    "apikey",
    "credential",
    "credentials",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "token",
    "totp",
}
# Before "key".
KINDS_OF_KEYS = {"access", "api", "private", "secret", "signing"}


def refusal(env, path, chain):
    """Return why the values of a path are sent to no system, ``None`` if they may be.

    :param chain: its fields, first to last
    :return: a sentence
    """
    fields = [each for field in chain for each in _origins(env, field)]
    keys = env.registry.descendants([API_KEYS], "_inherit", "_inherits")
    if any(_is_our_own(field) for field in fields):
        return env._(
            "%s tells of the synchronization itself, and changes with each delivery: "
            "it is not sent.",
            path,
        )
    if any(_is_kept_back(field) or field.comodel_name in keys for field in fields):
        return env._(
            "%s is for system administrators alone, or for nobody: it is not sent.",
            path,
        )
    if any(_is_called_secret(field) for field in fields):
        return env._("%s is called like a password or a key: it is not sent.", path)
    return None


def _origins(env, field):
    """Yield a field, and those whose value it only repeats."""
    for _hop in range(10):  # a circle is somebody else's to find
        yield field
        if not field.related:
            return
        *links, name = field.related.split(".")
        model = env[field.model_name]
        for link in links:
            model = env[model._fields[link].comodel_name]
        field = model._fields[name]


def _is_our_own(field):
    return MODULE in field._modules


def _is_kept_back(field):
    groups = {each.strip() for each in (field.groups or "").split(",")} - {""}
    return bool(groups) and groups <= SYSTEM


def _is_called_secret(field):
    if field.type not in TEXTS:
        return False
    words = [word for word in re.split(r"[\W_]+", field.name.lower()) if word]
    keys = zip(words, words[1:], strict=False)
    return not WORDS.isdisjoint(words) or any(
        kind in KINDS_OF_KEYS and word == "key" for kind, word in keys
    )
