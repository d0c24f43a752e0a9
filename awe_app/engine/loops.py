"""A loop in motion: its body is a plan of its own, run once for each pass, nested without limit.

Passes run one after another, or up to ``concurrency`` together; results keep the order of the items. A pass that the
journal knows is walked through again without running what had finished.
"""

from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed
from awe_app.domain.execution import NodeState
from awe_app.domain.ids import Path
from awe_app.domain.loops import LoopConfig
from awe_app.domain.values import is_true
from awe_app.engine.level import Level, Names
from awe_app.engine.plan import Plan

if TYPE_CHECKING:
    from awe_app.engine.instance import Instance
    from awe_app.engine.run import Run

_LEFT_OUT = object()
"""In place of the result of a pass that failed and is skipped."""


class LoopRun:
    """One instance of a loop node."""

    def __init__(self, run: "Run", instance: "Instance", body: Plan, config: LoopConfig) -> None:
        self.run = run
        self.instance = instance
        self.level = instance.level
        self.node = instance.node
        self.path = instance.path
        self.body = body
        self.config = config
        self.ended = False
        self._items: list[Any] = []
        self._results: dict[int, Any] = {}
        self._passes: dict[int, Level] = {}
        self._next = 0
        self._last: Any = None
        self._begun_before = run.record.passes_begun(self.path)
        self._enough = False
        self._trailing = False
        """True once the loop has gone on while passes still run; what they give has no effect."""

    def begin(self) -> None:
        """Take the items and start the first passes."""
        recorded = self.run.record.of(self.path)
        if recorded is not None:
            self.instance.attempt = recorded.attempts + 1
        if self.config.mode == "for_each":
            items = self.config.items
            if recorded is not None and recorded.input and "items" in recorded.input:
                items = recorded.input["items"]  # what it was then, whatever variables say now
            if not isinstance(items, list):
                kind = type(items).__name__ if items is not None else "nothing"
                self.give_up(NodeFailed("INVALID_SETTING", f"items must be a list, not {kind}"))
                return
            self._items = list(items)
            self.instance.inputs = {"items": items}
        for event in self.run.inbox.given(self.path):
            self._accept(event)
        self.run.record.emit(
            ev.NodeStarted,
            path=self.path,
            node_id=self.node.spec.id,
            input=self.instance.inputs,
            attempt=self.instance.attempt,
        )
        self.advance()

    def advance(self) -> None:
        """Start as many passes as may run; end the loop when none runs and none is wanted, or when it is enough."""
        if self._enough and not self._replays():
            self._go_on()
            return
        try:
            while not self.ended and len(self._passes) < self.config.concurrency and self._wants_another():
                self._start_pass()
        except NodeFailed as failure:
            self.give_up(failure)
            return
        if self.ended or self._passes or (self.config.mode == "arrivals" and not self.level.decided(self.node)):
            return
        self._go_on()

    def hear(self) -> None:
        """Take the events that are meant for this loop, and whatever else is due after them."""
        names = [name for name in (self.config.more_on, self.config.enough_on) if name is not None]
        while not self.ended and names and (event := self.run.inbox.take(self.path, names)) is not None:
            self._accept(event)
        if not self.ended and names:
            self.advance()

    def _accept(self, event: ev.EventReceived) -> None:
        if event.name == self.config.enough_on:
            self._enough = True
        else:
            self._items.append(event.payload)

    def _replays(self) -> bool:
        """True while passes are walked through that the journal knows: then it was not yet enough."""
        return self.run.replays() or self._next < self._begun_before

    def _wants_another(self) -> bool:
        match self.config.mode:
            case "for_each":
                wanted = self._next < len(self._items) or self._has_one_more()
            case "arrivals":
                self._items = self.level.arrivals_of(self.node)
                wanted = self._next < len(self._items)
            case "repeat":
                wanted = self._next < self.config.times
            case "while":
                wanted = not self._passes and (self._next < self._begun_before or self._condition_holds())
        if wanted and self._next >= self.config.max_iterations:
            detail = f"the loop wants more than {self.config.max_iterations} passes"
            raise NodeFailed("LOOP_LIMIT", detail, "raise max_iterations if that is meant")
        return wanted

    def _has_one_more(self) -> bool:
        """Look for an event that adds an item; one that a pass has just sent would come too late otherwise."""
        if self.config.more_on is None:
            return False
        event = self.run.inbox.take(self.path, (self.config.more_on,))
        if event is not None:
            self._accept(event)
        return event is not None

    def _is_enough(self, result: Any) -> bool:
        if self.config.enough is None or self._replays():
            return False
        done = sum(1 for given in self._results.values() if given is not _LEFT_OUT)
        answer = self.node.per_pass["enough"].resolve(self._scope_of(done, result))
        if isinstance(answer, int | float) and not isinstance(answer, bool):
            return done >= answer
        return is_true(answer)

    def _condition_holds(self) -> bool:
        scope = self._scope_of(self._next, self._last)
        return is_true(self.node.per_pass["condition"].resolve(scope))

    def _scope_of(self, index: int, item: Any) -> dict[str, Any]:
        around = self.level.scope
        here = {"item": item, "index": index}
        loops = {**around.get("loops", {}), self.node.spec.id: here}
        return {**around, **here, "loops": loops, "nodes": Names(around["nodes"])}

    def _start_pass(self) -> None:
        index = self._next
        self._next += 1
        item = self._items[index] if self.config.mode in ("for_each", "arrivals") else self._last
        if not self.body.nodes:
            self._results[index] = None
            return
        level = Level(self.body, self._scope_of(index, item), f"{self.path}[{index}]/", self, index)
        self._passes[index] = level
        self.run.enter(level)

    def pass_ended(self, level: Level) -> None:
        """All nodes of the pass are settled."""
        result = level.result()
        self._close_pass(level, None if self.body.named_results and not result else result)

    def pass_failed(self, level: Level, failure: NodeFailed) -> None:
        """A node inside failed for good: do what ``on_item_error`` says."""
        self.run.abandon(level)
        if self._trailing:
            del self._passes[level.pass_index]
            return
        match self.config.on_item_error:
            case "fail":
                self.give_up(failure)
            case "skip":
                self._close_pass(level, _LEFT_OUT)
            case "collect":
                self._close_pass(level, {"error": {"code": failure.code, "detail": failure.detail}})

    def _close_pass(self, level: Level, result: Any) -> None:
        del self._passes[level.pass_index]
        if self._trailing:
            return
        self._results[level.pass_index] = result
        self._last = None if result is _LEFT_OUT else result
        try:
            self._enough = self._enough or (result is not _LEFT_OUT and self._is_enough(result))
        except NodeFailed as failure:
            self.give_up(failure)
            return
        self.advance()

    def give_up(self, failure: NodeFailed) -> None:
        """Stop every pass and fail the loop node."""
        self._leave()
        self.run.outcomes.failed(self.instance, failure)

    def _go_on(self) -> None:
        """Give what the passes gave. Those that still run are stopped, or run out without effect."""
        self.ended = True
        self.run.loops.ended(self)
        done = (self._results[index] for index in sorted(self._results))
        outputs = {self.node.ports[0]: [result for result in done if result is not _LEFT_OUT]}
        self._trailing = bool(self._passes) and not self.config.cancel_rest
        self.instance.runs_on = self._trailing or None
        self.run.outcomes.finished(self.instance, outputs)
        if self.config.cancel_rest:
            self._stop_passes(withdrawn=True)

    def run_out(self, known: NodeState) -> None:
        """The loop had gone on before a crash, and some passes had not run out: let them."""
        self.ended = self._trailing = True
        self._items = list((known.input or {}).get("items") or self.level.arrivals_of(self.node))
        self._items += [event.payload for event in self.run.inbox.given(self.path) if event.name == self.config.more_on]
        while self._next < self._begun_before:
            if self.run.record.gave_up(Path(f"{self.path}[{self._next}]/")):
                self._next += 1
            else:
                self._start_pass()

    def call_off(self) -> None:
        """Stop every pass for good; what becomes of the loop node is the caller's to say."""
        self._leave(withdrawn=True)

    def _leave(self, *, withdrawn: bool = False) -> None:
        self.ended = True
        self._stop_passes(withdrawn=withdrawn)
        self.run.loops.ended(self)

    def _stop_passes(self, *, withdrawn: bool) -> None:
        for level in self._passes.values():
            self.run.abandon(level, withdrawn=withdrawn)
        self._passes.clear()
