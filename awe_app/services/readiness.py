"""Can AWE work? Asked by load balancers."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from awe_app.domain.errors import AweError
from awe_app.domain.sandbox import Sandbox
from awe_app.services.accounts import Accounts

PATIENCE_S = 5.0


class Readiness:
    """Asks the parts that AWE needs."""

    def __init__(self, accounts: Accounts, sandbox: Sandbox) -> None:
        self._accounts = accounts
        self._sandbox = sandbox

    async def checks(self) -> dict[str, bool]:
        """Part by part, whether it answers within ``PATIENCE_S`` seconds."""
        database, sandbox = await asyncio.gather(
            _answers(self._accounts.storage_answers()), _answers(self._runs_code())
        )
        return {"database": database, "sandbox": sandbox}

    async def _runs_code(self) -> bool:
        try:
            await self._sandbox.check()
        except AweError:
            return False
        return True


async def _answers(question: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return bool(await question)
    except TimeoutError:
        return False
