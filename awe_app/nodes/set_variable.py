"""Change the workflow's variables."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs


class Assignment(BaseModel):
    """One variable and its new value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(title="Variable", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    value: Any = Field(None, title="Value", json_schema_extra={"widget": "expression"})


class SetVariableConfig(NodeConfig):
    assignments: tuple[Assignment, ...] = Field(title="Assignments", min_length=1, json_schema_extra={"widget": "rows"})


class SetVariable(Node[SetVariableConfig]):
    """Give variables new values, for every node that runs after."""

    type, title, icon, category = "set_variable", "Set variable", "variable", "Data"
    sets_variables = True

    async def run(self, ctx: NodeContext[SetVariableConfig]) -> Outputs:
        values = {assignment.name: assignment.value for assignment in ctx.config.assignments}
        ctx.set_variables(values)
        return {"out": values}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        rows = config.get("assignments")
        names = [str(row.get("name")) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        return ", ".join(names)
