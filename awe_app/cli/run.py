"""``run``: a workflow file from beginning to end in this process; progress on the terminal, the result on stdout."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from awe_app.cli.files import Unreadable, read_inputs, read_json
from awe_app.cli.validate import print_issues
from awe_app.domain.errors import Invalid, Issue, NodeFailed
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import UserId
from awe_app.domain.models import LanguageModel, ModelInfo
from awe_app.domain.workflow import Workflow
from awe_app.settings import Environment

WAITS = "a person has to answer; run the workflow on the server, where answers are taken"

LOCAL = "local"
"""The provider that needs no key."""


def run_file(file: str, pairs: Sequence[str], *, whole: bool, environment: Environment) -> int:
    """Run the file with ``k=v`` inputs and print the result, or with ``whole`` the execution as JSON.

    Returns 0, or 1 when it failed or could not start.

    Raises:
        Unreadable: the file or an input makes no sense.
    """
    raw, inputs = read_json(file), read_inputs(pairs)
    try:
        state = asyncio.run(_run(raw, inputs, environment, Path(file).parent))
    except Invalid as error:
        issues = error.issues or (Issue("error", error.code, error.detail),)
        print_issues(issues, to=sys.stderr)
        return 1
    if whole:
        print(json.dumps(state.as_json(), ensure_ascii=False, indent=2))
    elif state.status == "completed":
        print(state.result if isinstance(state.result, str) else json.dumps(state.result, ensure_ascii=False, indent=2))
    if state.status != "completed":
        error = state.error or {"code": state.status.upper(), "detail": WAITS, "node_id": None}
        where = f" (node {error['node_id']})" if error.get("node_id") else ""
        print(f"awe: {error['code']}: {error['detail']}{where}", file=sys.stderr)
        return 1
    return 0


async def _run(raw: Any, inputs: Mapping[str, Any], environment: Environment, folder: Path) -> ExecutionState:
    from awe_app.adapters.local_model import LocalModel
    from awe_app.cli.progress import progress
    from awe_app.engine.validate import read_workflow
    from awe_app.nodes.registry import discover
    from awe_app.outside import Outside
    from awe_app.services.local_run import run_once

    workflow, issues = read_workflow(raw)
    if workflow is None:
        raise Invalid("INVALID_WORKFLOW", "the file is no workflow", issues=tuple(issues))
    node_types = discover()
    local_model, outside = LocalModel(), Outside(environment)
    capabilities = outside.capabilities(LocalModels(local_model))
    try:
        with progress(workflow, node_types) as on_event:
            find = partial(workflow_beside, folder)
            return await run_once(workflow, inputs, on_event, capabilities, node_types, find)
    finally:
        await outside.stop()
        await local_model.stop()


def workflow_beside(folder: Path, name: str) -> Workflow:
    """The workflow that a sub-workflow node calls ``name``: the file ``<name>.json`` beside the one that runs.

    Raises:
        NodeFailed: ``WORKFLOW_NOT_FOUND``, there is no such file, or it holds no workflow.
    """
    from awe_app.engine.validate import read_workflow

    if Path(name).name != name:
        raise NodeFailed("WORKFLOW_NOT_FOUND", f"'{name}' is not the name of a file beside this one")
    try:
        workflow, _issues = read_workflow(read_json(str(folder / f"{name}.json")))
    except Unreadable as error:
        raise NodeFailed("WORKFLOW_NOT_FOUND", f"there is no workflow '{name}' beside this file: {error}") from error
    if workflow is None:
        raise NodeFailed("WORKFLOW_NOT_FOUND", f"{name}.json holds no workflow")
    return workflow


class LocalModels:
    """The models there are without a user and a database: the local one."""

    def __init__(self, local_model: LanguageModel) -> None:
        self._local_model = local_model

    async def list(self, user_id: UserId | None) -> list[ModelInfo]:
        """Every model there is here."""
        return [ModelInfo("local/smollm2-135m-instruct", LOCAL, "smollm2-135m-instruct", local=True, default=True)]

    async def find(self, user_id: UserId | None, provider: str | None, model: str | None) -> LanguageModel:
        """The local model, whatever it is called.

        Raises:
            NodeFailed: ``UNKNOWN_PROVIDER`` for any other provider: their keys are in the server's database.
        """
        if provider and provider != LOCAL:
            hint = "leave provider empty, or run the workflow on the server"
            raise NodeFailed("UNKNOWN_PROVIDER", f"there is no provider {provider!r} on the command line; {hint}", hint)
        return self._local_model
