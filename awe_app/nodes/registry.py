"""Which node types there are: a file each in this folder, and third parties' by the entry point ``awe.nodes``."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import awe_app.nodes
from awe_app.domain.node import Node

NodeTypes = Mapping[str, type[Node[Any]]]

ENTRY_POINT_GROUP = "awe.nodes"


@cache
def discover() -> NodeTypes:
    """All node types by name, in the order of the palette's categories and titles.

    Raises:
        ValueError: two classes declare the same type.
    """
    found: dict[str, type[Node[Any]]] = {}
    for node_type in (*_built_in(), *_third_party()):
        if node_type.type in found:
            both = f"{found[node_type.type]!r}, {node_type!r}"
            raise ValueError(f"node type {node_type.type!r} is declared twice: {both}")
        found[node_type.type] = node_type
    ordered = sorted(found.values(), key=lambda t: (_CATEGORIES.get(t.category, len(_CATEGORIES)), t.title))
    return MappingProxyType({node_type.type: node_type for node_type in ordered})


_CATEGORIES = {name: place for place, name in enumerate(("Flow", "AI", "Logic", "Data", "People", "Notes"))}


def _built_in() -> Iterator[type[Node[Any]]]:
    for info in pkgutil.iter_modules(awe_app.nodes.__path__):
        module = importlib.import_module(f"{awe_app.nodes.__name__}.{info.name}")
        for _name, member in inspect.getmembers(module, inspect.isclass):
            if issubclass(member, Node) and member.__module__ == module.__name__:
                yield member


def _third_party() -> Iterator[type[Node[Any]]]:
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        yield entry_point.load()
