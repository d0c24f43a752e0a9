"""Ask a language model."""

from collections.abc import Iterator, Mapping
from typing import Any

from awe_app.agents.base import AgentContext, Task
from awe_app.agents.settings import AgentSettings, Limits, MemorySettings, ToolUse
from awe_app.agents.unified import UnifiedLLMAgent
from awe_app.domain.errors import Issue, NodeFailed
from awe_app.domain.node import Node, NodeContext, Outputs
from awe_app.domain.options import Parent
from awe_app.domain.values import as_text
from awe_app.nodes.agent_config import AgentConfig
from awe_app.tools.base import setting_problems
from awe_app.tools.registry import discover_tools, unknown

MOST_FILES = 20


class Agent(Node[AgentConfig]):
    """Ask a language model, let it use tools, and hand on what it answers."""

    type, title, icon, category = "agent", "Agent", "bot", "AI"
    effectful = True

    async def run(self, ctx: NodeContext[AgentConfig]) -> Outputs:
        task = Task(as_text(ctx.config.user_prompt), _files(ctx.config.attachments))
        context = AgentContext(
            capabilities=ctx.capabilities,
            user_id=ctx.user_id,
            idempotency_key=ctx.idempotency_key,
            parent=Parent(ctx.execution_id, ctx.path),
            log=ctx.log,
            stream=ctx.stream,
            spend=ctx.spend,
            steps=ctx.steps,
            conversation=ctx.conversation,
            say=ctx.say,
            waiting=ctx.waiting,
            signal=ctx.signal,
        )
        answer = await UnifiedLLMAgent(ctx.node_id, _settings(ctx.config)).run(task, context)
        return {"out": answer.value}

    @classmethod
    def issues(cls, config: Mapping[str, Any]) -> Iterator[Issue]:
        entries = config.get("tools")
        for place, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
            is_use = isinstance(entry, Mapping)
            name, settings = (entry.get("name"), entry.get("settings", {})) if is_use else (entry, {})
            if not isinstance(name, str) or not name or "{{" in name:
                continue
            tool = discover_tools().get(name)
            if tool is None:
                yield Issue("error", "UNKNOWN_TOOL", unknown(name), field=f"tools.{place}")
            elif isinstance(settings, Mapping):
                for where, message in setting_problems(tool, settings).items():
                    field = f"tools.{place}.settings.{where}".rstrip(".")
                    yield Issue("error", "INVALID_SETTING", f"{name}: {message}", field=field)

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return " · ".join(part for part in (_model_of(config), _tools_of(config), _memory_of(config)) if part)


def _model_of(config: Mapping[str, Any]) -> str:
    model, provider = config.get("model"), config.get("provider")
    if provider == "local" or (isinstance(model, str) and model.startswith("local/")):
        return "Local model"
    return model.rpartition("/")[2] if isinstance(model, str) and model else "Default model"


def _tools_of(config: Mapping[str, Any]) -> str:
    tools = config.get("tools")
    count = len(tools) if isinstance(tools, list | tuple) else 0
    return f"{count} tool{'s' if count > 1 else ''}" if count else ""


def _memory_of(config: Mapping[str, Any]) -> str:
    memory = config.get("memory")
    remembers = isinstance(memory, Mapping) and (memory.get("short_term") or memory.get("long_term"))
    return "memory" if remembers else ""


def _settings(config: AgentConfig) -> AgentSettings:
    return AgentSettings(
        provider=config.provider or None,
        model=config.model or None,
        system_prompt=as_text(config.system_prompt),
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        output_schema=config.output_schema,
        fallback_models=config.fallback_models,
        model_retries=config.model_retries,
        max_iterations=config.max_iterations,
        cache=config.cache,
        tools=tuple(
            ToolUse(entry) if isinstance(entry, str) else ToolUse(entry.name, entry.requires_approval, entry.settings)
            for entry in config.tools
        ),
        memory=MemorySettings(**config.memory.model_dump()) if config.memory else MemorySettings(),
        limits=Limits(**config.budget.model_dump()) if config.budget else Limits(),
    )


def _files(value: Any) -> tuple[str, ...]:
    """Paths, of one file or a list; nothing where an optional field was left empty."""
    given = value if isinstance(value, list | tuple) else [value]
    paths = [each for each in given if each is not None and each != ""]
    for each in paths:
        if not isinstance(each, str):
            raise NodeFailed("INVALID_SETTING", f"attachments: {as_text(each)[:100]} is no path of a file")
    if len(paths) > MOST_FILES:
        raise NodeFailed("INVALID_SETTING", f"attachments: {len(paths)} files; {MOST_FILES} at most go along")
    return tuple(paths)
