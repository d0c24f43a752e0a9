"""Call a tool."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.errors import Issue
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.options import Parent
from awe_app.tools.base import Arguments, OpenArguments, ToolContext, call, read_settings, setting_problems
from awe_app.tools.registry import discover_tools, find_tool, unknown


class ToolConfig(NodeConfig):
    tool: str = Field(
        title="Tool",
        description="Its name; GET /api/tools lists them.",
        min_length=1,
        max_length=64,
        json_schema_extra={"widget": "select", "options": list(discover_tools())},
    )
    arguments: dict[str, Any] = Field(
        {},
        title="Arguments",
        description="What the tool is given, by name.",
        json_schema_extra={"widget": "json", "placeholder": '{"expression": "{{ inputs.a }} * 2"}'},
    )

    settings: dict[str, Any] = Field(
        {},
        title="Settings",
        description="How the tool is used here, where it has settings of its own.",
        json_schema_extra={"widget": "json", "advanced": True, "placeholder": '{"engine": "searxng"}'},
    )


class Tool(Node[ToolConfig]):
    """Call a tool, and hand on what it gives."""

    type, title, icon, category = "tool", "Tool", "wrench", "Data"
    effectful = True

    async def run(self, ctx: NodeContext[ToolConfig]) -> Outputs:
        tool = find_tool(ctx.config.tool)
        settings = read_settings(tool, ctx.config.settings)

        def context(arguments: Arguments) -> ToolContext[Any]:
            return ToolContext(
                arguments=arguments,
                user_id=ctx.user_id,
                capabilities=ctx.capabilities,
                idempotency_key=ctx.idempotency_key,
                log=ctx.log,
                settings=settings,
                function=tool.name,
                parent=Parent(ctx.execution_id, ctx.path),
                waiting=ctx.waiting,
                signal=ctx.signal,
                spend=ctx.spend,
            )

        value = await call(tool, ctx.config.arguments, context)
        return {"out": value}

    @classmethod
    def issues(cls, config: Mapping[str, Any]) -> Iterator[Issue]:
        name = config.get("tool")
        if not isinstance(name, str) or not name or "{{" in name:
            return
        tool = discover_tools().get(name)
        if tool is None:
            yield Issue("error", "UNKNOWN_TOOL", unknown(name), field="tool")
            return
        arguments, settings = config.get("arguments"), config.get("settings", {})
        if isinstance(arguments, Mapping) and not issubclass(tool.Arguments, OpenArguments):
            for key in arguments:
                if key not in tool.Arguments.model_fields:
                    message = (
                        f"{name} has no argument '{key}'; its arguments are {', '.join(tool.Arguments.model_fields)}"
                    )
                    yield Issue("error", "INVALID_ARGUMENTS", message, field=f"arguments.{key}")
        if isinstance(settings, Mapping):
            for place, message in setting_problems(tool, settings).items():
                yield Issue("error", "INVALID_SETTING", f"{name}: {message}", field=f"settings.{place}".rstrip("."))

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("tool") or "")
