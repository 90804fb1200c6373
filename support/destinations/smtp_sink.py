# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""An SMTP server that keeps what it is sent instead of delivering it."""

import email
import html
import re
import time
from dataclasses import dataclass
from email import policy

from aiosmtpd.controller import Controller

from support import processes

HREF = re.compile(r"""<a\b[^>]*?\bhref=["']([^"']+)["']""", re.IGNORECASE)


@dataclass(frozen=True)
class Mail:
    """One message as it was received.

    ``time`` is in seconds since the epoch, ``recipients`` are the envelope's, ``links``
    are the targets of the HTML part's links.
    """

    time: float
    sender: str
    recipients: tuple
    subject: str
    text: str
    html: str
    links: tuple


class SmtpSink:
    """The server, in a thread; use it as a context manager.

    :param port: loopback TCP port; None takes a free one
    """

    def __init__(self, port=None):
        self.host = processes.LOOPBACK
        self.port = port or processes.free_port()
        self._mails = []
        self._controller = Controller(self, hostname=self.host, port=self.port)

    def start(self):
        """Listen; it accepts mail when this returns."""
        self._controller.start()

    def stop(self):
        """Stop listening; the mails stay readable."""
        self._controller.stop()

    def mails(self):
        """Return the messages received so far, oldest first, as :class:`Mail`."""
        return list(self._mails)

    async def handle_DATA(self, _server, _session, envelope):
        """Keep one message (called by aiosmtpd, whose protocol names it)."""
        self._mails.append(_parse(envelope))
        return "250 kept"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()


def _parse(envelope):
    message = email.message_from_bytes(envelope.content, policy=policy.default)
    markup = _content(message, "html")
    return Mail(
        time=time.time(),
        sender=envelope.mail_from,
        recipients=tuple(envelope.rcpt_tos),
        subject=message["Subject"] or "",
        text=_content(message, "plain"),
        html=markup,
        links=tuple(html.unescape(link) for link in HREF.findall(markup)),
    )


def _content(message, subtype):
    part = message.get_body((subtype,))
    return part.get_content() if part else ""
