"""Mail by SMTP (library aiosmtplib, imported when the first mail is sent); without a server, the log."""

import logging
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0


class Mailer:
    """Sends plain text. ``smtp_url`` is ``smtp[s]://[user:password@]host[:port][?from=address]``, or None.

    ``smtps`` speaks TLS from the first byte; ``smtp`` changes to TLS as soon as the server offers it.
    """

    def __init__(self, smtp_url: str | None) -> None:
        self._url = smtp_url

    async def send(self, to: str, subject: str, text: str) -> bool:
        """Send it; without a server write it to the log, where the operator finds it. False when it did not go out."""
        if self._url is None:
            words = " ".join(text.split())  # on one line, as every entry of the log is
            logger.warning("SMTP_URL is not set, so this mail to %s goes to the log only: %s. %s", to, subject, words)
            return True
        import aiosmtplib

        parts = urlsplit(self._url)
        message = EmailMessage()
        message["From"] = _sender(parts.query, parts.hostname or "localhost")
        message["To"] = to
        message["Subject"] = subject
        message.set_content(text)
        try:
            await aiosmtplib.send(
                message,
                hostname=parts.hostname,
                port=parts.port,
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            logger.error("a mail could not be sent by %s: %s", parts.hostname, type(error).__name__)
            return False
        return True


def _sender(query: str, host: str) -> str:
    named = parse_qs(query).get("from")
    return named[0] if named else f"awe@{host}"
