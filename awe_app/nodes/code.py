"""Compute something with Python."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from awe_app.domain.errors import Issue
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.sandbox import Engine, Program


class CodeConfig(NodeConfig):
    code: str = Field(
        title="Python",
        description="Sees the node's inputs as names and as the dict inputs. "
        "Gives the value of the last line, or of the variable result.",
        min_length=1,
        max_length=64_000,
        json_schema_extra={"widget": "code", "placeholder": "words = text.split()\nlen(words)"},
    )
    engine: Engine = Field(
        "safe",
        title="Engine",
        description="safe: a part of Python, works everywhere. full: all of it with its standard library, on Linux.",
        json_schema_extra={"advanced": True},
    )


class Code(Node[CodeConfig]):
    """Compute something with Python, in a sandbox without files and network."""

    type, title, icon, category = "code", "Code", "code", "Data"
    effectful = True

    async def run(self, ctx: NodeContext[CodeConfig]) -> Outputs:
        ran = await ctx.capabilities.sandbox.run(Program(ctx.config.code, ctx.inputs, ctx.config.engine))
        for line in ran.printed.splitlines()[:100]:
            ctx.log(line[:2000])
        return {"out": ran.value}

    @classmethod
    def issues(cls, config: Mapping[str, Any]) -> Iterator[Issue]:
        code = config.get("code")
        if isinstance(code, str) and "{{" in code.replace("\\{{", ""):
            message = "{{ … }} becomes part of the program, so text could run as code; take it as an input of the node"
            yield Issue("warning", "EXPRESSION_IN_CODE", message, field="code")

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        lines = [line.strip() for line in str(config.get("code") or "").splitlines()]
        return next((line for line in lines if line and not line.startswith("#")), "")
