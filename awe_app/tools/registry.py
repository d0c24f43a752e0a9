"""Which tools there are: a file each in this folder, and third parties' by the entry point ``awe.tools``."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import awe_app.tools
from awe_app.domain.errors import NodeFailed
from awe_app.tools.base import BaseTool

Tools = Mapping[str, type[BaseTool[Any]]]

ENTRY_POINT_GROUP = "awe.tools"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@cache
def discover_tools() -> Tools:
    """All tools by name, in alphabetical order.

    Raises:
        ValueError: two classes have the same name, or one has a name that models cannot use.
    """
    found: dict[str, type[BaseTool[Any]]] = {}
    for tool in (*_built_in(), *_third_party()):
        if not _NAME.fullmatch(tool.name):
            raise ValueError(f"tool {tool!r} is called {tool.name!r}, which does not match {_NAME.pattern}")
        if tool.name in found:
            raise ValueError(f"tool {tool.name!r} is declared twice: {found[tool.name]!r}, {tool!r}")
        found[tool.name] = tool
    return MappingProxyType(dict(sorted(found.items())))


def find_tool(name: str) -> type[BaseTool[Any]]:
    """The tool of that name. Raises NodeFailed ``UNKNOWN_TOOL``."""
    tool = discover_tools().get(name)
    if tool is None:
        raise NodeFailed("UNKNOWN_TOOL", unknown(name))
    return tool


def unknown(name: str) -> str:
    """What to say of a name that no tool has."""
    return f"there is no tool '{name}'; known are {', '.join(discover_tools())}"


def _built_in() -> Iterator[type[BaseTool[Any]]]:
    for info in pkgutil.iter_modules(awe_app.tools.__path__):
        module = importlib.import_module(f"{awe_app.tools.__name__}.{info.name}")
        for _name, member in inspect.getmembers(module, inspect.isclass):
            if issubclass(member, BaseTool) and member is not BaseTool and member.__module__ == module.__name__:
                yield member


def _third_party() -> Iterator[type[BaseTool[Any]]]:
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        yield entry_point.load()
