"""A loop in motion: its body is a plan of its own, run once for each pass, nested without limit.

Passes run one after another, or up to ``concurrency`` together; results keep the order of the items. A pass that the
journal knows is walked through again without running what had finished.
"""

from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed
from awe_app.domain.loops import LoopConfig
from awe_app.domain.values import is_true
from awe_app.engine.level import Level, Names
from awe_app.engine.plan import Plan

if TYPE_CHECKING:
    from awe_app.engine.run import Run
    from awe_app.engine.work import Instance

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
            self._items = items
            self.instance.inputs = {"items": items}
        self.run.record.emit(
            ev.NodeStarted,
            path=self.path,
            node_id=self.node.spec.id,
            input=self.instance.inputs,
            attempt=self.instance.attempt,
        )
        self.advance()

    def advance(self) -> None:
        """Start as many passes as may run; end the loop when none runs and none is wanted."""
        try:
            while not self.ended and len(self._passes) < self.config.concurrency and self._wants_another():
                self._start_pass()
        except NodeFailed as failure:
            self.give_up(failure)
            return
        if not self.ended and not self._passes:
            self._finish()

    def _wants_another(self) -> bool:
        match self.config.mode:
            case "for_each":
                wanted = self._next < len(self._items)
            case "repeat":
                wanted = self._next < self.config.times
            case "while":
                wanted = not self._passes and (self._next < self._begun_before or self._condition_holds())
        if wanted and self._next >= self.config.max_iterations:
            detail = f"the loop wants more than {self.config.max_iterations} passes"
            raise NodeFailed("LOOP_LIMIT", detail, "raise max_iterations if that is meant")
        return wanted

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
        item = self._items[index] if self.config.mode == "for_each" else self._last
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
        match self.config.on_item_error:
            case "fail":
                self.give_up(failure)
            case "skip":
                self._close_pass(level, _LEFT_OUT)
            case "collect":
                self._close_pass(level, {"error": {"code": failure.code, "detail": failure.detail}})

    def _close_pass(self, level: Level, result: Any) -> None:
        del self._passes[level.pass_index]
        self._results[level.pass_index] = result
        self._last = None if result is _LEFT_OUT else result
        self.advance()

    def give_up(self, failure: NodeFailed) -> None:
        """Stop every pass and fail the loop node."""
        self._leave()
        self.run.fail(self.instance, failure)

    def _finish(self) -> None:
        self._leave()
        results = (self._results[index] for index in range(self._next))
        outputs = {self.node.ports[0]: [result for result in results if result is not _LEFT_OUT]}
        self.run.finished(self.instance, outputs)

    def call_off(self) -> None:
        """Stop every pass for good; what becomes of the loop node is the caller's to say."""
        self._leave(withdrawn=True)

    def _leave(self, *, withdrawn: bool = False) -> None:
        self.ended = True
        for level in self._passes.values():
            self.run.abandon(level, withdrawn=withdrawn)
        self._passes.clear()
        self.run.loop_ended(self)
