"""Ten failures, then a pause."""

import asyncio

import pytest

from awe_app.adapters.throttle import Throttle
from awe_app.domain.errors import TooMany, Unauthorized


async def fail(throttle: Throttle, *keys: str) -> None:
    with pytest.raises(Unauthorized):
        async with throttle.attempt(*keys):
            raise Unauthorized("WRONG", "wrong")


async def test_after_the_last_failure_nothing_is_tried_any_more():
    throttle = Throttle(failures=3)
    for _ in range(3):
        await fail(throttle, "ann")
    with pytest.raises(TooMany) as refusal:
        async with throttle.attempt("ann"):
            pytest.fail("tried")
    assert 0 < refusal.value.retry_after_s <= 15 * 60


async def test_each_key_is_counted_by_itself_and_one_full_key_is_enough():
    throttle = Throttle(failures=2)
    await fail(throttle, "ann", "home")
    await fail(throttle, "bob", "home")
    async with throttle.attempt("ann"):
        pass
    with pytest.raises(TooMany):
        async with throttle.attempt("cy", "home"):
            pytest.fail("tried")


async def test_successes_and_other_errors_are_not_counted():
    throttle = Throttle(failures=1)
    for _ in range(3):
        async with throttle.attempt("ann"):
            pass
        with pytest.raises(ValueError, match="other"):
            async with throttle.attempt("ann"):
                raise ValueError("other")


async def test_a_forgotten_key_begins_anew():
    throttle = Throttle(failures=1)
    await fail(throttle, "ann")
    throttle.forget("ann")
    async with throttle.attempt("ann"):
        pass


async def test_guesses_sent_at_once_get_no_more_answers_than_one_after_another():
    throttle, tried = Throttle(failures=10), 0

    async def guess() -> None:
        nonlocal tried
        async with throttle.attempt("ann"):
            tried += 1
            await asyncio.sleep(0)
            raise Unauthorized("WRONG", "wrong")

    results = await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)
    assert tried == 10
    assert [type(result) for result in results].count(TooMany) == 90


async def test_many_right_ones_at_once_all_get_in():
    throttle = Throttle(failures=3)

    async def enter() -> None:
        async with throttle.attempt("ann", "home"):
            await asyncio.sleep(0)

    await asyncio.gather(*(enter() for _ in range(40)))


async def test_a_try_that_is_cancelled_frees_its_place():
    throttle = Throttle(failures=1)

    async def hang() -> None:
        async with throttle.attempt("ann"):
            await asyncio.Event().wait()

    hanging = asyncio.ensure_future(hang())
    await asyncio.sleep(0.01)
    hanging.cancel()
    await asyncio.wait([hanging])
    async with throttle.attempt("ann"):
        pass
