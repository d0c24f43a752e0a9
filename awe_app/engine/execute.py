"""The engine: one async generator of events. It knows no database, no bus, no page.

A node starts the moment its own inputs are decided; there is no barrier between levels. A node returns
``{port: value}``; an edge whose port is absent is skipped, and a node all of whose edges are skipped is skipped.
Pure nodes run in line; effectful ones run as tasks, each after everything before it is durable (write-ahead).
Stopping the iteration cancels what runs.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.options import RunOptions
from awe_app.engine.deps import Deps
from awe_app.engine.plan import Plan
from awe_app.engine.run import Run

FAIR_SHARE = 50
"""Pure nodes run in line; after this many the event loop gets a turn."""


async def execute(
    plan: Plan,
    inputs: Mapping[str, Any],
    deps: Deps,
    done: ExecutionState | None = None,
    options: RunOptions = RunOptions(),
) -> AsyncGenerator[ev.Event | ev.TextStreamed, None]:
    """Run the plan and yield what happens, ending with a final event, or ``ExecutionParked`` when it has to wait.

    Args:
        plan: what to run.
        inputs: what the execution was given, already checked.
        deps: clock, durability, capabilities.
        done: the execution so far, folded from its journal; its finished nodes are not run again.
        options: its budget, and what is known of nodes that need not run. (``until`` is the plan's affair.)
    """
    run = Run(plan, inputs, deps, done, options)
    outbox = run.record.outbox
    run.begin()
    run.check_time()
    try:
        while True:
            turns = 0
            while run.ready and not run.over:
                await run.start_next()
                while outbox:
                    yield outbox.popleft()
                turns += 1
                if turns % FAIR_SHARE == 0:
                    await asyncio.sleep(0)
                    run.check_time()
            if run.over:
                break
            run.look_around()
            while outbox:
                yield outbox.popleft()
            if run.ready or run.over:
                continue
            if not run.busy():
                if not run.waiting:
                    break
                if deps.parks:
                    run.park()
                    while outbox:
                        yield outbox.popleft()
                    return
            await run.wait()
            run.collect()
            run.check_time()
            while outbox:
                yield outbox.popleft()
        await run.stop()
        run.cancel_waiting()
        run.finish()
        while outbox:
            yield outbox.popleft()
    finally:
        await run.stop()
        run.take_apart()
