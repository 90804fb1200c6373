# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One SSH connection, and what its errors mean."""

import base64
import errno
import logging
import socket
from dataclasses import dataclass, field

import paramiko

from odoo.addons.queue_job_sync.exceptions import Rejected, Temporary, Unreachable
from odoo.addons.queue_job_sync.transports.base import one_line, shorten

# paramiko logs what it also raises, with a traceback; the receipts tell it.
LOG_CHANNEL = f"{__name__}.paramiko"
logging.getLogger(LOG_CHANNEL).setLevel(logging.CRITICAL)
# Characters of the server's own words in an error.
MAX_REASON = 300
# A key of this kind signs in one of several ways (RFC 8332 section 3).
_KEY_TYPES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}
_REFUSED = {errno.ENOENT, errno.EACCES}


@dataclass(frozen=True)
class SftpConfig:
    """Where the files go.

    :param host_key: as in a known_hosts file: kind and base64, separated by a blank
    :param connect_timeout: seconds
    :param read_timeout: seconds for the answer to one request
    """

    host: str
    user: str
    host_key: str
    port: int = 22
    password: str = field(default="", repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 30.0

    @property
    def where(self) -> str:
        """Host and port, as a person writes them"""
        return f"{self.host}:{self.port}"


def host_key_problem(text: str) -> str | None:
    """:return: why a text is no host key, if it is none"""
    kind, _blank, blob = text.partition(" ")
    try:
        raw = base64.b64decode("".join(blob.split()[:1]), validate=True)
    except ValueError:
        raw = b""
    size = int.from_bytes(raw[:4], "big")
    if kind and raw[4 : 4 + size] == kind.encode():
        return None
    return "The host key is a kind and base64, such as: ssh-ed25519 AAAA…"


class Connection:
    """Opened when it is first needed, and again when it broke."""

    def __init__(self, config: SftpConfig):
        self._config = config
        self._ssh = None
        self._sftp = None

    def open(self) -> paramiko.SFTPClient:
        """:raise SyncError: the server does not take the connection"""
        if self._sftp is None:
            try:
                self._sftp = self._connect()
            except (OSError, EOFError, paramiko.SSHException) as fault:
                raise self.explain(fault) from None
        return self._sftp

    def close(self) -> None:
        """Close the connection, if there is one."""
        ssh, self._ssh, self._sftp = self._ssh, None, None
        if ssh is not None:
            ssh.close()

    def explain(self, fault: Exception) -> Rejected | Temporary | Unreachable:
        """Say what a fault means; a connection that broke is closed.

        :param fault: what paramiko or the socket module raised
        """
        where = self._config.where
        if isinstance(fault, paramiko.AuthenticationException):
            return self._lost(f"{where} does not let {self._config.user} in")
        if isinstance(fault, TimeoutError):
            return self._lost(f"No answer from {where} in time")
        why = shorten(one_line(str(fault)), MAX_REASON) or "closed"
        broke = isinstance(
            fault,
            EOFError | ConnectionError | socket.gaierror | paramiko.SSHException,
        )
        if broke or not (self._ssh and self._ssh.is_active()):
            return self._lost(f"No connection to {where}: {why}")
        kind = Rejected if getattr(fault, "errno", None) in _REFUSED else Temporary
        return kind(f"{where} refused it: {why}")

    def _lost(self, text):
        self.close()
        return Unreachable(text)

    def _connect(self):
        config = self._config
        address = (config.host, config.port)
        sock = socket.create_connection(address, timeout=config.connect_timeout)
        self._ssh = ssh = paramiko.Transport(sock)
        ssh.set_log_channel(LOG_CHANNEL)
        ssh.banner_timeout = ssh.auth_timeout = config.connect_timeout
        ssh.channel_timeout = config.connect_timeout
        kind, blob = config.host_key.split()[:2]
        ssh.get_security_options().key_types = _KEY_TYPES.get(kind, (kind,))
        # Not connect(), which compares keys only after asking for any kind.
        ssh.start_client(timeout=config.connect_timeout)
        if ssh.get_remote_server_key().asbytes() != base64.b64decode(blob):
            raise paramiko.SSHException("it shows another host key than expected")
        ssh.auth_password(config.user, config.password)
        sftp = paramiko.SFTPClient.from_transport(ssh)
        sftp.get_channel().settimeout(config.read_timeout)
        return sftp
