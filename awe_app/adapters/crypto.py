"""Seals what must not be read in the database: API keys of model providers."""

import base64
import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from awe_app.domain.errors import Invalid


class Secrets:
    """Seals texts for one owner each (AES-CBC and HMAC by Fernet; 50 µs a text).

    The owner stands inside the sealed text, so that a row copied to somebody else cannot be opened for them. To change
    ``SECRET_KEY`` give both, the new one first, with a comma between: all seal with the first, each can open.
    """

    def __init__(self, secret_key: str) -> None:
        """
        Raises:
            ValueError: there is no key.
        """
        keys = [key.strip() for key in secret_key.split(",") if key.strip()]
        if not keys:
            raise ValueError("SECRET_KEY is empty")
        self._fernet = MultiFernet([Fernet(_derive(key)) for key in keys])

    def seal(self, owner: str, text: str) -> str:
        """The text, readable only by ``open`` with the same owner; each time another one."""
        return self._fernet.encrypt(json.dumps([owner, text]).encode()).decode()

    def open(self, owner: str, sealed: str) -> str:
        """What was sealed.

        Raises:
            Invalid: ``SECRET_UNREADABLE``, for another owner, another ``SECRET_KEY``, or when it was changed.
        """
        try:
            sealed_for, text = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            sealed_for, text = None, ""
        if sealed_for != owner:
            hint = "enter it again in the settings; was SECRET_KEY changed?"
            raise Invalid("SECRET_UNREADABLE", "a stored secret cannot be read", hint)
        return text


def _derive(key: str) -> bytes:
    derived = HKDF(SHA256(), 32, salt=None, info=b"awe sealed settings 1").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
