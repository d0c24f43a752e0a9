"""Route a value down one of two branches."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs, Port
from awe_app.domain.values import is_true
from awe_app.nodes.operators import UNARY, Operator, holds

_EXPRESSION: JsonDict = {"widget": "expression"}
_BINARY: JsonDict = {"operator": [name for name in Operator.__args__ if name not in UNARY]}


class Rule(BaseModel):
    """One comparison."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Any = Field(title="Value", json_schema_extra=_EXPRESSION)
    operator: Operator = Field("equals", title="Operator")
    value: Any = Field(None, title="Compare with", json_schema_extra={**_EXPRESSION, "show_when": _BINARY})


class ConditionConfig(NodeConfig):
    field: Any = Field(
        None, title="Value", json_schema_extra={**_EXPRESSION, "placeholder": "{{ nodes.classify.output.label }}"}
    )
    operator: Operator = Field("equals", title="Operator")
    value: Any = Field(None, title="Compare with", json_schema_extra={**_EXPRESSION, "show_when": _BINARY})
    rules: tuple[Rule, ...] = Field(
        (),
        title="Rules",
        description="Several comparisons instead of one.",
        json_schema_extra={"widget": "rows", "advanced": True},
    )
    combine: Literal["all", "any"] = Field("all", title="Rules that must hold", json_schema_extra={"advanced": True})
    expression: Any = Field(
        None,
        title="Expression",
        description="Instead of comparisons: true unless it gives null, false, 0 or nothing.",
        json_schema_extra={**_EXPRESSION, "advanced": True},
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("field", "rules", "expression") if self.says(name)]
        if not ways:
            raise ValueError("say what to compare: set field (with operator and value), rules or expression")
        if len(ways) > 1:
            raise ValueError(f"set only one of field, rules and expression, not {' and '.join(ways)}")
        return self

    def says(self, name: str) -> bool:
        """Whether the condition is put this way. A value that resolved to null still counts."""
        return bool(self.rules) if name == "rules" else name in self.model_fields_set


class Condition(Node[ConditionConfig]):
    """Send the value to `true` or `false`; the branch not taken is skipped."""

    type, title, icon, category = "condition", "Condition", "git-branch", "Logic"
    outputs = (Port("true"), Port("false"))

    async def run(self, ctx: NodeContext[ConditionConfig]) -> Outputs:
        config = ctx.config
        if config.says("expression"):
            value, hit = config.expression, is_true(config.expression)
        elif config.rules:
            value = config.rules[0].field
            combine = all if config.combine == "all" else any
            hit = combine(holds(rule.operator, rule.field, rule.value) for rule in config.rules)
        else:
            value, hit = config.field, holds(config.operator, config.field, config.value)
        port = "true" if hit else "false"
        ctx.log(f"Went by '{port}'")
        return {port: value}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        if config.get("rules"):
            return f"{len(config['rules'])} rules, {config.get('combine', 'all')} of them"
        if config.get("expression"):
            return str(config["expression"])
        operator = str(config.get("operator", "equals"))
        against = "" if operator in UNARY else f" {config.get('value', '')!r}"
        return f"{config['field']} {operator.replace('_', ' ')}{against}" if config.get("field") else ""
