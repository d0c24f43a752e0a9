"""``docs/nodes.md``, written from what the node types declare."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from awe_app.domain.node import Node, Port
from awe_app.nodes.registry import discover

PAGE = Path(__file__).resolve().parents[2] / "docs" / "nodes.md"

HEAD = """# Node types

Written by `python -m awe_app docs` from the declarations in `awe_app/nodes/`; do not edit. The settings of a node of
type `T` stand in the workflow file under `T_config`. Strings anywhere in them may hold `{{ expressions }}`.
"""


def nodes_page() -> str:
    """The page's Markdown."""
    parts = [HEAD]
    category = ""
    for node_type in discover().values():
        if node_type.category != category:
            category = node_type.category
            parts.append(f"\n## {category}\n")
        parts.append(_section(node_type))
    return "".join(parts)


def _section(node_type: type[Node[Any]]) -> str:
    lines = [f"\n### `{node_type.type}`: {node_type.title}\n", f"\n{node_type.description()}\n\n"]
    takes, leaves = _ports(node_type.inputs), _ports(node_type.outputs)
    lines.append(f"Takes in by {takes}, leaves by {leaves}.")
    if node_type.effectful:
        lines.append(" What comes before it is stored before it starts.")
    if not node_type.runs:
        lines.append(" It is not run.")
    lines.append("\n")
    schema = node_type.Config.model_json_schema()
    rows = [_row(name, field, schema) for name, field in schema.get("properties", {}).items()]
    if rows:
        lines += ["\n| setting | kind | default | meaning |\n|---|---|---|---|\n", *rows]
    return "".join(lines)


def _ports(ports: tuple[Port, ...]) -> str:
    return ", ".join(f"`{port.name}`" for port in ports) or "nothing"


def _row(name: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    required = name in schema.get("required", ())
    default = "required" if required else f"`{json.dumps(field.get('default'), ensure_ascii=False)}`"
    title, description = field.get("title", ""), field.get("description", "")
    meaning = f"{title}. {description}" if title and description else title or description
    return f"| `{name}` | {_kind(field, schema)} | {default} | {' '.join(meaning.split())} |\n".replace("||", "| |")


def _kind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return _kind(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_kind(option, schema) for option in field["anyOf"]))
    if field.get("type") == "array":
        item = field.get("items", {})
        return f"list of {_kind(item, schema)}" if item else "list"
    if field.get("type") == "object" and "properties" in field:
        return "object of " + ", ".join(f"`{key}`" for key in field["properties"])
    return str(field.get("type", "any"))
