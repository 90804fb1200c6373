# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What an error of a destination's PostgreSQL means for the message."""

import psycopg2
from psycopg2 import extensions

from ... import wording
from ...exceptions import Misconfigured, Rejected, SyncError, Temporary, Unreachable
from ..base import REFUSED, UNKNOWN, UNSENT
from ..redact import Redactor, one_line, shorten

NUL = wording._lt(
    "“%(column)s” contains a NUL character, which PostgreSQL cannot store."
)
# Characters of the server's own explanation in an error.
MAX_REASON = 300

# SQLSTATE codes and classes, PostgreSQL manual appendix A. A code goes before its
# class; what is not listed is worth another try.
_MEANING = {
    "08": Unreachable,  # connection exception
    "0A": Rejected,  # feature not supported, as ON CONFLICT on some views
    "21": Rejected,  # cardinality violation
    "22": Rejected,  # data exception
    "23": Rejected,  # integrity constraint violation
    "25006": Unreachable,  # read-only transaction: a standby, or after a failover
    "28": Unreachable,  # invalid authorization
    "3D": Unreachable,  # no such database
    "3F": Rejected,  # no such schema
    "42": Rejected,  # undefined table or column, insufficient privilege
    "44": Rejected,  # WITH CHECK OPTION violation
    "53": Unreachable,  # disk full, out of memory, too many connections
    "54": Rejected,  # program limit exceeded
    "55000": Rejected,  # not in the state for it, as a view that takes no rows
    "55P03": Temporary,  # lock not available
    "57014": Unreachable,  # statement timeout
    "57P": Unreachable,  # shutting down, starting up, terminated
    "P0001": Rejected,  # raised by a trigger of the destination
}
# What to look at after a refusal that each row would meet: it is about the statement
# itself, and its rows have not been looked at.
_SETTINGS = {
    "0A000": "address",  # a rule or a kind of table that does not take such a statement
    "3F000": "address",  # no such schema
    "42703": "mapping",  # no such column
    "42804": "mapping",  # a column of another type
    "42809": "address",  # not a table, as an index
    "42846": "mapping",  # a column of a type that the values cannot become
    "428C9": "mapping",  # a column that numbers its rows, or is computed
    "42P01": "address",  # no such table
    "42P10": "key",  # no unique constraint
    "42P17": "address",  # policies that ask each other
    "55000": "address",  # a view that takes no rows
}
# Code for both a right that the login lacks on a whole table, column, schema or
# sequence, and a row that a policy keeps out. Which one it is, says the function of
# PostgreSQL that raises it; its text is in the server's language.
_INSUFFICIENT_PRIVILEGE = "42501"
_RIGHTS = ("aclcheck_error", "nextval_internal")
# After these, what was sent may have been committed: the connection or the server was
# lost, perhaps between the commit and its answer. Any other error of the server has
# rolled its transaction back.
_PERHAPS_COMMITTED = ("08", "40003", "57P", "58", "F0", "XX")
# Their detail names the key in question. The detail of the other errors may
# repeat the whole row.
_TELLING_DETAIL = {"23503", "23505", "23P01"}


def meaning(sqlstate: str) -> type[SyncError]:
    """:return: the class of error that a SQLSTATE stands for"""
    found = (_MEANING.get(sqlstate[:length]) for length in (5, 3, 2))
    return next(filter(None, found), Temporary)


def fate_after(error: SyncError, sqlstate: str | None) -> str:
    """:return: what is known of a statement that failed, as in :class:`..base.Receipt`

    :param error: what :func:`statement_error` made of it
    :param sqlstate: ``None`` when the server has not answered
    """
    if sqlstate is None:
        # the driver itself takes no such values: it has sent nothing
        return UNSENT if isinstance(error, Rejected) else UNKNOWN
    return UNKNOWN if sqlstate.startswith(_PERHAPS_COMMITTED) else REFUSED


def statement_error(error: psycopg2.Error, config, redact: Redactor) -> SyncError:
    """Explain why a statement failed.

    :param config: the :class:`.connection.PostgresqlConfig`
    :param redact: hides the secrets that the server may repeat
    :return: the addon's own error. queue_job would take the driver's for one of
        Odoo's own database.
    """
    where = config.where
    if isinstance(error, extensions.QueryCanceledError):  # by the server, or by us
        sentence = wording._lt("No answer from %(where)s within %(seconds)s s")
        seconds = f"{config.statement_timeout:g}"
        return Unreachable(sentence, where=where, seconds=seconds)
    if error.pgcode is None:  # it does not come from the server
        said = _bounded(str(error), redact)
        if isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
            sentence = wording._lt(
                "The connection to PostgreSQL on %(where)s broke: %(said)s"
            )
            return Unreachable(sentence, where=where, said=said or "closed")
        sentence = wording._lt("The record cannot be written as SQL: %(said)s")
        return Rejected(sentence, said=said)
    said = error.diag.message_primary
    if error.diag.message_detail and error.pgcode in _TELLING_DETAIL:
        said = f"{said}. {error.diag.message_detail}"
    said = _bounded(said, redact)
    sentence = wording._lt("PostgreSQL refused it: %(said)s")
    if setting := _setting(error):
        return Misconfigured(sentence, setting, said=said)
    return meaning(error.pgcode)(sentence, said=said)


def _setting(error):
    """:return: what to look at where each row meets the same; empty where it is about
    some of them"""
    if error.diag.context:  # a trigger, which may look at them
        return ""
    if error.pgcode == _INSUFFICIENT_PRIVILEGE:
        function = error.diag.source_function or ""
        return "address" if function.startswith(_RIGHTS) else ""
    return _SETTINGS.get(error.pgcode, "")


def lacking_character(payload: dict, encoding: str) -> Rejected | None:
    """Find the character that a database cannot keep.

    :param payload: what was to be written of one record
    :param encoding: of the database, as PostgreSQL calls it
    """
    codec = extensions.encodings.get(encoding, "utf-8")
    sentence = wording._lt(
        "“%(column)s” contains “%(character)s”, which the database cannot "
        "store: its encoding is %(encoding)s."
    )
    for column, value in payload.items():
        text = "".join(_texts(value))
        if "\0" in text:
            return Rejected(NUL, column=column)
        try:
            text.encode(codec)
        except UnicodeEncodeError as error:
            lacking = text[error.start]
            return Rejected(
                sentence, column=column, character=lacking, encoding=encoding
            )
    return None


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (*_texts(key), *_texts(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def connection_error(error: Exception, config, redact: Redactor) -> SyncError:
    """Explain an error of connecting, or of building the connection string."""
    where = config.where
    if isinstance(error, extensions.QueryCanceledError):
        sentence = wording._lt("No connection to %(where)s within %(seconds)s s")
        seconds = f"{config.connect_timeout:g}"
        return Unreachable(sentence, where=where, seconds=seconds)
    if isinstance(error, UnicodeDecodeError):
        # before it knows which encoding is wanted, a server speaks in its own
        text = error.object.decode("utf-8", "replace")
    elif isinstance(error, psycopg2.Error):
        text = str(error)
    else:
        sentence = wording._lt("The connection settings of %(where)s are not valid")
        return Unreachable(sentence, where=where)
    sentence = wording._lt("No connection to PostgreSQL on %(where)s: %(said)s")
    said = _bounded(text, redact) or "no reason given"
    return Unreachable(sentence, where=where, said=said)


def _bounded(text, redact):
    # shortened last, so that no half of a secret is left
    return shorten(one_line(redact(text)), MAX_REASON)
