"""Compute with Python."""

from typing import Any

from pydantic import Field

from awe_app.domain.sandbox import Program
from awe_app.tools.base import Arguments, BaseTool, ToolContext


class PythonExecutorArguments(Arguments):
    code: str = Field(
        description="Python without files, network, generators and class inheritance. "
        "The value of the last line is the result; what is printed comes back too.",
        min_length=1,
        max_length=64_000,
    )
    inputs: dict[str, Any] = Field({}, description="Values that the code sees as names.")


class PythonExecutor(BaseTool[PythonExecutorArguments]):
    """Run a short Python program in a sandbox, and get its result and what it printed."""

    name = "python_executor"

    async def run(self, ctx: ToolContext[PythonExecutorArguments]) -> dict[str, Any]:
        ran = await ctx.capabilities.sandbox.run(Program(ctx.arguments.code, ctx.arguments.inputs))
        return {"result": ran.value, "printed": ran.printed}
