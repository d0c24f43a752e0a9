"""What the calls of a run wait for: a person's word before a call, and whatever a tool itself waits for.

A node waits for one thing at a time. Each question has a name of its own, and an answer names the question it is for,
so that it reaches the one call that asked and no other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from awe_app.agents.base import AgentContext
from awe_app.agents.guard import REASON
from awe_app.domain.errors import Paused
from awe_app.domain.events import NodeWaiting
from awe_app.domain.models import ToolCall
from awe_app.domain.options import Parent
from awe_app.domain.signals import answer_key

_SHOWN = 2_000
"""Characters of a call's arguments in the question for a person."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of a turn."""

    iteration: int
    place: int
    asked: ToolCall

    @property
    def name(self) -> str:
        """Its own in the run: ``<iteration>/<place>``."""
        return f"{self.iteration}/{self.place}"

    @property
    def key(self) -> str:
        """Of its step."""
        return f"tool/{self.name}"


class Questions:
    """What one run asks, and the answer it was woken with."""

    def __init__(self, ctx: AgentContext, run: str) -> None:
        self._ctx = ctx
        self._run = run
        data = (ctx.waiting.data or {}) if ctx.waiting is not None else {}
        self._asked = str(data.get("question", ""))

    def is_about(self, call: Call) -> bool:
        """Whether the run was waiting for this call."""
        question = self._question(call)
        return self._asked == question or self._asked.startswith(f"{question}:")

    async def refusal(self, call: Call, arguments: Mapping[str, Any], barred: bool) -> str | None:
        """None when a person has agreed to the call; else what the model is told. The decision is kept as a step.

        Raises:
            Paused: nobody has said anything yet.
        """
        key = f"approval/{call.name}"
        step = self._ctx.steps.known(key)
        if step is None:
            question = f"{self._question(call)}:approval"
            signal = self._ctx.signal
            if self._asked != question or signal is None or signal.get("question") != question:
                raise Paused("approval", None, self._approval(call, arguments, barred, question))
            step = {
                "kind": "approval",
                "iteration": call.iteration,
                "call_id": call.asked.id,
                "tool": call.asked.name,
                **{name: signal.get(name) for name in ("decision", "by", "comment")},
            }
            await self._ctx.steps.record(key, f"{call.asked.name}: {step['decision']} by {step['by']}", step)
        if step["decision"] == "approved":
            return None
        comment = f": {step['comment']}" if step["comment"] else ""
        return f"a person did not allow this call{comment}"

    @staticmethod
    def _approval(call: Call, arguments: Mapping[str, Any], barred: bool, question: str) -> dict[str, Any]:
        shown = json.dumps(arguments, ensure_ascii=False)
        message = f"May the agent call {call.asked.name} with {shown[:_SHOWN]}{'…' if len(shown) > _SHOWN else ''}?"
        return {
            "message": f"{message} {REASON}" if barred else message,
            "reason": REASON if barred else "",
            "form": [],
            "assignees": [],
            "question": question,
            "tool": call.asked.name,
            "arguments": arguments,
        }

    def pause(self, call: Call, paused: Paused) -> Paused:
        """The tool's wait as the node's, so that what ends it is known to be for this call."""
        data = dict(paused.data or {})
        own = f":{data['question']}" if "question" in data else ""
        return Paused(paused.reason, paused.until, {**data, "question": self._question(call) + own})

    def parent(self, call: Call) -> Parent | None:
        """Who an execution belongs to that the call starts: this one question of the node, where its end is told."""
        parent = self._ctx.parent
        if parent is None:
            return None
        return replace(parent, path=answer_key(parent.path, {"question": self._question(call)}))

    def woken(self, call: Call) -> tuple[NodeWaiting | None, Mapping[str, Any] | None]:
        """What the tool waited for and what woke it, in its own words; nothing when the wait was another's."""
        waiting, signal = self._ctx.waiting, self._ctx.signal
        question = self._question(call)
        if waiting is None or not self.is_about(call) or self._asked == f"{question}:approval":
            return None, None
        data = {name: value for name, value in (waiting.data or {}).items() if name != "question"}
        own = {"question": self._asked.removeprefix(f"{question}:")} if self._asked != question else {}
        if signal is not None:
            if signal.get("question", self._asked) != self._asked:
                signal = None  # an answer to a question of before
            else:
                signal = {**{name: value for name, value in signal.items() if name != "question"}, **own}
        return replace(waiting, data={**data, **own}), signal

    def _question(self, call: Call) -> str:
        return f"{self._run}/{call.name}"
