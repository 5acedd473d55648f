"""Mail over SMTP, when the operator set it up: always encrypted, but to a server on this machine."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mapper.diagnostics import printable
from mapper.errors import ConfigError, StoreError

VARIABLE, SENDER, SUPPORT = "MAPPER_SMTP", "MAPPER_MAIL_FROM", "MAPPER_SUPPORT_MAIL"
CREDENTIAL = "mapper-smtp"
SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. `attachment` is a file's name and JSON text."""

    to: Sequence[str]
    subject: str
    text: str
    reply_to: str = ""
    attachment: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Mailer:
    """Where mails are handed in, as whom, and where support reads them (empty: nowhere)."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str = field(repr=False)
    sender: str
    support: str = ""

    def send(self, mail: Mail) -> None:
        """Hand a message in. Raises StoreError MAIL101 (unreachable, or no encryption) or MAIL102 (refused)."""
        message = EmailMessage()
        message["From"], message["To"] = self.sender, ", ".join(mail.to)
        message["Subject"] = printable(mail.subject, 200)
        message["Date"], message["Message-ID"] = (
            formatdate(),
            make_msgid(domain=self.sender.rpartition("@")[2]),
        )
        if mail.reply_to:
            message["Reply-To"] = mail.reply_to
        message.set_content(mail.text)
        if mail.attachment:
            name, text = mail.attachment
            message.add_attachment(text.encode(), maintype="application", subtype="json", filename=name)
        try:
            with self._connected() as server:
                server.send_message(message)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            said = getattr(error, "smtp_error", b"") or b"no recipient was taken"
            reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise StoreError("MAIL102", host=self.host, reason=printable(reason, 200)) from None
        except (OSError, smtplib.SMTPException) as error:
            raise StoreError("MAIL101", host=self.host, reason=type(error).__name__) from None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        if self.is_tls:
            with smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=context) as server:
                yield self._logged_in(server)
            return
        with smtplib.SMTP(self.host, self.port, timeout=SECONDS) as server:
            if not _is_loopback(self.host):
                server.starttls(context=context)
            yield self._logged_in(server)

    def _logged_in(self, server: smtplib.SMTP) -> smtplib.SMTP:
        if self.user:
            server.login(self.user, self.password)
        return server


def load_mailer(environ: Mapping[str, str]) -> Mailer | None:
    """Read `$CREDENTIALS_DIRECTORY/mapper-smtp`, else `$MAPPER_SMTP`, and the addresses; None when no mail is set up.

    The form is smtps://USER:PASSWORD@HOST (port 465), or smtp://… for STARTTLS (port 587). Raises ConfigError MAIL103.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder) / CREDENTIAL if folder else None
    given = file.read_text().strip() if file and file.is_file() else environ.get(VARIABLE, "")
    if not given:
        return None
    try:
        parts = urlsplit(given)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError("MAIL103", variable=VARIABLE) from None
    sender = environ.get(SENDER, "")
    if parts.scheme not in {"smtp", "smtps"} or not host:
        raise ConfigError("MAIL103", variable=VARIABLE)
    if "@" not in sender or not sender.isprintable():
        raise ConfigError("MAIL103", variable=SENDER)
    is_tls = parts.scheme == "smtps"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Mailer(
        host, port or (465 if is_tls else 587), is_tls, user, password, sender, environ.get(SUPPORT, "")
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
