# Copyright 2026 queue_job_sync contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A mail server for tests: it listens on loopback and keeps what it takes."""

import socketserver
import threading
from contextlib import suppress
from email import message_from_bytes, policy


class SmtpServer:
    """A mail server in a thread, for use in a ``with`` statement.

    It takes any mail. ``refuse`` gives the reply to a recipient instead; ``drop_after``
    is the number of mails after which it hangs up without a word, once.
    """

    def __init__(self):
        self.refuse = {}
        self.drop_after = None
        self.mails = []
        self.messages = {}  # the last one that each recipient got
        self._server = socketserver.ThreadingTCPServer(
            ("127.0.0.1", 0), self._session, bind_and_activate=False
        )
        self._server.daemon_threads = True
        self._server.allow_reuse_address = True
        self._server.server_bind()
        self.port = self._server.server_address[1]

    def recipients(self):
        """Return who got a mail, one address for each."""
        return [address for address, _subject in self.mails]

    def __enter__(self):
        """Listen; the port refuses connections before."""
        self._server.server_activate()
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        self._thread = thread
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._thread.join()
        self.close()

    def close(self):
        """Give the port up."""
        self._server.server_close()

    def _session(self, connection, _address, _server):
        with connection, connection.makefile("rwb", buffering=0) as stream:
            with suppress(OSError):  # the client has hung up
                self._talk(stream)

    def _talk(self, stream):
        def reply(text):
            stream.write(text.encode() + b"\r\n")

        reply("220 test")
        recipient = None
        while line := stream.readline().strip().decode():
            command = line[:4].upper()
            if command == "RCPT":
                if self.drop_after == len(self.mails):
                    self.drop_after = None
                    return
                recipient = line.partition("<")[2].partition(">")[0]
                reply(self.refuse.get(recipient, "250 OK"))
            elif command == "DATA":
                reply("354 go on")
                lines = iter(stream.readline, b".\r\n")
                message = message_from_bytes(b"".join(lines), policy=policy.default)
                self.mails.append((recipient, message["Subject"]))
                self.messages[recipient] = message
                reply("250 kept")
            elif command == "QUIT":
                reply("221 bye")
                return
            else:
                reply("250 OK")
