"""One more process that drives executions: no pages, no REST, the same engine on the same database."""

import asyncio
import logging
import signal

from awe_app.collecting import collect_seldom
from awe_app.composition import start
from awe_app.logging_setup import configure_logging
from awe_app.settings import Environment

logger = logging.getLogger(__name__)

GRACE_S = 8.0
"""How long what runs may go on after SIGTERM; the rest is taken up by other processes. Docker waits ten seconds."""


def work(environment: Environment) -> None:
    """Drive executions until SIGTERM or ctrl-C; a second one does not wait for anything."""
    configure_logging(environment)
    asyncio.run(_work(environment))


async def _work(environment: Environment) -> None:
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    awe = await start(environment)
    collect_seldom()
    logger.info("this worker drives up to %d executions at the same time", environment.max_concurrent_executions)
    await asked.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    logger.info("stopping: what runs has %.0f s to end, the rest is left to the other processes", GRACE_S)
    await awe.stop(GRACE_S)
    logger.info("stopped")
