"""Run a workflow here and now, without server or database: what the command line does."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, new_id, utc_now
from awe_app.domain.protocols import Capabilities
from awe_app.domain.workflow import Workflow
from awe_app.engine.deps import Deps
from awe_app.engine.execute import execute
from awe_app.engine.plan import prepare
from awe_app.nodes.input import read_inputs
from awe_app.nodes.registry import NodeTypes


async def run_once(
    workflow: Workflow,
    inputs: Mapping[str, Any],
    on_event: Callable[[ev.Event | ev.TextStreamed], None],
    capabilities: Capabilities,
    node_types: NodeTypes,
) -> ExecutionState:
    """Run the workflow to its end; ``on_event`` sees everything that happens. Nothing is stored.

    Moments are waited for here. What waits for a person is given back as it stands, with the status ``waiting``.

    Raises:
        Invalid: ``INVALID_WORKFLOW`` or ``INVALID_INPUT``.
    """
    plan = prepare(workflow, node_types)
    values = read_inputs(workflow, inputs)
    deps = Deps(ExecutionId(new_id()), capabilities)
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
