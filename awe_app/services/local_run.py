"""Run a workflow here and now, without server or database: what the command line does."""

from collections.abc import Callable, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, new_id
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

    Raises:
        Invalid: ``INVALID_WORKFLOW`` or ``INVALID_INPUT``.
    """
    plan = prepare(workflow, node_types)
    values = read_inputs(workflow, inputs)
    state = ExecutionState(ExecutionId(new_id()))
    async for event in execute(plan, values, Deps(state.execution_id, capabilities)):
        if not isinstance(event, ev.TextStreamed):
            state.apply(event)
        on_event(event)
    return state
