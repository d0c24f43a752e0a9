"""Reads what MCP servers send. All of it was written by strangers: bounded, named, and never trusted."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from awe_app.domain.mcp import MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_SCHEMA_CHARS, McpAnswer, McpFunction

_SAID = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
"""What counts for the fingerprint: all that a model or a person may go by."""
_DEEPEST = 32


def read_function(tool: Mapping[str, Any]) -> McpFunction:
    """A function out of a server's list of tools."""
    said = {key: tool[key] for key in _SAID if tool.get(key) is not None}
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, allow_nan=True)
    annotations = tool.get("annotations") or {}
    parameters = tool.get("inputSchema") or {}
    problem = _problem(str(tool["name"]), parameters)
    return McpFunction(
        name=_plain(str(tool["name"]))[:MAX_NAME_CHARS],
        description=_plain(str(tool.get("description") or tool.get("title") or ""))[:MAX_DESCRIPTION_CHARS],
        parameters={} if problem else parameters,
        read_only=annotations.get("readOnlyHint") is True and annotations.get("destructiveHint") is not True,
        fingerprint=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        problem=problem,
    )


def read_answer(result: Any) -> McpAnswer:
    """What a call gave, as a tool hands it on."""
    if result.structured_content is not None and not result.is_error:
        return McpAnswer(result.structured_content, False)
    return McpAnswer("\n".join(_as_text(block) for block in result.content), bool(result.is_error))


def _problem(name: str, parameters: Any) -> str:
    if not name or len(name) > MAX_NAME_CHARS or name != _plain(name):
        return "its name is empty, too long or holds characters that cannot be shown"
    if not isinstance(parameters, dict) or parameters.get("type") != "object":
        return "its parameters are no JSON Schema of an object"
    if _depth(parameters) > _DEEPEST:
        return f"its parameters are nested deeper than {_DEEPEST} levels"
    if len(json.dumps(parameters)) > MAX_SCHEMA_CHARS:
        return f"its parameters take more than {MAX_SCHEMA_CHARS:,} characters"
    try:
        jsonschema.Draft202012Validator.check_schema(parameters)
    except (jsonschema.SchemaError, RecursionError):
        return "its parameters are no valid JSON Schema"
    return ""


def _depth(value: Any) -> int:
    """How deep it is nested, counted without recursion and only as far as it matters."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


def _as_text(block: Any) -> str:
    if block.type == "text":
        return block.text
    if block.type in ("image", "audio"):
        return f"[{block.type}, {_plain(block.mime_type)[:100]}, {len(block.data) * 3 // 4:,} bytes]"
    if block.type == "resource" and (text := getattr(block.resource, "text", None)) is not None:
        return text
    if block.type == "resource":
        return f"[file {_plain(str(block.resource.uri))[:500]}]"
    return f"[link {_plain(str(getattr(block, 'uri', '')))[:500]}]"


def _plain(text: str) -> str:
    """Without what cannot be seen: control characters, and the marks that hide text or turn it round."""
    return "".join(c for c in text if c in "\n\t" or (c.isprintable() and not "\U000e0000" <= c <= "\U000e007f"))
