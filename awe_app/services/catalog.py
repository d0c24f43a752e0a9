"""What there is to build with: node types, tools and models."""

from functools import cached_property
from typing import Any

from awe_app.domain.accounts import User
from awe_app.domain.models import ModelDirectory, ModelInfo
from awe_app.domain.node import Node, Port
from awe_app.nodes.registry import NodeTypes
from awe_app.tools.registry import discover_tools


class Catalog:
    """The reference that ``GET /api/nodes``, ``GET /api/tools`` and ``GET /api/models`` show."""

    def __init__(self, node_types: NodeTypes, models: ModelDirectory) -> None:
        self._node_types = node_types
        self._tools = [tool.as_json() for tool in discover_tools().values()]
        self._models = models

    def nodes(self) -> list[dict[str, Any]]:
        """Every node type with its ports and the JSON Schema of its settings."""
        return self._nodes

    @cached_property
    def _nodes(self) -> list[dict[str, Any]]:
        """Made when somebody first asks: twenty schemas would make every start longer."""
        return [_entry(node_type) for node_type in self._node_types.values()]

    def tools(self) -> list[dict[str, Any]]:
        """Every tool with the JSON Schema of its arguments."""
        return self._tools

    async def models(self, user: User) -> list[ModelInfo]:
        """Every model the user may use, the default first."""
        return await self._models.list(user.id)


def _entry(node_type: type[Node[Any]]) -> dict[str, Any]:
    return {
        "type": node_type.type,
        "title": node_type.title,
        "category": node_type.category,
        "description": node_type.description(),
        "icon": node_type.icon,
        "inputs": [_port(port) for port in node_type.inputs],
        "outputs": [_port(port) for port in node_type.outputs],
        "effectful": node_type.effectful,
        "config_schema": node_type.Config.model_json_schema(),
    }


def _port(port: Port) -> dict[str, str]:
    return {"name": port.name, "title": port.title or port.name}
