"""Passwords: bcrypt by libpass, on threads of their own so that hashing never holds up the event loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from passlib.context import CryptContext

from awe_app.domain.errors import Invalid

ROUNDS = 12
"""Cost of a hash: 2 ** ROUNDS steps, about a quarter of a second."""
MAX_BYTES = 72
"""bcrypt reads no further, so longer passwords are refused rather than cut."""

ResultT = TypeVar("ResultT")


async def hash_password(password: str) -> str:
    """The bcrypt hash to store.

    Raises:
        Invalid: the password holds a NUL character or has more than 72 bytes in UTF-8.
    """
    secret = _bytes(password)
    if secret is None:
        detail = f"password: it must be ordinary text of at most {MAX_BYTES} bytes in UTF-8, without NUL characters."
        raise Invalid("INVALID", detail, "Choose a shorter one.")
    return await _on_thread(lambda: _bcrypt(ROUNDS).hash(secret))


async def verify_password(password: str, password_hash: str) -> bool:
    """True when the hash was made of this password; a password that cannot have a hash costs the same time."""
    secret = _bytes(password)
    if secret is None:
        return await dummy_verify(password)
    return await _on_thread(lambda: _bcrypt(ROUNDS).verify(secret, password_hash))


async def dummy_verify(password: str) -> bool:
    """Do the work of ``verify_password`` for an account that does not exist; always False.

    Without it the time of an answer would tell which accounts exist.
    """
    secret = _bytes(password) or b"."
    await _on_thread(lambda: _bcrypt(ROUNDS).verify(secret, _decoy(ROUNDS)))
    return False


def _bytes(password: str) -> bytes | None:
    try:
        secret = password.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return secret if len(secret) <= MAX_BYTES and b"\0" not in secret else None


async def _on_thread(work: Callable[[], ResultT]) -> ResultT:
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


@cache
def _threads() -> ThreadPoolExecutor:
    # Made at first use, because server workers fork; no more threads than cores, since hashing is pure computing.
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="bcrypt")


@cache
def _bcrypt(rounds: int) -> CryptContext:
    return CryptContext(schemes=["bcrypt"], bcrypt__rounds=rounds)


@cache
def _decoy(rounds: int) -> str:
    return _bcrypt(rounds).hash(os.urandom(16).hex())
