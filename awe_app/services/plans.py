"""Plans, made once for each version of a workflow and shared by all its executions."""

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass

from awe_app.domain.ids import NodeId, WorkflowId
from awe_app.domain.stored import StoredWorkflow
from awe_app.domain.workflow import Workflow
from awe_app.engine.cut import up_to
from awe_app.engine.plan import Plan, prepare
from awe_app.nodes.registry import NodeTypes

KEPT = 256
"""Plans in memory; the ones used longest ago go first."""


@dataclass(frozen=True, slots=True)
class PlannedWorkflow:
    """A plan and the name of the exact file it was made from."""

    snapshot_id: str
    """SHA-256 of the file's canonical JSON."""
    plan: Plan


class Plans:
    """Makes plans, and keeps those in use."""

    def __init__(self, node_types: NodeTypes) -> None:
        self._types = node_types
        self._by_version: OrderedDict[tuple[WorkflowId, int, NodeId | None], PlannedWorkflow] = OrderedDict()
        self._by_snapshot: OrderedDict[tuple[str, NodeId | None], Plan] = OrderedDict()

    def of(self, stored: StoredWorkflow, until: NodeId | None = None) -> PlannedWorkflow:
        """The plan of a stored workflow, up to the node ``until``: errors in what comes later do not matter then.

        Raises:
            Invalid: ``INVALID_WORKFLOW`` while errors remain; there is no such node.
        """
        key = (stored.id, stored.version, until)
        planned = self._by_version.get(key)
        if planned is None:
            snapshot_id = snapshot_name(stored.workflow)
            planned = PlannedWorkflow(snapshot_id, self.at(snapshot_id, stored.workflow, until))
            self._by_version[key] = planned
        _keep(self._by_version, key)
        return planned

    def at(self, snapshot_id: str, workflow: Workflow, until: NodeId | None = None) -> Plan:
        """The plan of a workflow as it once was, up to the node ``until``.

        Raises:
            Invalid: it makes no plan (any more), or there is no such node.
        """
        key = (snapshot_id, until)
        plan = self._by_snapshot.get(key)
        if plan is None:
            wanted = workflow if until is None else up_to(workflow, until)
            plan = self._by_snapshot[key] = prepare(wanted, self._types)
        _keep(self._by_snapshot, key)
        return plan


def snapshot_name(workflow: Workflow) -> str:
    """SHA-256 of the workflow's JSON with sorted keys: equal files have equal names."""
    canonical = json.dumps(workflow.as_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _keep(cache: OrderedDict, key: object) -> None:
    cache.move_to_end(key)
    while len(cache) > KEPT:
        cache.popitem(last=False)
