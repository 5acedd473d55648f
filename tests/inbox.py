"""A real SMTP server in this process, and a mailer that hands in to it: `pytest_plugins = ["tests.inbox"]`.

PYTEST_DONT_REWRITE: tests also import from here, before pytest could rewrite it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from mapper.mailing import Mailer


class Inbox(Message):
    """What the server took; it refuses the recipient `nobody@…`."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def handle_message(self, message) -> None:
        parsed = message_from_bytes(bytes(message), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Mailer]]:
    received = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(received, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield received, Mailer("127.0.0.1", port, False, "", "", "mapper@example.org", "support@example.org")
    finally:
        server.stop()
