"""Ask a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs, Port
from awe_app.nodes.input import InputField


class ApprovalConfig(NodeConfig):
    message: Any = Field(
        "", title="Question", description="What the person should decide.", json_schema_extra={"widget": "prompt"}
    )
    assignees: tuple[str, ...] = Field((), title="Who may answer", description="User names; the owner always may.")
    form: tuple[InputField, ...] = Field(
        (), title="Form", description="What to fill in with the answer.", json_schema_extra={"widget": "rows"}
    )
    timeout_s: float | None = Field(None, title="Seconds to wait", gt=0, description="Empty: as long as it takes.")
    on_timeout: Literal["approve", "reject", "fail"] = Field("fail", title="When nobody answers")


class Approval(Node[ApprovalConfig]):
    """Stop until a person approves or rejects; the wait survives restarts and holds nothing."""

    type, title, icon, category = "approval", "Approval", "user-check", "People"
    outputs = (Port("approved"), Port("rejected"))
    effectful = True

    async def run(self, ctx: NodeContext[ApprovalConfig]) -> Outputs:
        if ctx.signal is not None:
            answer = {key: ctx.signal.get(key) for key in ("decision", "by", "comment", "form")}
            ctx.log(f"{str(answer['decision']).capitalize()} by {answer['by']}")
            return {"approved" if answer["decision"] == "approved" else "rejected": answer}
        if ctx.waiting is None:
            until = ctx.now + timedelta(seconds=ctx.config.timeout_s) if ctx.config.timeout_s is not None else None
            ctx.log("Waits for an answer")
            raise Paused("approval", until, self._question(ctx.config))
        if ctx.waiting.until is None or ctx.waiting.until > ctx.now:
            raise Paused("approval", ctx.waiting.until, ctx.waiting.data)
        match ctx.config.on_timeout:
            case "fail":
                raise NodeFailed("APPROVAL_TIMEOUT", "nobody answered in time")
            case "approve":
                return {"approved": _by_timeout("approved")}
            case "reject":
                return {"rejected": _by_timeout("rejected")}

    @staticmethod
    def _question(config: ApprovalConfig) -> dict[str, Any]:
        form = [field.model_dump(mode="json") for field in config.form]
        return {"message": config.message, "assignees": list(config.assignees), "form": form}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("message") or "")


def _by_timeout(decision: str) -> dict[str, Any]:
    return {"decision": decision, "by": None, "comment": "nobody answered in time", "form": {}}
