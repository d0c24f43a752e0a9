"""Route a value down one of several named branches."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.config import JsonDict

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs, Port
from awe_app.nodes.operators import Operator, holds

_EXPRESSION: JsonDict = {"widget": "expression"}


class Case(BaseModel):
    """One branch and when it is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(title="Branch", pattern=r"^[A-Za-z0-9][A-Za-z0-9_ -]{0,63}$")
    field: Any = Field(title="Value", json_schema_extra=_EXPRESSION)
    operator: Operator = Field("equals", title="Operator")
    value: Any = Field(None, title="Compare with", json_schema_extra=_EXPRESSION)


class SwitchConfig(NodeConfig):
    cases: tuple[Case, ...] = Field(title="Cases", min_length=1, json_schema_extra={"widget": "rows"})
    every: bool = Field(False, title="Every case that holds", description="Off: only the first that does.")
    default: bool = Field(True, title="Default branch", description="Taken when no case holds.")

    @field_validator("cases")
    @classmethod
    def _names_differ(cls, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        names = [case.name for case in cases]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two cases are called '{name}'; give one another name")
            if name in ("default", "error"):
                raise ValueError(f"a case may not be called '{name}'")
        return cases


class Switch(Node[SwitchConfig]):
    """Take the branch of the first case that holds, or of every one that does, else `default`."""

    type, title, icon, category = "switch", "Switch", "split", "Logic"
    outputs = (Port("default"),)

    async def run(self, ctx: NodeContext[SwitchConfig]) -> Outputs:
        taken: dict[str, Any] = {}
        for case in ctx.config.cases:
            if holds(case.operator, case.field, case.value):
                ctx.log(f"Went by '{case.name}'")
                taken[case.name] = case.field
                if not ctx.config.every:
                    break
        if taken:
            return taken
        if not ctx.config.default:
            ctx.log("No case holds; nothing goes on from here")
            return {}
        ctx.log("Went by 'default'")
        return {"default": ctx.config.cases[0].field}

    @classmethod
    def ports_out(cls, config: Mapping[str, Any]) -> tuple[Port, ...]:
        cases = config.get("cases")
        rows = cases if isinstance(cases, list | tuple) else ()
        names = dict.fromkeys(str(row["name"]) for row in rows if isinstance(row, Mapping) and row.get("name"))
        ports = tuple(Port(name) for name in names)
        return ports if config.get("default", True) is False else (*ports, *cls.outputs)

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return ", ".join(port.name for port in cls.ports_out(config))
