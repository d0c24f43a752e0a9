"""A pattern's workflow file, run, and what can be seen of it from outside: who began, who finished, and when."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.engine.deps import Signals
from tests.builders import run

FOLDER = FilePath(__file__).parent


def workflow(name: str) -> dict[str, Any]:
    """The workflow file of that name."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Observed:
    """One execution of a pattern."""

    state: ExecutionState
    events: list[ev.Event]

    def finished(self) -> list[str]:
        """The instances that gave a value, in that order; twice when it happened twice."""
        return [event.path for event in self.events if isinstance(event, ev.NodeFinished)]

    def status(self, path: str) -> str:
        """How the instance stands; ``absent`` when nothing ever happened to it."""
        node = self.state.node_states.get(path)  # type: ignore[call-overload]
        return node.status if node is not None else "absent"

    def span(self, path: str) -> tuple[int, int]:
        """The numbers of the events with which the instance began and was over."""
        seqs = [e.seq for e in self.events if isinstance(e, ev.NodeEvent) and e.path == path]
        return seqs[0], seqs[-1]

    def before(self, first: str, second: str) -> bool:
        """True when the first was over before the second began."""
        return self.span(first)[1] < self.span(second)[0]

    def together(self, *paths: str) -> bool:
        """True when all of them had begun before any was over."""
        spans = [self.span(path) for path in paths]
        return max(begun for begun, _over in spans) < min(over for _begun, over in spans)


async def observe(
    name: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    at_once: Sequence[tuple[str, Any]] = (),
    sent: Sequence[tuple[str, Any]] = (),
) -> Observed:
    """Run the pattern's file in memory.

    Events ``at_once`` come while the first nodes run, each of those ``sent`` when nothing goes on any more without it.
    """
    raw, known = workflow(name), dict[Path, Mapping[str, Any]]()
    for event, data in at_once:
        known[Path(f"@{event}/at once")] = {"event": event, "data": data, "by": "ann"}
    state, events = await run(raw, inputs, signals=Signals(known))
    for number, (event, data) in enumerate(sent):
        assert state.status == "waiting", f"{event} comes too late"
        known[Path(f"@{event}/{number}")] = {"event": event, "data": data, "by": "ann"}
        done = ExecutionState(ExecutionId("test")).fold(events)
        _, later = await run(raw, inputs, done=done, signals=Signals(known))
        events = [*events, *later]
        state = ExecutionState(ExecutionId("test")).fold(events)
    return Observed(state, events)
