"""Steps inside a node: taken once whatever happens, and questions that are told apart."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from pydantic import Field

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.engine.deps import Signals
from tests.builders import graph, node, run


class StepperConfig(NodeConfig):
    steps: int = 3
    questions: tuple[int, ...] = Field((), description="Steps before which a person is asked.")
    fails_at: int | None = None
    begins_anew: bool = False


class Stepper(Node[StepperConfig]):
    """Takes its steps one after the other; some only after an answer."""

    type, title, icon, category = "stepper", "Stepper", "list", "Data"
    effectful = True
    taken: ClassVar[list[str]] = []

    async def run(self, ctx: NodeContext[StepperConfig]) -> Outputs:
        heard = [turn["content"] for turn in ctx.conversation("team")]
        for number in range(ctx.config.steps):
            key = f"step-{number}"
            if ctx.steps.known(key) is not None:
                continue
            if number in ctx.config.questions:
                self._ask(ctx, key)
            if number == ctx.config.fails_at and ctx.attempt == 1:
                if ctx.config.begins_anew:
                    ctx.steps.forget()
                raise NodeFailed("FELL_OVER", "at the step", retryable=True)
            self.taken.append(f"{ctx.path}:{number}")
            await ctx.steps.record(key, f"Took step {number}", {"number": number})
        ctx.say("team", [{"role": "assistant", "content": ctx.node_id, "node_id": ctx.node_id}])
        return {"out": heard}

    @staticmethod
    def _ask(ctx: NodeContext[Any], question: str) -> None:
        data = {"message": f"{question}?", "form": [], "question": question}
        asked = (ctx.waiting.data or {}).get("question") if ctx.waiting is not None else None
        if asked != question or ctx.signal is None:
            raise Paused("approval", None, data)
        assert ctx.signal["question"] == question


TYPES = {"stepper": Stepper}


@pytest.fixture(autouse=True)
def _forget() -> None:
    Stepper.taken.clear()


def stepper(node_id: str = "work", **config: Any) -> dict:
    return node(node_id, "stepper", {"steps": 3, **config}, retry={"max_attempts": 2, "backoff_s": 0})


def answers(*questions: str) -> Signals:
    given = {"decision": "approved", "by": "ann", "comment": "", "form": {}}
    return Signals({Path(f"work?{question}"): {**given, "question": question} for question in questions})


def state_after(events: list[ev.Event]) -> ExecutionState:
    return ExecutionState(ExecutionId("test")).fold(events)


def shown(state: ExecutionState, path: str = "work") -> Mapping[str, Any]:
    waiting = state.node_states[Path(path)].waiting
    assert waiting is not None
    return waiting.data or {}


async def test_every_step_is_a_line_of_the_log() -> None:
    state, _ = await run(graph("work", stepper()), types=TYPES)
    assert state.status == "completed"
    assert [line.message for line in state.logs if line.path == "work"] == [f"Took step {n}" for n in range(3)]
    assert [line.data for line in state.logs if line.path == "work"] == [{"number": n} for n in range(3)]


async def test_after_a_crash_at_any_event_no_recorded_step_is_taken_again() -> None:
    raw = graph("a -> work -> b", stepper())
    _, whole = await run(raw, types=TYPES)
    for cut in range(1, len(whole)):
        Stepper.taken.clear()
        state, later = await run(raw, types=TYPES, done=state_after(whole[:cut]))
        recorded = sum(isinstance(event, ev.StepTaken) for event in whole[:cut])
        ended = any(isinstance(event, ev.NodeFinished) and event.path == "work" for event in whole[:cut])
        assert Stepper.taken == ([] if ended else [f"work:{n}" for n in range(recorded, 3)])
        again = state_after([*whole[:cut], *later])
        assert (again.status, again.result) == ("completed", {"b": "b"})
        assert state.status == "completed"


async def test_a_step_is_durable_before_the_next_one_begins() -> None:
    stored: list[int] = []

    async def durable(seq: int) -> None:
        stored.append(seq)

    _, happened = await run(graph("work", stepper()), types=TYPES, durable=durable)
    assert {event.seq for event in happened if isinstance(event, ev.StepTaken)} <= set(stored)


async def test_a_further_try_goes_on_with_the_next_step() -> None:
    state, _ = await run(graph("work", stepper(fails_at=2)), types=TYPES)
    assert state.status == "completed"
    assert Stepper.taken == ["work:0", "work:1", "work:2"]


async def test_a_further_try_begins_anew_when_the_steps_are_forgotten() -> None:
    raw = graph("work", stepper(fails_at=2, begins_anew=True))
    state, happened = await run(raw, types=TYPES)
    assert state.status == "completed"
    assert Stepper.taken == ["work:0", "work:1", "work:0", "work:1", "work:2"]
    cut = next(at for at, event in enumerate(happened) if isinstance(event, ev.StepsForgotten)) + 1
    assert state_after(happened[:cut]).node_states[Path("work")].steps == {}


async def test_a_finished_node_keeps_no_steps_in_memory() -> None:
    state, _ = await run(graph("work", stepper()), types=TYPES)
    assert state.node_states[Path("work")].steps == {}


async def test_each_question_is_asked_once_and_an_old_answer_is_not_taken_for_a_new_one() -> None:
    raw = graph("work -> end", stepper(questions=[0, 2]))
    first, before = await run(raw, types=TYPES)
    assert (first.status, shown(first)["question"]) == ("waiting", "step-0")
    second, later = await run(raw, types=TYPES, done=state_after(before), signals=answers("step-0"))
    assert (second.status, Stepper.taken) == ("waiting", ["work:0", "work:1"])
    whole = [*before, *later]
    assert shown(state_after(whole))["question"] == "step-2"
    third, last = await run(raw, types=TYPES, done=state_after(whole), signals=answers("step-0"))
    assert third.status == "waiting"
    assert not [event for event in last if isinstance(event, ev.NodeWaiting)]
    whole += last
    fourth, _ = await run(raw, types=TYPES, done=state_after(whole), signals=answers("step-0", "step-2"))
    assert (fourth.status, Stepper.taken) == ("completed", ["work:0", "work:1", "work:2"])


async def test_an_answer_that_comes_while_it_runs_is_for_its_question() -> None:
    signals = Signals()
    raw = graph("work; slow", stepper(questions=[0, 1]), node("slow", "stepper", {"steps": 1}))

    async def durable(_seq: int) -> None:
        for question in ("step-0", "step-1"):
            signals.deliver(Path(f"work?{question}"), {"decision": "approved", "question": question})

    state, happened = await run(raw, types=TYPES, signals=signals, durable=durable)
    assert state.status == "completed"
    asked = [event.data["question"] for event in happened if isinstance(event, ev.NodeWaiting) and event.data]
    assert asked == ["step-0", "step-1"]


async def test_a_node_that_goes_on_after_an_answer_is_shown_as_running() -> None:
    raw = graph("work", stepper(questions=[0]))
    _, before = await run(raw, types=TYPES)
    _, later = await run(raw, types=TYPES, done=state_after(before), signals=answers("step-0"))
    cut = next(at for at, event in enumerate(later) if isinstance(event, ev.StepTaken)) + 1
    assert state_after([*before, *later[:cut]]).node_states[Path("work")].status == "running"


async def test_what_is_said_is_heard_by_those_who_come_later() -> None:
    raw = graph("one -> two -> three", *(stepper(name, steps=1) for name in ("one", "two", "three")))
    state, whole = await run(raw, types=TYPES)
    assert state.node_states[Path("three")].output == ["one", "two"]
    for cut in range(1, len(whole)):
        _, later = await run(raw, types=TYPES, done=state_after(whole[:cut]))
        again = state_after([*whole[:cut], *later])
        assert again.node_states[Path("three")].output == ["one", "two"]
        assert [turn["content"] for turn in again.threads["team"]] == ["one", "two", "three"]
