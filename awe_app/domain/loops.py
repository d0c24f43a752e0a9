"""What a loop is set to. The node type shows these settings; the engine gives them their meaning."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from awe_app.domain.node import NodeConfig
from awe_app.domain.signals import EventName

_FOR_EACH: JsonDict = {"show_when": {"mode": ["for_each"]}}
_WHILE: JsonDict = {"show_when": {"mode": ["while"]}}
_REPEAT: JsonDict = {"show_when": {"mode": ["repeat"]}}


class LoopConfig(NodeConfig):
    """Settings of a loop."""

    mode: Literal["for_each", "while", "repeat", "arrivals"] = Field(
        "for_each",
        title="Repeat",
        description="for_each: a list; while: as long as something is true; repeat: a number of times; "
        "arrivals: for each value that comes in, as soon as it comes.",
    )
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
        json_schema_extra={"show_when": {"mode": ["for_each", "repeat", "arrivals"]}},
    )
    on_item_error: Literal["fail", "skip", "collect"] = Field(
        "fail",
        title="When a pass fails",
        description="fail ends the loop, skip leaves the pass out, collect puts its error in its place.",
        json_schema_extra={"advanced": True},
    )
    more_on: EventName | None = Field(
        None,
        title="One more on event",
        description="While it runs, each event of this name adds a pass; the event's data is its item.",
        json_schema_extra={"advanced": True, **_FOR_EACH},
    )
    enough: Any = Field(
        None,
        title="Enough",
        description="Goes on before every pass is done: after that many, or when this is true. "
        "Asked after each pass; item is what it gave, index how many are done.",
        json_schema_extra={"widget": "expression", "placeholder": "{{ item.score > `0.9` }}", "advanced": True},
    )
    enough_on: EventName | None = Field(
        None,
        title="Enough on event",
        description="Goes on when this event comes.",
        json_schema_extra={"advanced": True},
    )
    cancel_rest: bool = Field(
        False,
        title="Cancel the rest",
        description="When it is enough: stop the passes that still run. Off: they run out without effect.",
        json_schema_extra={"advanced": True},
    )

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> Self:
        needed = {"for_each": "items", "while": "condition", "repeat": "times"}.get(self.mode)
        if needed is not None and needed not in self.model_fields_set:
            raise ValueError(f"a loop of mode '{self.mode}' needs '{needed}'")
        if self.more_on is not None and self.mode != "for_each":
            raise ValueError("more_on adds items, so it needs the mode 'for_each'")
        return self
