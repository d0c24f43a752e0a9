"""The dispatcher drives at once, so many at a time, and loses nothing silently."""

import asyncio
import logging
from contextvars import ContextVar

import pytest

from awe_app.adapters.dispatch import Limits
from awe_app.adapters.dispatch_embedded import EmbeddedDispatcher
from awe_app.domain.errors import Fenced
from awe_app.domain.ids import ExecutionId, UserId
from awe_app.domain.tickets import Priority

A, B, C, D = (ExecutionId(name) for name in "ABCD")


class Drives:
    """Drives that go on until they are let go."""

    def __init__(self) -> None:
        self.begun: list[ExecutionId] = []
        self.ended: list[ExecutionId] = []
        self.cancelled: list[ExecutionId] = []
        self.may_end: dict[ExecutionId, asyncio.Event] = {}
        self.most = 0

    async def __call__(self, execution_id: ExecutionId) -> None:
        self.begun.append(execution_id)
        active = len(self.begun) - len(self.ended) - len(self.cancelled)
        self.most = max(self.most, active)
        try:
            await self.may_end.setdefault(execution_id, asyncio.Event()).wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # cleaning up takes a moment
            self.cancelled.append(execution_id)
            raise
        self.ended.append(execution_id)

    def let_go(self, execution_id: ExecutionId) -> None:
        self.may_end.setdefault(execution_id, asyncio.Event()).set()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_executions_start_in_order_and_never_more_than_the_limit() -> None:
    drives = Drives()
    dispatcher = EmbeddedDispatcher(drives, Limits(2))
    for execution_id in (A, B, C, D, A):
        dispatcher.submit(execution_id)
    await turns()
    assert drives.begun == [A, B]
    assert all(dispatcher.running(execution_id) for execution_id in (A, B, C, D))
    drives.let_go(B)
    assert await dispatcher.wait(B, 5) is True
    await turns()
    assert drives.begun == [A, B, C]
    for execution_id in (A, C, D):
        drives.let_go(execution_id)
        assert await dispatcher.wait(execution_id, 5) is True
    assert (drives.begun, drives.ended, drives.most) == ([A, B, C, D], [B, A, C, D], 2)
    assert not dispatcher.running(A)


async def test_waiting_has_an_end() -> None:
    dispatcher = EmbeddedDispatcher(drives := Drives(), Limits(1))
    assert await dispatcher.wait(A, 0) is True
    dispatcher.submit(A)
    dispatcher.submit(B)
    assert await dispatcher.wait(A, 0.01) is False
    assert await dispatcher.wait(B, 0.01) is False
    drives.let_go(A)
    drives.let_go(B)
    assert await dispatcher.wait(B, 5) is True
    assert drives.ended == [A, B]


async def test_cancelling_returns_when_the_drive_is_gone() -> None:
    dispatcher = EmbeddedDispatcher(drives := Drives(), Limits(1))
    for execution_id in (A, B, C):
        dispatcher.submit(execution_id)
    await turns()
    assert await dispatcher.cancel(B) is True
    assert await dispatcher.cancel(A) is True
    assert drives.cancelled == [A]
    assert not dispatcher.running(A)
    assert not dispatcher.running(B)
    assert await dispatcher.cancel(A) is False
    await turns()
    assert drives.begun == [A, C]
    await dispatcher.stop()
    assert drives.cancelled == [A, C]


async def test_one_cancelled_before_its_first_step_makes_room() -> None:
    dispatcher = EmbeddedDispatcher(drives := Drives(), Limits(1))
    dispatcher.submit(A)
    dispatcher.submit(B)
    assert await dispatcher.cancel(A) is True
    await turns()
    assert drives.begun == [B]
    await dispatcher.stop()


async def test_stopping_cancels_all_and_accepts_no_more() -> None:
    dispatcher = EmbeddedDispatcher(drives := Drives(), Limits(2))
    for execution_id in (A, B, C):
        dispatcher.submit(execution_id)
    await turns()
    await dispatcher.stop()
    assert (drives.begun, drives.cancelled) == ([A, B], [A, B])
    dispatcher.submit(D)
    assert not dispatcher.running(D)
    await dispatcher.stop()


@pytest.mark.parametrize("error", [RuntimeError("the plan is on fire"), BaseExceptionGroup("all", [Fenced()])])
async def test_what_goes_wrong_is_logged_and_the_next_one_starts(
    caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    begun: list[ExecutionId] = []

    async def drive(execution_id: ExecutionId) -> None:
        begun.append(execution_id)
        if execution_id == A:
            raise error

    dispatcher = EmbeddedDispatcher(drive, Limits(1))
    dispatcher.submit(A)
    dispatcher.submit(B)
    assert await dispatcher.wait(B, 5) is True
    assert begun == [A, B]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "execution A" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_being_fenced_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def drive(_execution_id: ExecutionId) -> None:
        raise Fenced

    dispatcher = EmbeddedDispatcher(drive, Limits(1))
    dispatcher.submit(A)
    assert await dispatcher.wait(A, 5) is True
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_nothing_of_the_request_leaks_into_the_drive() -> None:
    user: ContextVar[str] = ContextVar("user", default="nobody")
    seen: list[str] = []

    async def drive(_execution_id: ExecutionId) -> None:
        seen.append(user.get())

    user.set("ann")
    dispatcher = EmbeddedDispatcher(drive, Limits(1))
    dispatcher.submit(A)
    await dispatcher.wait(A, 5)
    assert seen == ["nobody"]


async def test_users_take_turns_and_one_user_has_a_limit() -> None:
    ann, ben = UserId("ann"), UserId("ben")
    drives = Drives()
    dispatcher = EmbeddedDispatcher(drives, Limits(here=2, per_user=1))
    dispatcher.submit(A, ann)
    dispatcher.submit(B, ann)
    dispatcher.submit(C, ann, Priority.HIGH)
    dispatcher.submit(D, ben, Priority.LOW)
    await turns()
    assert drives.begun == [A, D]
    drives.let_go(A)
    assert await dispatcher.wait(A, 5) is True
    await turns()
    assert drives.begun == [A, D, C]
    await dispatcher.stop()


async def test_stopping_with_grace_lets_what_runs_go_on() -> None:
    dispatcher = EmbeddedDispatcher(drives := Drives(), Limits(2))
    for execution_id in (A, B, C):
        dispatcher.submit(execution_id)
    await turns()
    drives.let_go(A)
    drives.let_go(B)
    await dispatcher.stop(grace_s=60)
    assert (drives.ended, drives.cancelled) == ([A, B], [])
    assert drives.begun == [A, B]
