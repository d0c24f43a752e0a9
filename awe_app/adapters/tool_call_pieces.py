"""Tool calls out of the pieces in which they are streamed."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from awe_app.domain.models import ModelFailed, ToolCall

MAX_CALLS = 128
"""In one answer; more is a model that runs wild."""


class ToolCallPieces:
    """Feed it the pieces in OpenAI's form. Says which call a piece belongs to, also where servers number badly.

    A piece continues the call with its ``index``, unless it brings another id: some servers number every call 0.
    Without an index, a piece that names a function begins a call, and one that does not continues the last.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}

    def feed(self, pieces: Any) -> int:
        """Take the ``tool_calls`` of one delta, or of a whole message; gives how many characters they brought.

        Raises:
            ModelFailed: ``MODEL_ERROR``, more than 128 calls.
        """
        size = 0
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, Mapping):
                size += self._take(piece)
        return size

    def calls(self) -> tuple[ToolCall, ...]:
        """The calls in their order. Those that came without an id have got one.

        Raises:
            ModelFailed: ``MODEL_ERROR``, may be tried again: one has no name.
        """
        if any(not call.name for call in self._calls):
            raise ModelFailed("MODEL_ERROR", "the model called a tool without naming it", retryable=True)
        taken: set[str] = set()
        calls: list[ToolCall] = []
        for call in self._calls:
            own = call.id if call.id and call.id not in taken else f"call_{uuid4().hex[:24]}"
            taken.add(own)
            calls.append(ToolCall(own, call.name, "".join(call.arguments) or "{}"))
        return tuple(calls)

    def _take(self, piece: Mapping[str, Any]) -> int:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        own, name, arguments = piece.get("id"), function.get("name"), function.get("arguments")
        own, name = (value if isinstance(value, str) else "" for value in (own, name))
        if isinstance(arguments, Mapping | list):
            arguments = json.dumps(arguments)
        call = self._call(piece.get("index"), own, name)
        call.id, call.name = call.id or own, call.name or name
        if isinstance(arguments, str):
            call.arguments.append(arguments)
            return len(arguments)
        return 0

    def _call(self, index: Any, own: str, name: str) -> "_Call":
        if isinstance(index, int):
            call = self._at.get(index)
            if call is None or (own and call.id and own != call.id) or (name and not own and call.whole):
                call = self._at[index] = self._new()
            return call
        if not self._calls:
            return self._new()
        last = self._calls[-1]
        return self._new() if (own and own != last.id) or (name and not own) else last

    def _new(self) -> "_Call":
        if len(self._calls) >= MAX_CALLS:
            raise ModelFailed("MODEL_ERROR", f"the model called more than {MAX_CALLS} tools in one answer")
        self._calls.append(call := _Call())
        return call


class _Call:
    """A call that is still being written."""

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    @property
    def whole(self) -> bool:
        """Whether nothing can follow: it has no id to be known by, and its arguments are complete."""
        if self.id or not self.arguments:
            return False
        try:
            return isinstance(json.loads("".join(self.arguments)), dict)
        except (ValueError, RecursionError):
            return False


def finish_of(said: str | None, calls: tuple[ToolCall, ...]) -> str:
    """``finish_reason`` of an answer: what was said counts less than what is there."""
    if said == "length":
        return "length"
    return "tool_calls" if calls else "stop"
