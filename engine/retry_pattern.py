# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How long to wait after which try, as people write it."""

import ast

# Seconds: a year. Python and PostgreSQL can add it to any time that a job meets.
LONGEST_WAIT = 365 * 24 * 3600
# The column that counts the tries of a job holds no more.
MOST_TRIES = 2**31 - 1


def parse_retry_pattern(text):
    """Read a retry pattern, in the syntax of queue_job's ``retry_pattern``.

    :param str text: such as ``{1: 10, 5: (60, 90)}``
    :return: dict of seconds, or of the least and the most to choose from, by the
        number of tries from which on they count
    :raises ValueError: it is none, or a job could not be put off that long
    """
    try:
        return checked_retry_pattern(ast.literal_eval(text))
    except (TypeError, SyntaxError, MemoryError, RecursionError):
        raise ValueError(text) from None


def checked_retry_pattern(pattern):
    """Return a pattern, with pairs as tuples.

    :raises ValueError: as :func:`parse_retry_pattern`
    """
    if not isinstance(pattern, dict):
        raise ValueError(pattern)
    return {_tries(count): _wait(seconds) for count, seconds in pattern.items()}


def _tries(count):
    if type(count) is not int or not 1 <= count <= MOST_TRIES:
        raise ValueError(count)
    return count


def _wait(seconds):
    if not isinstance(seconds, tuple | list):
        return _seconds(seconds)
    least, most = map(_seconds, seconds)
    if least > most:
        raise ValueError(seconds)
    return least, most


def _seconds(value):
    # a bool is an int to Python, and nothing is above a NaN or below it
    if type(value) not in (int, float) or not 1 <= value <= LONGEST_WAIT:
        raise ValueError(value)
    return value
