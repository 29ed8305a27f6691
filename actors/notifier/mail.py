"""A mail for each message. Its Message-ID follows from the message, so a repeated one can be known by it."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from actors.notifier.failures import NotSent, Refused, Unsure
from actors.notifier.item import Item, Receipt
from actors.notifier.settings import EmailSettings

_DOMAIN = "tapehub.invalid"


def mail_of(item: Item, settings: EmailSettings) -> EmailMessage:
    """The mail of a message; all revisions of a subject are one thread. Pure."""
    thread = hashlib.sha256(f"{item.target}\x00{item.subject}".encode("utf-8", "surrogatepass")).hexdigest()[
        :32
    ]
    mail = EmailMessage()
    mail["Subject"] = " ".join(item.title.split()) or "tapehub"
    mail["From"] = settings.sender
    mail["To"] = ", ".join(settings.recipients)
    mail["Date"] = format_datetime(datetime.fromtimestamp(item.created_ns // 1_000_000_000, UTC))
    mail["Message-ID"] = f"<{item.key}@{_DOMAIN}>"
    mail["In-Reply-To"] = mail["References"] = f"<{thread}@{_DOMAIN}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(item.body + "\n")
    return mail


class MailSender:
    """Every revision is a mail of its own.

    Args:
        settings: Of the channel.
        password: Of the user; empty where nobody logs in.
    """

    can_edit = False

    def __init__(self, settings: EmailSettings, password: str) -> None:
        self._settings = settings
        self._password = password

    def send(self, item: Item) -> Receipt:
        """See `Sender`. A connection for each mail: they are few."""
        mail = mail_of(item, self._settings)
        server = self._connected()
        try:
            refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as fault:
            codes = {code for code, _ in fault.recipients.values()}
            if min(codes) < 500:
                raise NotSent(f"recipients: {sorted(codes)}") from None
            raise Refused(f"recipients: {sorted(codes)}") from None
        except smtplib.SMTPResponseException as fault:
            raise _of_code("mail", fault.smtp_code) from None
        except (smtplib.SMTPException, OSError) as fault:
            raise Unsure(f"mail: {type(fault).__name__}") from None
        finally:
            server.close()
        if refused:
            raise Refused(f"some recipients were refused: {sorted(refused)}")
        return Receipt()

    def settle(self, item: Item) -> Receipt:
        """See `Sender`: sent again under the same Message-ID."""
        return self.send(item)

    def tidy(self) -> bool:
        """See `Sender`: nothing to do."""
        return True

    def close(self) -> None:
        """See `Sender`: nothing to do."""

    def _connected(self) -> smtplib.SMTP:
        """A server that has let us in: nothing was sent so far.

        Raises:
            NotSent: it has not.
        """
        settings = self._settings
        try:
            if settings.port == 465:
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    settings.host,
                    settings.port,
                    timeout=settings.timeout_s,
                    context=ssl.create_default_context(),
                )
            else:
                server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        except (smtplib.SMTPException, OSError) as fault:
            raise NotSent(f"no connection: {type(fault).__name__}") from None
        try:
            if settings.starttls and settings.port != 465:
                server.starttls(context=ssl.create_default_context())
            if settings.username:
                server.login(settings.username, self._password)
        except (smtplib.SMTPException, OSError) as fault:
            server.close()
            raise NotSent(f"not let in: {type(fault).__name__}") from None
        return server


def _of_code(what: str, code: int) -> Exception:
    """4xx: later; 5xx: never."""
    return Refused(f"{what}: {code}") if code >= 500 else NotSent(f"{what}: {code}")
