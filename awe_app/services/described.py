"""What a workflow says of itself to whoever may run it, on the server and on the command line."""

from awe_app.domain.protocols import ChildWorkflow
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import inputs_schema


def described(workflow: Workflow) -> ChildWorkflow:
    """Its name, its description and the fields of its input node."""
    return ChildWorkflow(workflow.name, workflow.description or "", inputs_schema(workflow))
