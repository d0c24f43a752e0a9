"""Renewing tokens when several tabs of one browser share them.

A refresh token works once, and using it twice ends the session, as it should. But two tabs may find at the same moment
that their access token has expired; then the second one gets what the first was given.
"""

import asyncio
import time

from awe_app.domain.accounts import Tokens
from awe_app.services import services

GRACE_S = 60.0
"""For how long the answer to a used refresh token is given again, by this process."""

_one_at_a_time = asyncio.Lock()
_used: dict[str, tuple[float, Tokens]] = {}
"""Refresh token → until when (``time.monotonic``) its answer is given again, and the answer."""


async def renew(refresh_token: str) -> Tokens:
    """A new pair of tokens.

    Raises:
        Unauthorized: the token is dead.
    """
    async with _one_at_a_time:
        now = time.monotonic()
        for token in [token for token, (until, _) in _used.items() if until < now]:
            del _used[token]
        if refresh_token not in _used:
            _used[refresh_token] = (now + GRACE_S, await services().accounts.refresh(refresh_token))
        return _used[refresh_token][1]
