"""A request in OpenAI's words, which the direct client sends, litellm translates and the local model reads."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from awe_app.domain.models import Attachment, ChatRequest, FunctionSpec, Message, ModelFailed

ANSWER = "answer"
"""What providers are told a schema is called."""
_NO_STRICT = frozenset(("allOf", "not", "if", "then", "else", "oneOf", "dependentRequired", "patternProperties"))
"""What OpenAI's strict mode refuses in a schema."""


def messages_of(request: ChatRequest) -> list[dict[str, Any]]:
    """The conversation.

    Raises:
        ModelFailed: ``UNSUPPORTED_INPUT`` for an attachment that is neither text, image nor PDF.
    """
    return [_message(message) for message in request.messages]


def tools_of(functions: Iterable[FunctionSpec]) -> list[dict[str, Any]]:
    """What may be called."""
    return [
        {
            "type": "function",
            "function": {
                "name": function.name,
                "description": function.description,
                "parameters": dict(function.parameters),
            },
        }
        for function in functions
    ]


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's form; strict where the schema is of the kind that strict mode takes."""
    shape = {"name": ANSWER, "schema": dict(schema), "strict": takes_strict(schema)}
    return {"type": "json_schema", "json_schema": shape}


def takes_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes a schema: closed objects that need all they name, at the top an object."""
    return isinstance(schema, Mapping) and schema.get("type") == "object" and _all_closed(schema)


def _all_closed(schema: Any) -> bool:
    if isinstance(schema, bool) or not isinstance(schema, Mapping) or schema.keys() & _NO_STRICT:
        return False
    if not schema.keys() & {"type", "enum", "const", "anyOf", "$ref"}:
        return False  # anything at all
    properties = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
    if (schema.get("type") == "object" or "properties" in schema) and not closed:
        return False
    parts = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    if schema.get("type") == "array":
        parts.append(schema.get("items"))
    return all(_all_closed(part) for part in parts)


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": message.content}
    if message.tool_calls:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _object(call.arguments)}}
            for call in message.tool_calls
        ]
        return {"role": message.role, "content": message.content or None, "tool_calls": calls}
    if message.attachments:
        parts: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
        return {"role": message.role, "content": [*parts, *(_part(file) for file in message.attachments)]}
    return {"role": message.role, "content": message.content}


def _object(arguments: str) -> str:
    """The arguments of an earlier call as an object in JSON: providers refuse to be shown what else a model wrote."""
    try:
        value: Any = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        value = None
    return (arguments or "{}") if isinstance(value, dict) else json.dumps({"unreadable": arguments})


def needs_vision(request: ChatRequest) -> bool:
    """Whether a file goes along that is no text."""
    return any(file_text(file) is None for message in request.messages for file in message.attachments)


def file_text(file: Attachment) -> str | None:
    """A text file as models without eyes read it; None for all others."""
    kind = _media_type(file)
    if kind.startswith("text/") or kind in ("application/json", "application/xml"):
        return f"File {file.name}:\n{file.data.decode('utf-8', errors='replace')}"
    return None


def _media_type(file: Attachment) -> str:
    return file.media_type.partition(";")[0].strip().lower()


def _part(file: Attachment) -> dict[str, Any]:
    kind, text = _media_type(file), file_text(file)
    if text is not None:
        return {"type": "text", "text": text}
    address = f"data:{kind};base64,{base64.b64encode(file.data).decode()}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": address}}
    if kind == "application/pdf":
        return {"type": "file", "file": {"filename": file.name, "file_data": address}}
    hint = "give text, an image or a PDF, or read the file with the tool file_reader first"
    raise ModelFailed("UNSUPPORTED_INPUT", f"{file.name}: models do not take {kind or 'such files'}", hint)
