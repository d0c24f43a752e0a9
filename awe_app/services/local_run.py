"""Run a workflow here and now, without server or database: what the command line does."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import Invalid, NodeFailed
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId, new_id, utc_now
from awe_app.domain.protocols import Capabilities, ChildRequest, ChildWorkflow
from awe_app.domain.workflow import Workflow
from awe_app.engine.deps import Deps, Signals
from awe_app.engine.execute import execute
from awe_app.engine.plan import prepare
from awe_app.nodes.input import read_inputs
from awe_app.nodes.registry import NodeTypes
from awe_app.services.depth import check_depth
from awe_app.services.described import described

OnEvent = Callable[[ev.Event | ev.TextStreamed], None]
Find = Callable[[str], Workflow]
"""Gives the workflow that a sub-workflow node names. Raises NodeFailed when there is none."""


def no_other_workflows(name: str) -> Workflow:
    """For a workflow that stands alone."""
    raise NodeFailed("WORKFLOW_NOT_FOUND", f"there is no workflow '{name}' here")


async def run_once(
    workflow: Workflow,
    inputs: Mapping[str, Any],
    on_event: OnEvent,
    capabilities: Capabilities,
    node_types: NodeTypes,
    find: Find = no_other_workflows,
    depth: int = 0,
) -> ExecutionState:
    """Run the workflow to its end; ``on_event`` sees everything that happens. Nothing is stored.

    Moments are waited for here, and sub-workflows run here. What waits for a person is given back as it stands, with
    the status ``waiting``.

    Raises:
        Invalid: ``INVALID_WORKFLOW`` or ``INVALID_INPUT``.
    """
    plan = prepare(workflow, node_types)
    values = read_inputs(workflow, inputs)
    signals = Signals()
    children = _Children(capabilities, node_types, find, depth + 1, signals)
    deps = Deps(ExecutionId(new_id()), replace(capabilities, executions=children), signals=signals)
    happened: list[ev.Event] = []
    while True:
        done = ExecutionState(deps.execution_id).fold(happened)
        async for event in execute(plan, values, deps, done):
            if not isinstance(event, ev.TextStreamed):
                happened.append(event)
            on_event(event)
        last = happened[-1]
        if not isinstance(last, ev.ExecutionParked) or last.wake_at is None:
            return ExecutionState(deps.execution_id).fold(happened)
        await asyncio.sleep(max(0.0, (last.wake_at - utc_now()).total_seconds()))


class _Children:
    """``ChildExecutions`` in this process: a child runs to its end while its node starts it."""

    def __init__(
        self, capabilities: Capabilities, node_types: NodeTypes, find: Find, depth: int, signals: Signals
    ) -> None:
        self._capabilities = capabilities
        self._types = node_types
        self._find = find
        self._depth = depth
        self._signals = signals

    async def describe(self, user_id: UserId | None, workflow_id: WorkflowId) -> ChildWorkflow:
        """See ``ChildExecutions``."""
        return described(self._find(workflow_id))

    async def start(self, request: ChildRequest) -> ExecutionId:
        """See ``ChildExecutions``."""
        check_depth(self._depth)
        workflow = self._find(request.workflow_id)
        try:
            state = await run_once(
                workflow,
                request.inputs,
                lambda _event: None,
                self._capabilities,
                self._types,
                self._find,
                self._depth,
            )
        except Invalid as error:
            raise NodeFailed(error.code, f"the sub-workflow cannot start: {error.detail}", error.hint) from error
        if not state.ended:
            raise NodeFailed("SUBWORKFLOW_WAITS", "the sub-workflow waits for a person", "run it on the server")
        if request.attached:
            report = {"execution_id": state.execution_id, "status": state.status, "result": state.result}
            self._signals.deliver(request.parent.path, {**report, "error": state.error, "usage": state.usage.as_json()})
        return state.execution_id
