# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

"""An editor never pays for the synchronization: what raises on the way is noted.

Not what Odoo retries: the whole edit is then done again.
"""

import logging
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2

from odoo.exceptions import ConcurrencyError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

RETRIED = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError)
# Marks an exception that is none of ours.
THEIRS = "queue_job_sync_theirs"
# Characters of a reason that are kept: it is one line on a screen.
REASON_LENGTH = 300


@dataclass
class Trouble:
    """Whether something has raised, and what."""

    reason: str | None = None  # in a line, for people

    def __bool__(self):
        return self.reason is not None


@contextmanager
def noted(logger, message, *args, level=logging.ERROR):
    """Log what raises inside, and go on.

    What was done inside stays done, and a transaction that a statement has broken
    stays broken: see :func:`undone`.

    :param logger: of the module that it is for
    :param message: for the log, with its ``args``
    :param level: of the log, lower where another will tell it too
    :return: a :class:`Trouble`, empty as long as nothing has raised
    """
    trouble = Trouble()
    try:
        yield trouble
    except RETRIED:
        raise
    except Exception as error:
        if getattr(error, THEIRS, False):
            raise
        trouble.reason = reason_of(error)
        # The server is in trouble, and so is every edit: no traceback would tell more.
        strained = isinstance(error, psycopg2.OperationalError)
        logger.log(
            logging.WARNING if strained else level,
            f"{message}: %s",
            *args,
            trouble.reason,
            exc_info=not strained,
        )


@contextmanager
def undone(env, forget=False):
    """Undo what is done inside if it raises, and nothing else of the transaction.

    Two statements where nothing raises. What others have in memory is written before:
    written inside, it would be undone as well, and taken for written. What that raises
    is theirs to hear, whoever else listens.

    :param bool forget: what the ORM has in memory then, for what writes inside
    """
    try:
        env.flush_all()
    except Exception as error:
        setattr(error, THEIRS, True)
        raise
    try:
        with env.cr.savepoint(flush=False):
            yield
    except Exception:
        if forget:
            env.transaction.clear()
        raise


def reason_of(error):
    """Return what an exception says, in a line for people."""
    text = str(error)
    if not isinstance(error, UserError):
        text = f"{type(error).__name__}: {text}"
    return storable(" ".join(text.split())[:REASON_LENGTH])


def storable(text):
    """Return a text without what PostgreSQL cannot hold: NUL, half a surrogate."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
