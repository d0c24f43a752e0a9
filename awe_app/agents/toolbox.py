"""The tools of an agent: which functions they offer to its model, and whose a function is."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awe_app.agents.settings import ToolUse
from awe_app.agents.transcript import Function
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.models import FunctionSpec
from awe_app.domain.protocols import Capabilities
from awe_app.tools.base import BaseTool, ToolSettings, read_settings
from awe_app.tools.registry import find_tool

MOST_FUNCTIONS = 128
"""Providers take no more, and no model chooses well among so many."""
OWN = -1
"""Stands for the agent's own tool in place of a place in the list."""
_LONGEST_NAME = 64

FindTool = Callable[[str], type[BaseTool[Any]]]


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A tool with the settings it has in one agent."""

    tool: type[BaseTool[Any]]
    settings: ToolSettings
    requires_approval: bool | None = None


class Toolbox:
    """The tools of one agent."""

    def __init__(self, uses: Sequence[ToolUse], own: BoundTool | None = None, find: FindTool = find_tool) -> None:
        """Raises NodeFailed ``UNKNOWN_TOOL`` or ``INVALID_SETTING``."""
        self._bound: dict[int, BoundTool] = {}
        for place, use in enumerate(uses):
            tool = find(use.name)
            self._bound[place] = BoundTool(tool, read_settings(tool, use.settings), use.requires_approval)
        if own is not None:
            self._bound[OWN] = own

    def __bool__(self) -> bool:
        return bool(self._bound)

    def of(self, function: Function) -> BoundTool:
        """Whose function it is."""
        return self._bound[function.tool]

    async def functions(self, user_id: UserId | None, capabilities: Capabilities) -> tuple[Function, ...]:
        """All that they offer, under names that differ.

        Raises:
            NodeFailed: ``TOO_MANY_FUNCTIONS``, or what a tool raises that cannot be reached.
        """
        found: dict[str, Function] = {}
        for place, bound in self._bound.items():
            for offer in await bound.tool.offers(bound.settings, user_id, capabilities):
                asks = offer.requires_approval if bound.requires_approval is None else bound.requires_approval
                own = offer.function
                name = _free_name(own.name, found)
                found[name] = Function(FunctionSpec(name, own.description, own.parameters), place, own.name, asks)
        if len(found) > MOST_FUNCTIONS:
            detail = f"the agent's tools offer {len(found)} functions; a model takes {MOST_FUNCTIONS} at most"
            raise NodeFailed("TOO_MANY_FUNCTIONS", detail, "choose fewer tools, or fewer functions in their settings")
        return tuple(found.values())


def _free_name(wanted: str, taken: Mapping[str, Any]) -> str:
    wanted = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)[:_LONGEST_NAME] or "tool"
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[: _LONGEST_NAME - 1 - len(str(number))]}_{number}"
    return name
