"""Around each effectful node: time limit, tries with backoff, and what an error of any kind becomes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from awe_app.domain.errors import AweError, NodeFailed, NodeTimeout, Paused
from awe_app.domain.workflow import Retry

logger = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


def wait_before_s(retry: Retry, attempt: int, jitter: float) -> float:
    """Seconds to wait before try ``attempt`` (from 2): exponential, plus up to a tenth so that crowds spread out."""
    return retry.backoff_s * retry.backoff_factor ** (attempt - 2) * (1 + jitter / 10)


async def within(timeout_s: float | None, work: Awaitable[ResultT]) -> ResultT:
    """The result of ``work``, or ``NodeTimeout`` when it takes longer."""
    if timeout_s is None:
        return await work
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await work
    except TimeoutError as error:
        if limit.expired():
            raise timed_out(timeout_s) from error
        raise


def timed_out(timeout_s: float | None) -> NodeTimeout:
    """The failure of a node that took, or waited, longer than it may."""
    detail = f"it took longer than {timeout_s:g} s"
    return NodeTimeout("NODE_TIMEOUT", detail, "raise timeout_s or make the work smaller", retryable=True)


def as_failure(error: Exception) -> NodeFailed:
    """What a node raised, as a NodeFailed. The text of an unexpected error stays in the server's log."""
    if isinstance(error, NodeFailed):
        return error
    if isinstance(error, AweError):
        return NodeFailed(error.code, error.detail, error.hint)
    logger.error("a node raised %s", type(error).__name__, exc_info=error)
    return NodeFailed("NODE_ERROR", f"the node stopped with an unexpected {type(error).__name__}; see the server's log")


async def with_retries(
    retry: Retry,
    attempt_once: Callable[[int], Awaitable[ResultT]],
    *,
    on_retry: Callable[[int, float, NodeFailed], None],
    sleep: Callable[[float], Awaitable[None]],
    random: Callable[[], float],
    first_attempt: int = 1,
    used: int = 0,
) -> ResultT:
    """Try until it works, the tries are used up, or the failure is one that trying again cannot help.

    ``used`` tries came before ``first_attempt`` and count: a node that was woken from waiting is still in the same try.

    Raises:
        NodeFailed: the last failure.
    """
    attempt = first_attempt
    while True:
        try:
            return await attempt_once(attempt)
        except Paused:
            raise
        except Exception as error:
            failure = as_failure(error)
            if not failure.retryable or attempt - first_attempt + 1 + used >= retry.max_attempts:
                raise failure from error
            attempt += 1
            wait_s = wait_before_s(retry, attempt - first_attempt + 1, random())
            on_retry(attempt, wait_s, failure)
            await sleep(wait_s)
