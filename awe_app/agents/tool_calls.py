"""The tool calls of one turn: checked, agreed to, made at the same time where they can be, and kept as steps."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awe_app.agents.base import AgentContext
from awe_app.agents.budget import Account
from awe_app.agents.guard import Exposure, framed, is_framed
from awe_app.agents.questions import Call, Questions
from awe_app.agents.toolbox import BoundTool, Toolbox
from awe_app.agents.transcript import Function
from awe_app.domain.errors import AweError, NodeFailed, Paused
from awe_app.domain.models import Message, ToolCall, Usage
from awe_app.domain.values import as_text
from awe_app.tools.base import ToolContext, read_arguments

logger = logging.getLogger(__name__)

MOST_CALLS = 32
"""Of one turn; a model that asks for more gets no answer to the rest."""
AT_ONCE = 8
RESULT_CHARS = 64_000
"""Of one result as JSON, where the model's context does not allow less."""
_MOST_ARGUMENTS = 256_000
"""Characters of one call's arguments."""


class Refused(Exception):
    """The call cannot be made; the message is for the model."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A call that can be made: whose it is, and with what."""

    call: Call
    bound: BoundTool
    function: Function
    arguments: dict[str, Any]
    barred: bool

    @property
    def asks(self) -> bool:
        """Whether a person has to agree first."""
        return self.function.requires_approval or self.barred


