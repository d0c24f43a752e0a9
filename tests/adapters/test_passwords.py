"""Passwords: what is hashed, what is refused, and what an attacker can learn from the time it takes."""

import asyncio
import time
from importlib.metadata import distributions

import passlib
import pytest

from awe_app.adapters import passwords
from awe_app.adapters.passwords import dummy_verify, hash_password, verify_password
from awe_app.domain.errors import Invalid


async def test_a_hash_is_bcrypt_of_cost_twelve_and_knows_its_password():
    stored = await hash_password("correct horse")
    assert stored.startswith("$2b$12$")
    assert await verify_password("correct horse", stored)
    assert not await verify_password("correct horsE", stored)


async def test_72_bytes_are_all_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    stored = await hash_password("ü" * 35 + "ab")
    assert await verify_password("ü" * 35 + "ab", stored)
    assert not await verify_password("ü" * 35 + "ac", stored)


@pytest.mark.parametrize(
    "password", ["x" * 73, "ü" * 40, "nul\0nul\0", "\ud800" * 8, "x" * 1_000_000], ids=lambda p: p[:3]
)
async def test_what_bcrypt_would_cut_or_choke_on_is_refused(monkeypatch: pytest.MonkeyPatch, password: str):
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    stored = await hash_password("something else")
    with pytest.raises(Invalid):
        await hash_password(password)
    assert await verify_password(password, stored) is False
    assert await dummy_verify(password) is False


async def test_the_decoy_costs_as_much_as_a_real_hash():
    stored = await hash_password("correct horse")
    await dummy_verify("warm")

    async def cpu_s(password: str, account: bool) -> float:
        spent: list[float] = []

        def clocked(work):
            def run():
                began = time.thread_time()
                result = work()
                spent.append(time.thread_time() - began)
                return result

            return asyncio.get_running_loop().run_in_executor(None, run)

        original, passwords._on_thread = passwords._on_thread, clocked
        try:
            await (verify_password(password, stored) if account else dummy_verify(password))
        finally:
            passwords._on_thread = original
        return spent[0]

    real = sorted([await cpu_s("wrong", True) for _ in range(5)])[2]
    decoy = sorted([await cpu_s("wrong", False) for _ in range(5)])[2]
    assert decoy == pytest.approx(real, rel=0.25)


async def test_hashing_leaves_the_event_loop_free():
    ticks = 0
    hashing = asyncio.gather(*(hash_password("correct horse") for _ in range(4)))
    while not hashing.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 100


def test_the_maintained_passlib_is_installed_and_not_the_one_that_fails_with_bcrypt_5():
    assert passlib.__version__ >= "1.9"
    assert "passlib" not in {found.metadata["Name"] for found in distributions()}
