"""What load balancers are told."""

import asyncio
from typing import Any

import pytest

from awe_app.adapters.db import Database
from awe_app.adapters.sandbox import PythonSandbox
from awe_app.adapters.tokens import TokenSigner
from awe_app.adapters.user_store import UserStore
from awe_app.domain.errors import NodeFailed
from awe_app.services import readiness
from awe_app.services.accounts import Accounts
from awe_app.services.readiness import Readiness


class Broken:
    async def check(self) -> None:
        raise NodeFailed("SANDBOX_UNAVAILABLE", "no")


class Silent:
    async def check(self) -> None:
        await asyncio.Event().wait()


async def test_all_is_well_when_database_and_sandbox_answer(database: Database):
    sandbox = PythonSandbox()
    checks = await Readiness(Accounts(UserStore(database), TokenSigner("x" * 40)), sandbox).checks()
    await sandbox.stop()
    assert checks == {"database": True, "sandbox": True}


@pytest.mark.parametrize("sandbox", [Broken(), Silent()])
async def test_what_fails_or_is_silent_is_said(sandbox: Any, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readiness, "PATIENCE_S", 0.5)
    checks = await Readiness(Accounts(UserStore(database), TokenSigner("x" * 40)), sandbox).checks()
    assert checks == {"database": True, "sandbox": False}
