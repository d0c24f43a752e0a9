"""What a loop is set to. The node type shows these settings; the engine gives them their meaning."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from awe_app.domain.node import NodeConfig

_FOR_EACH: JsonDict = {"show_when": {"mode": ["for_each"]}}
_WHILE: JsonDict = {"show_when": {"mode": ["while"]}}
_REPEAT: JsonDict = {"show_when": {"mode": ["repeat"]}}


class LoopConfig(NodeConfig):
    """Settings of a loop."""

    mode: Literal["for_each", "while", "repeat"] = Field("for_each", title="Repeat")
    items: Any = Field(
        None,
        title="Items",
        description="A list; inside the loop each one is item, its place (from 0) index.",
        json_schema_extra={"widget": "expression", "placeholder": "{{ nodes.search.output }}", **_FOR_EACH},
    )
    condition: Any = Field(
        None,
        title="While",
        description="Asked before each pass; item is what the last pass gave, index how many there were.",
        json_schema_extra={"widget": "expression", "placeholder": "{{ variables.score < `8` }}", **_WHILE},
    )
    times: int = Field(1, title="Times", ge=0, json_schema_extra=_REPEAT)
    max_iterations: int = Field(
        1_000,
        title="Most passes",
        description="More than this fails the loop.",
        ge=1,
        json_schema_extra={"advanced": True},
    )
    concurrency: int = Field(
        1,
        title="At the same time",
        description="How many passes may run together.",
        ge=1,
        le=1_000,
        json_schema_extra=_FOR_EACH,
    )
    on_item_error: Literal["fail", "skip", "collect"] = Field(
        "fail",
        title="When a pass fails",
        description="fail ends the loop, skip leaves the pass out, collect puts its error in its place.",
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        needed = {"for_each": "items", "while": "condition", "repeat": "times"}[self.mode]
        if needed not in self.model_fields_set:
            raise ValueError(f"a loop of mode '{self.mode}' needs '{needed}'")
        return self
