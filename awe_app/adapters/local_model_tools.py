"""How the bundled model calls tools: by a plain convention, since a model of 135M knows no format for it.

It cannot choose well whether a tool is needed (asked to, it called the calculator to say hello), so it is not asked:
it calls each tool whose name stands in the prompt or the role ("use the calculator …"), once, in that order, and then
answers with the results, short ones as they are. What it does itself is to fill in the required arguments, held by a
grammar: texts are copied out of the prompt, everything else follows the tool's schema. 16 of 20 everyday sums reach the
calculator as they should; ``docs/models.md`` has the figures.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from awe_app.adapters.openai_requests import file_text
from awe_app.domain.models import Attachment, ChatRequest, FunctionSpec, Message, ModelFailed

MAX_WORDS = 60
"""Of a prompt that are looked through for texts to copy; all runs of them go into the grammar."""
MAX_RUN = 20
"""Words of a text that is copied."""
_ENDS = ".,;:!?"
ARGUMENT_TOKENS = 256
MAX_STATED = 80
"""Characters of a result that is short."""
_EXAMPLES = (
    ("web_search (Searches the web.)", "query", "who built the Eiffel Tower", "Use web_search to find {}."),
    ("measure (Measures a distance.)", "formula", "3.5 * 20 + 8", "How far is {}?"),
    ("weather (The weather of a city.)", "city", "Rome", "What is the weather in {}?"),
    ("area (Calculates an area.)", "formula", "120 / (4 - 1)", "Please tell me {}"),
)
_ROLE = "You copy what a tool needs out of a text, as JSON."


def next_tool(request: ChatRequest) -> FunctionSpec | None:
    """The tool to call now; None when it is time to answer."""
    start = _last_question(request)
    called = {call.name for message in request.messages[start:] for call in message.tool_calls}
    role = " ".join(message.content for message in request.messages[:start] if message.role == "system")
    words = f"{request.messages[start].content}\n{role}" if request.messages else ""
    named = [(place, tool) for tool in request.tools if (place := _place(tool.name, words)) is not None]
    named.sort(key=lambda entry: entry[0])
    return next((tool for _place, tool in named if tool.name not in called), None)


def arguments_request(request: ChatRequest, tool: FunctionSpec) -> ChatRequest | None:
    """What the model is asked for a tool's arguments; None when it takes none."""
    schema = _needed(tool.parameters)
    if not schema["properties"]:
        return None
    text = _around(request.messages[_last_question(request)].content, tool.name)
    copied = list(_runs(text, tool.name))
    properties = {name: _copying(part, copied) for name, part in schema["properties"].items()}
    messages = [Message("system", _ROLE)]
    for shown, field, value, sentence in _EXAMPLES:
        messages.append(Message("user", _form(shown, field, sentence.format(value))))
        messages.append(Message("assistant", f'{{"{field}": "{value}"}}'))
    description = tool.description.partition("\n")[0][:200]
    messages.append(Message("user", _form(f"{tool.name} ({description})", ", ".join(properties), text)))
    return ChatRequest(
        tuple(messages),
        temperature=0.0,
        max_tokens=ARGUMENT_TOKENS,
        output_schema={**schema, "properties": properties},
    )


def stated_results(request: ChatRequest) -> str | None:
    """Short results as the answer itself: this model spoils a number by commenting on it (12 of 20 were said right).

    None when there are none, when one is longer than a line, or when the answer has to follow a schema.
    """
    names = {call.id: call.name for message in request.messages for call in message.tool_calls}
    results = [message for message in request.messages[_last_question(request) :] if message.role == "tool"]
    short = all(0 < len(result.content) <= MAX_STATED and "\n" not in result.content for result in results)
    if not results or not short or request.output_schema is not None:
        return None
    said = (f"{names.get(result.tool_call_id or '', 'tool')} says {result.content}" for result in results)
    return " ".join(f"The {text.removesuffix('.')}." for text in said)


def plain_messages(request: ChatRequest) -> tuple[Message, ...]:
    """The conversation without calls: results stand below the question they belong to.

    Raises:
        ModelFailed: ``UNSUPPORTED_INPUT`` for a file that is no text.
    """
    plain: list[Message] = []
    names: dict[str, str] = {}
    for message in request.messages:
        names.update((call.id, call.name) for call in message.tool_calls)
        if message.role == "tool":
            said = f"\n\nResult of {names.get(message.tool_call_id or '', 'the tool')}: {message.content}"
            place = next((at for at in reversed(range(len(plain))) if plain[at].role == "user"), None)
            if place is None:
                plain.append(Message("user", said.strip()))
            else:
                plain[place] = Message("user", plain[place].content + said)
        elif message.content or message.attachments or not message.tool_calls:
            files = "".join(f"\n\n{_text(file)}" for file in message.attachments)
            plain.append(Message(message.role, message.content + files))
    return tuple(plain)


def _text(file: Attachment) -> str:
    text = file_text(file)
    if text is None:
        hint = "choose a model with the ability 'vision', or read the file with the tool file_reader"
        raise ModelFailed("UNSUPPORTED_INPUT", f"the local model cannot look at {file.name}", hint)
    return text


def _last_question(request: ChatRequest) -> int:
    places = [at for at, message in enumerate(request.messages) if message.role == "user"]
    return places[-1] if places else 0


def _place(name: str, words: str) -> int | None:
    """Where a tool is named, ``web_search`` also as "web search"."""
    pattern = re.escape(name.lower()).replace("_", "[_ -]")
    found = re.search(rf"(?<![\w-]){pattern}(?![\w-])", words.lower())
    return found.start() if found else None


def _needed(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with the required properties only: what a tool can do without is best left to it."""
    required = [name for name in parameters.get("required", ()) if name in parameters.get("properties", {})]
    schema = {
        "type": "object",
        "properties": {name: parameters["properties"][name] for name in required},
        "required": required,
        "additionalProperties": False,
    }
    return {**schema, "$defs": parameters["$defs"]} if "$defs" in parameters else schema


def _copying(schema: Any, copied: list[str]) -> Any:
    free = isinstance(schema, Mapping) and not schema.keys() & {"enum", "const", "pattern", "format"}
    if not free or schema.get("type") != "string":
        return schema
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    fitting = [text for text in copied if shortest <= len(text) <= longest]
    return {"enum": fitting} if fitting else schema


def _form(tool: str, fields: str, text: str) -> str:
    return f"Text: {text}\nTool: {tool}\nFields: {fields}"


def _around(text: str, name: str) -> str:
    """The words around the place that names the tool."""
    words = text.split()
    if len(words) <= MAX_WORDS:
        return " ".join(words)
    at = _place(name, text)
    before = len(text[:at].split()) if at is not None else 0
    start = max(0, min(before - MAX_WORDS // 3, len(words) - MAX_WORDS))
    return " ".join(words[start : start + MAX_WORDS])


def _runs(text: str, name: str) -> Iterator[str]:
    """Every run of words once, without the punctuation around it; none that names the tool or splits brackets."""
    words = text.split()
    seen: set[str] = set()
    for start in range(len(words)):
        for end in range(start + 1, min(start + MAX_RUN, len(words)) + 1):
            run = " ".join(words[start:end]).rstrip(_ENDS).strip("\"'`").rstrip(_ENDS)
            if run and run not in seen and _place(name, run) is None and run.count("(") == run.count(")"):
                seen.add(run)
                yield run