class ToolCalls:
    """Makes the tool calls of one run."""

    def __init__(
        self,
        ctx: AgentContext,
        toolbox: Toolbox,
        functions: Sequence[Function],
        account: Account,
        exposure: Exposure,
        run: str,
        mark: str,
        result_chars: int,
    ) -> None:
        self._ctx = ctx
        self._toolbox = toolbox
        self._functions = {function.spec.name: function for function in functions}
        self._account = account
        self._exposure = exposure
        self._run = run
        self._questions = Questions(ctx, run)
        self._mark = mark
        self._result_chars = result_chars

    async def make(self, iteration: int, asked: Sequence[ToolCall]) -> list[Message]:
        """Make the calls that have not been made yet; what all of them gave, for the model, in their order.

        Raises:
            BudgetExceeded: the calls are not made.
            Paused: a call waits, or a person has to agree to one; those that can be made are made first.
        """
        calls = [Call(iteration, place, each) for place, each in enumerate(asked)]
        open_calls = [call for call in calls if self._ctx.steps.known(call.key) is None]
        if open_calls:
            self._account.check(len(calls))
            await self._make_open(open_calls)
        messages: list[Message] = []
        slowest = 0.0
        for call in calls:
            step = self._ctx.steps.known(call.key)
            assert step is not None
            slowest = max(slowest, step["seconds"])
            self._account.add(Usage(**step.get("usage", {})), f"{self._run}/{call.key}")
            messages.append(Message("tool", self._told(call, step), tool_call_id=call.asked.id))
        self._account.seconds += slowest
        for call in calls:  # only now: they were asked for before any of them was read
            if (function := self._functions.get(call.asked.name)) is not None:
                self._exposure.add(self._toolbox.of(function))
        return messages

    async def _make_open(self, calls: Sequence[Call]) -> None:
        at_once: list[Ready] = []
        in_turn: list[Ready] = []
        for call in calls:
            try:
                ready = self._ready(call)
            except Refused as refusal:
                await self._keep(call, _arguments(call.asked), {"error": str(refusal)}, 0.0)
            else:
                (in_turn if ready.asks or ready.bound.tool.waits else at_once).append(ready)
        pauses = await self._make_at_once(at_once)
        in_turn.sort(key=lambda ready: not self._questions.is_about(ready.call))  # what has been asked comes first
        for ready in in_turn:
            if (pause := await self._make_one(ready)) is not None:
                pauses.append(pause)
                break
        if pauses:
            raise pauses[0]

    async def _make_at_once(self, calls: Sequence[Ready]) -> list[Paused]:
        free = asyncio.Semaphore(AT_ONCE)

        async def one(ready: Ready) -> Paused | None:
            async with free:
                return await self._make_one(ready)

        try:
            async with asyncio.TaskGroup() as tasks:
                made = [tasks.create_task(one(ready)) for ready in calls]
        except BaseExceptionGroup as group:
            raise _first(group) from None  # the engine's own interruptions among them
        return [pause for task in made if (pause := task.result()) is not None]

    def _ready(self, call: Call) -> Ready:
        asked = call.asked
        function = self._functions.get(asked.name)
        if function is None:
            raise Refused(f"there is no function '{asked.name[:80]}'; known are {', '.join(self._functions)}")
        arguments = _arguments(asked)
        if not isinstance(arguments, dict):
            raise Refused("the arguments are not a complete JSON object; call it again with one")
        bound = self._toolbox.of(function)
        try:
            read_arguments(bound.tool, arguments)
        except NodeFailed as failure:
            raise Refused(_said(failure)) from None
        return Ready(call, bound, function, arguments, self._exposure.bars(bound, arguments))

    async def _make_one(self, ready: Ready) -> Paused | None:
        """Make the call and keep what came of it, or say for what it waits."""
        call, ctx = ready.call, self._ctx
        if ready.asks:
            try:
                refusal = await self._questions.refusal(call, ready.arguments, ready.barred)
            except Paused as pause:
                return pause
            if refusal is not None:
                await self._keep(call, ready.arguments, {"error": refusal}, 0.0)
                return None
        spent: list[Usage] = []
        began = time.monotonic()
        waiting, signal = self._questions.woken(call)
        context = ToolContext(
            arguments=read_arguments(ready.bound.tool, ready.arguments),
            user_id=ctx.user_id,
            capabilities=ctx.capabilities,
            idempotency_key=self._idempotency_key(call),
            log=ctx.log,
            settings=ready.bound.settings,
            function=ready.function.function,
            parent=self._questions.parent(call),
            waiting=waiting,
            signal=signal,
            spend=spent.append,
        )
        try:
            came: dict[str, Any] = {"result": _bounded(await ready.bound.tool().run(context), self._result_chars)}
        except Paused as pause:
            return self._questions.pause(call, pause)
        except AweError as failure:
            came = {"error": _said(failure)}
        except Exception as error:
            logger.error("the tool %s raised %s", ready.bound.tool.name, type(error).__name__, exc_info=error)
            came = {"error": f"it stopped with an unexpected {type(error).__name__}"}
        if spent:
            came["usage"] = sum(spent, Usage()).as_json()
        await self._keep(call, ready.arguments, came, time.monotonic() - began)
        return None

    async def _keep(self, call: Call, arguments: Any, came: Mapping[str, Any], seconds: float) -> None:
        data = {
            "kind": "tool",
            "iteration": call.iteration,
            "call_id": call.asked.id,
            "tool": call.asked.name[:80],
            "arguments": arguments,
            **came,
            "seconds": round(seconds, 6),
        }
        if "error" in came:
            await self._ctx.steps.record(call.key, f"{data['tool']}: {came['error'][:500]}", data, "warning")
        else:
            await self._ctx.steps.record(call.key, f"{data['tool']} answered in {seconds:.1f} s", data)

    def _told(self, call: Call, step: Mapping[str, Any]) -> str:
        """The tool's answer as the model reads it."""
        text = f"Error: {step['error']}" if "error" in step else as_text(step["result"])
        function = self._functions.get(call.asked.name)
        if function is not None and is_framed(self._toolbox.of(function)):
            text = framed(text, self._mark)
        return text

    def _idempotency_key(self, call: Call) -> str:
        """The same for the same call in the same place, also when the run is begun anew."""
        written = f"{call.asked.name} {call.asked.arguments}"
        digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"{self._ctx.idempotency_key}:{call.name}/{digest}"


def _arguments(asked: ToolCall) -> Any:
    """The arguments as an object; as the model wrote them where they are none."""
    text = asked.arguments.strip()
    if len(text) > _MOST_ARGUMENTS:
        return f"{text[:1_000]} … {len(text)} characters in all"
    if not text:
        return {}
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _bounded(result: Any, most: int) -> Any:
    """The result, or the beginning of its JSON with a note.

    Raises:
        NodeFailed: ``INVALID_RESULT``: it is no JSON.
    """
    try:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise NodeFailed("INVALID_RESULT", "what it gave is not JSON") from None
    if len(text) <= most:
        return result
    return f"{text[:most]}\n[cut: {len(text) - most} more characters; ask for less]"


def _said(failure: AweError) -> str:
    again = "; it may work when it is called again" if isinstance(failure, NodeFailed) and failure.retryable else ""
    hint = f" ({failure.hint})" if failure.hint else ""
    return f"{failure.code}: {failure.detail}{hint}{again}"


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
