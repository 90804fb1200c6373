# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A real SFTP server on loopback, in threads, over a folder of its own."""

import json
import logging
import os
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import paramiko
from paramiko import sftp

from odoo.addons.queue_job_sync.tests.conformance.destination import (
    BABBLE,
    BLOCK,
    DENY,
    DOWN,
    ECHO,
    FORGET,
    LOCKED,
    LOSE,
    MISLEAD,
    NAMELESS,
    REFUSE,
    REFUSED,
    SILENT,
    STUMBLE,
    THROTTLE,
    Destination,
)
from odoo.addons.queue_job_sync.tests.conformance.tcp_proxy import TcpProxy

USER, PASSWORD = "odoo", "sftp-p4ss/of+the=kit"
FOLDER, ELSEWHERE = "contacts", "elsewhere"
# What clients do to a server for tests is logged by it as errors.
LOG_CHANNEL = f"{__name__}.paramiko"
logging.getLogger(LOG_CHANNEL).setLevel(logging.CRITICAL)


class SftpServer:
    """Serves a temporary folder to one user; see :meth:`start`."""

    def __init__(self):
        self.key = paramiko.ECDSAKey.generate()
        self.root = None
        self.fault = None
        self.password = PASSWORD
        self._listener = None
        self._sessions = []

    @property
    def port(self):
        return self._listener.getsockname()[1]

    @property
    def host_key(self):
        return f"{self.key.get_name()} {self.key.get_base64()}"

    def start(self):
        self.root = Path(tempfile.mkdtemp(prefix="queue_job_sync_sftp_"))
        (self.root / FOLDER).mkdir()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
            self._listener.close()
        for session in self._sessions:
            session.close()
        if self.root is not None:
            shutil.rmtree(self.root, ignore_errors=True)

    def move(self, folder, other):
        """Give a folder another name, if it is there."""
        if (self.root / folder).is_dir():
            (self.root / folder).rename(self.root / other)

    def files(self):
        """:return: the names of all files in the folder"""
        return sorted(os.listdir(self.root / FOLDER))

    def _accept(self):
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:  # stopped
                return
            session = paramiko.Transport(client)
            session.set_log_channel(LOG_CHANNEL)
            session.add_server_key(self.key)
            session.set_subsystem_handler("sftp", _Subsystem, _Files, self, session)
            self._sessions.append(session)
            with suppress(paramiko.SSHException, EOFError, OSError):
                session.start_server(threading.Event(), server=_Door(self))


class _Door(paramiko.ServerInterface):
    def __init__(self, server):
        self._server = server

    def get_allowed_auths(self, username):
        return "password"

    def check_auth_password(self, username, password):
        known = (username, password) == (USER, self._server.password)
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED


class _Subsystem(paramiko.SFTPServer):
    """Says in its answers what a server may say that talks too much."""

    def _send_status(self, request_number, code, desc=None):
        if code != sftp.SFTP_OK and self.server.host.fault == ECHO:
            desc = f"{USER} may not do that with {PASSWORD}"
        if self.server.host.fault == BABBLE:
            desc = "łódź\0" * 200_000
        return super()._send_status(request_number, code, desc)


class _Handle(paramiko.SFTPHandle):
    def __init__(self, file, flags):
        super().__init__(flags)
        self.readfile = self.writefile = file


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, door, host, session, *args, **kwargs):
        super().__init__(door, *args, **kwargs)
        self.host = host
        self._session = session

    def _real(self, path):
        return str(self.host.root) + self.canonicalize(path)

    def stat(self, path):
        return self._trying(
            lambda: paramiko.SFTPAttributes.from_stat(os.stat(self._real(path)))
        )

    def open(self, path, flags, attr):
        if code := self._refusal():
            return code
        mode = "r+b" if flags & os.O_WRONLY else "rb"

        def do():
            return os.fdopen(os.open(self._real(path), flags, 0o600), mode)

        file = self._trying(do)
        return file if isinstance(file, int) else _Handle(file, flags)

    def remove(self, path):
        return self._changing(lambda: os.remove(self._real(path)))

    def posix_rename(self, oldpath, newpath):
        old, new = self._real(oldpath), self._real(newpath)
        if self.host.fault in (REFUSE, BABBLE) and _name_in(old).startswith(REFUSED):
            return sftp.SFTP_PERMISSION_DENIED
        return self._changing(lambda: os.replace(old, new))

    def _refusal(self):
        codes = {ECHO: sftp.SFTP_PERMISSION_DENIED, STUMBLE: sftp.SFTP_FAILURE}
        return codes.get(self.host.fault)

    def _changing(self, do):
        """Change something, and break off before the answer if it is told so."""
        code = self._trying(do)
        if self.host.fault == LOSE:
            self._session.close()
        return code

    def _trying(self, do):
        try:
            return do() or sftp.SFTP_OK
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)


def _name_in(path):
    return str(json.loads(Path(path).read_bytes()).get("name"))


class SftpDestination(Destination):
    """The server as the kit wants it."""

    secrets = (PASSWORD,)
    cannot = {
        THROTTLE: "SFTP has no answer that asks to wait for a time.",
        DENY: "An answer of SFTP is a number: it says yes or no.",
        BLOCK: "Nothing before an SFTP server can read what is in a file.",
        NAMELESS: "Files get no ids: they are named after Odoo's.",
    }

    def __init__(self):
        self.server = SftpServer()
        self._proxy = None

    def start(self):
        self.server.start()
        self._proxy = TcpProxy("127.0.0.1", self.server.port)
        self._proxy.start()

    def stop(self):
        if self._proxy is not None:
            self._proxy.stop()
        self.server.stop()

    def backend_values(self):
        return {
            "transport": "sftp",
            "sftp_host": self._proxy.host,
            "sftp_port": self._proxy.port,
            "sftp_user": USER,
            "sftp_password": PASSWORD,
            "sftp_host_key": self.server.host_key,
        }

    def stream_values(self):
        return {"sftp_folder": FOLDER}

    def records(self):
        folder = self.server.root / FOLDER
        return [json.loads(path.read_bytes()) for path in folder.glob("[!.]*.json")]

    def fault(self, kind):
        self.server.fault = kind
        self._proxy.hush(kind == SILENT)
        if kind == DOWN:
            self._proxy.stop()
        if kind == LOCKED:
            self.server.password = "another"
        if kind == FORGET:
            for path in (self.server.root / FOLDER).iterdir():
                path.unlink()
        if kind == MISLEAD:
            self.server.move(FOLDER, ELSEWHERE)

    def mend(self):
        self.server.fault, self.server.password = None, PASSWORD
        self.server.move(ELSEWHERE, FOLDER)
        self._proxy.hush(False)
        self._proxy.stop()
        self._proxy.start()
