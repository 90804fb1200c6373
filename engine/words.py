# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is said to people, in the language of who reads it.

As with gettext, a sentence is translated by its English template, and what it names
stays as it is: see :class:`..wording.Sentence`. Our own columns keep the two apart, and
each reader is told in his own language, the results of jobs among them. What is told
once for many readers, such as what queue_job keeps of an exception, is told in the
language of a company. No program reads a sentence: where one has to decide, it goes by
the ``reason`` of an error.
"""

import json
from datetime import datetime

from odoo import fields
from odoo.orm.utils import SQL_OPERATORS
from odoo.tools import SQL, format_datetime, format_time
from odoo.tools.translate import get_translation

from ..exceptions import SyncError
from ..transports.redact import shorten
from ..wording import Sentence, _lt  # noqa: F401 (for those who speak)

MODULE = "queue_job_sync"
# In a column, between a sentence in English and its parts. What anybody says is kept
# without it, so that no destination chooses a sentence of ours.
SEPARATOR = "\N{INFORMATION SEPARATOR ONE}"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
SPOKEN = (SyncError, Sentence)

# Characters of a reason that everybody is told.
REASON_LENGTH = 300


# -- in a language ------------------------------------------------------------


def said(env, sentence):
    """Return a sentence in the language of an environment. It never raises.

    :param sentence: a :class:`..wording.Sentence`, an error for its message, or a text
        that is in the catalogue as it is
    """
    template, _reason, values = _apart(sentence)
    try:
        values = {name: _said_value(env, value) for name, value in values.items()}
        return get_translation(MODULE, env.lang or "en_US", template, values)
    except Exception:
        # the language is switched off, or the template names what is not there
        return str(sentence)


def _said_value(env, value):
    if isinstance(value, SPOKEN):
        return said(env, value)
    return moment(env, value) if isinstance(value, datetime) else value


def moment(env, at):
    """Return a time as a reader says it: without the day if that is today.

    :param at: UTC, naive
    """
    zone = env.tz.zone
    days = {
        fields.Datetime.context_timestamp(env.user, each).date()
        for each in (at, fields.Datetime.now())
    }
    if len(days) == 1:
        return format_time(env, at, tz=zone, time_format="short")
    return format_datetime(env, at, tz=zone, dt_format="short")


def _apart(sentence):
    """Return the template, the reason and the values of what can be said."""
    message = getattr(sentence, "message", sentence)
    template = str(getattr(message, "template", message))
    return template, getattr(sentence, "reason", ""), getattr(message, "values", {})


def short(env, error, system):
    """Return what an error about an answer says, without the request.

    That is for those who see the log.

    :param str system: name of the system that has answered
    :return: a sentence; ``None`` for other errors, unless one is within them
    """
    if error.reason == "answered" and "said" in error.values:
        answer = error.values["said"] or error.values.get("status", "")
        return env._("%(system)s answered: %(said)s", system=system, said=answer)
    if "request" in error.values:
        shorter = {"request": system}
    else:
        errors = {k: v for k, v in error.values.items() if isinstance(v, SyncError)}
        shorter = {name: short(env, each, system) for name, each in errors.items()}
        if not any(shorter.values()):
            return None
    return said(env, Sentence(error.template, **{**error.values, **shorter}))


def told_to_all(record, name, system):
    """Return the reason in a field as everybody is told it, ``False`` if there is none.

    Without the request: that is for those who see the log.

    :param str system: name of the system that it is about
    """
    reason, field = record[name], record._fields[name]
    if not reason:
        return False
    if isinstance(field, SentenceText):
        reason = short(record.env, field.error_of(record), system) or reason
    return about(system, reason)


def about(system, reason):
    """Return a reason as everybody is told it, with the name of its system."""
    if system not in reason:
        reason = f"{system}: {reason}"
    return shorten(reason, REASON_LENGTH)


def in_company_language(records, company):
    """Return records in the language of a company.

    :param company: the ``res.company``; if empty, the current one
    """
    env = records.env
    # nothing is asked where there is only one
    installed = dict(env["res.lang"].get_installed())
    lang = next(iter(installed), None)
    if len(installed) > 1:
        lang = (company or records.sudo().env.company).sudo().partner_id.lang
    return records.with_context(lang=lang) if lang in installed else records


# -- in a column --------------------------------------------------------------


def kept(sentence):
    """Return a text for a column, which :func:`read` says in any language.

    It begins with the sentence in English, which is what SQL finds.

    :param sentence: as for :func:`said`
    """
    text = str(sentence).replace(SEPARATOR, REPLACEMENT)
    if isinstance(sentence, SPOKEN):
        _template, *more = parts = _parts(sentence)
        if any(more):
            # JSON escapes the separator
            text += SEPARATOR + json.dumps(parts, ensure_ascii=False)
    return text


def _parts(value):
    """Return what JSON can hold of a sentence, or of a value in it."""
    if isinstance(value, SPOKEN):
        template, reason, values = _apart(value)
        return [template, reason, {name: _parts(values[name]) for name in values}]
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return value if isinstance(value, int | float) else str(value)


def read(env, text):
    """Return the sentence that a column keeps, in the language of an environment."""
    return said(env, parsed(text)).replace(SEPARATOR, REPLACEMENT)


def parsed(text):
    """Return the sentence that a column keeps, as an error.

    Whatever says nothing of its parts, such as a row of before, is its own template.
    """
    _english, found, parts = text.rpartition(SEPARATOR)
    try:
        error = _made(json.loads(parts)) if found else None
    except (AttributeError, KeyError, TypeError, ValueError):
        error = None
    return error if isinstance(error, SyncError) else SyncError(text)


def _made(parts):
    if isinstance(parts, dict):
        return datetime.fromisoformat(parts["at"])
    if not isinstance(parts, list):
        return parts
    template, reason, values = parts
    made = {name: _made(value) for name, value in values.items()}
    return SyncError(Sentence(template, **made), reason)


class SentenceText(fields.Text):
    """A text that each user reads in his language.

    It is given a :class:`..wording.Sentence` or an error. A plain text, which may come
    from anywhere, is the same in all languages that have no translation of it.
    """

    def _description_groupable(self, env):
        return False

    def convert_to_cache(self, value, record, validate=True):
        # without validation, it comes from a column
        value = kept(value) if validate and value else value
        return super().convert_to_cache(value, record, validate)

    def convert_to_record(self, value, record):
        value = super().convert_to_record(value, record)
        return value and read(record.env, value)

    def _condition_to_sql(self, field_expr, operator, value, model, alias, query):
        column = model._field_to_sql(alias, field_expr, query)
        # in what is read, rather than in the parts, which have names
        english = SQL("split_part(%s, %s, 1)", column, SEPARATOR)
        if operator in ("in", "not in") and any(value):
            found = SQL("%s = ANY(%s)", english, [each for each in value if each])
            if False in value:
                found = SQL("(%s OR %s = '')", found, column)
            found = SQL("COALESCE(%s, %s)", found, False in value)
            return found if operator == "in" else SQL("NOT %s", found)
        if not operator.endswith("like"):
            return super()._condition_to_sql(
                field_expr, operator, value, model, alias, query
            )
        pattern = SQL("%s", str(value) if "=" in operator else f"%{value}%")
        if operator.endswith("ilike"):
            english, pattern = map(model.env.registry.unaccent, (english, pattern))
        sql = SQL("%s%s%s", english, SQL_OPERATORS[operator], pattern)
        if operator.startswith("not"):
            sql = SQL("(%s OR %s IS NULL)", sql, column)
        return sql

    def error_of(self, record):
        """Return what a record keeps as an error, ``None`` if it keeps nothing."""
        if not record[self.name]:  # which also reads it
            return None
        return parsed(self._get_cache(record.env)[record.id])
