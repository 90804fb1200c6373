# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One JSON file for each record, in a folder of an SFTP server."""

import json
import re
import time
from functools import partial

import paramiko

from odoo.addons.queue_job_sync.exceptions import Misconfigured, Rejected, SyncError
from odoo.addons.queue_job_sync.transports.base import (
    DONE,
    FAILS,
    REFUSED,
    UNKNOWN,
    UNSENT,
    UNTOLD,
    Finding,
    Message,
    Receipt,
    Redactor,
    SequentialTransport,
)

from .connection import Connection, SftpConfig

_FAULTS = (OSError, EOFError, paramiko.SSHException)


class SftpTransport(SequentialTransport):
    """Files appear whole: under another name first, then renamed over the old one."""

    def __init__(self, config: SftpConfig):
        self._config = config
        self._connection = Connection(config)
        self._redact = Redactor([config.password])

    def check(self) -> str:
        try:
            self._asking(lambda sftp: sftp.stat("."))
        except SyncError as error:
            raise self._redact.clean(error) from None
        return f"{self._config.where} lets {self._config.user} in"

    def examine(self, use):
        self.pace.wait()
        folder = use.route.target.rstrip("/")
        with self._redact.cleaning():
            try:
                self._asking(lambda sftp: _require_folder(sftp, f"{folder}/any"))
            except Misconfigured as error:
                return Finding(FAILS, self._redact.clean(error).message)
        told = f"“{folder}” is there; only sending tells whether it takes files."
        return Finding(UNTOLD, self._redact(told))

    def close(self) -> None:
        self._connection.close()

    def _deliver(self, message: Message) -> Receipt:
        started = time.monotonic()
        path, request, error, fate = None, "", None, UNSENT
        try:
            path = _path(message)
            request = f"{message.operation} {path}"
            self._asking(lambda sftp: None)  # nothing leaves before it is connected
            fate = UNKNOWN
            self._asking(lambda sftp: _apply(sftp, message, path))
            fate = DONE
        except (Misconfigured, Rejected) as fault:
            error = self._redact.clean(fault)
            fate = REFUSED if fate == UNKNOWN else UNSENT
        except SyncError as fault:
            error = self._redact.clean(fault)
        return Receipt(
            message,
            error=error,
            request=self._redact(request),
            response=error.message if error else "",
            duration=time.monotonic() - started,
            fate=fate,
        )

    def _asking(self, action):
        """Do something with the open connection.

        :raise SyncError: it failed
        """
        try:
            return action(self._connection.open())
        except _FAULTS as fault:
            raise self._connection.explain(fault) from None


def _path(message):
    if not re.fullmatch(r"\w[\w.-]*", str(message.key)):
        raise Rejected("The key of the record cannot be the name of a file.")
    return f"{message.route.target.rstrip('/')}/{message.key}.json"


def _apply(sftp, message, path):
    if message.operation == "upsert":
        _write(sftp, path, message.payload)
    elif message.operation == "delete":
        _ignoring_absence(sftp, sftp.remove, path)
    else:
        old = _ignoring_absence(sftp, partial(_read, sftp), path)
        if old is not None:
            _write(sftp, path, {**old, **message.payload})


def _write(sftp, path, content):
    try:
        body = json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Rejected(f"The record cannot be written as JSON: {error}") from None
    folder, _slash, name = path.rpartition("/")
    # Always the same one, which a try that broke off may have left there.
    part = f"{folder}/.{name}.part"
    try:
        file = sftp.open(part, "wb")
    except FileNotFoundError:
        _require_folder(sftp, path)
        raise
    with file:
        file.write(body)
    try:
        sftp.posix_rename(part, path)
    except OSError as error:
        # A connection that broke cannot tidy up either.
        if not isinstance(error, TimeoutError | ConnectionError):
            _ignoring_absence(sftp, sftp.remove, part)
        raise


def _read(sftp, path):
    with sftp.open(path, "rb") as file:
        try:
            return dict(json.loads(file.read()))
        except ValueError:
            raise Rejected(f"{path} was replaced by something else.") from None


def _ignoring_absence(sftp, do, path):
    """:return: what is done with a file; ``None`` when there is no such one"""
    try:
        return do(path)
    except FileNotFoundError:
        _require_folder(sftp, path)
        return None


def _require_folder(sftp, path):
    """
    :raise Misconfigured: it is not the file that is missing
    """
    folder = path.rpartition("/")[0]
    try:
        sftp.stat(folder)
    except FileNotFoundError:
        raise Misconfigured(f"There is no folder “{folder}”.", "address") from None
