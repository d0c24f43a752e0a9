"""Ask a person."""

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.ids import utc_now
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings


class AskedField(BaseModel):
    """One thing to fill in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    type: Literal["text", "long_text", "number", "integer", "boolean", "select"] = "text"
    label: str = Field("", max_length=200)
    required: bool = False
    options: tuple[str, ...] = Field((), description="The choices of a select.", max_length=100)


class AskHumanArguments(Arguments):
    message: str = Field(
        description="The question, with all that is needed to answer it.", min_length=1, max_length=8000
    )
    choices: tuple[str, ...] = Field((), description="Answers to choose one of, if it is a choice.", max_length=50)
    form: tuple[AskedField, ...] = Field((), description="What to fill in, if one text is not enough.", max_length=20)


class AskHumanSettings(ToolSettings):
    assignees: tuple[str, ...] = Field(
        (), title="Who may answer", description="User names; the owner always may.", max_length=50
    )
    timeout_s: float | None = Field(
        None, title="Seconds to wait", description="Empty: as long as it takes.", gt=0, allow_inf_nan=False
    )


class AskHuman(BaseTool[AskHumanArguments]):
    """Ask a person a question and wait for the answer: {decision, by, comment, form}.

    The decision is approved or rejected; a choice is in form.choice, a text in form.answer, the rest by its own name.
    The wait survives restarts and holds nothing.
    """

    name = "ask_human"
    waits = True
    Settings = AskHumanSettings

    async def run(self, ctx: ToolContext[AskHumanArguments]) -> dict[str, Any]:
        settings = ctx.settings if isinstance(ctx.settings, AskHumanSettings) else AskHumanSettings.model_validate({})
        if ctx.waiting is None:
            wait = timedelta(seconds=settings.timeout_s) if settings.timeout_s is not None else None
            ctx.log("Asks a person")
            raise Paused("approval", utc_now() + wait if wait else None, _question(ctx.arguments, settings))
        if ctx.signal is not None:
            answer = {key: ctx.signal.get(key) for key in ("decision", "by", "comment", "form")}
            ctx.log(f"{str(answer['decision']).capitalize()} by {answer['by']}")
            return answer
        if ctx.waiting.until is not None and ctx.waiting.until <= utc_now():
            raise NodeFailed("APPROVAL_TIMEOUT", "nobody answered in time")
        raise Paused("approval", ctx.waiting.until, ctx.waiting.data)


def _question(arguments: AskHumanArguments, settings: AskHumanSettings) -> dict[str, Any]:
    form = [field.model_dump(mode="json") for field in arguments.form]
    names = {field.name for field in arguments.form}
    if arguments.choices and "choice" not in names:
        choice = AskedField(
            name="choice", type="select", label="Choice", required=True, options=tuple(dict.fromkeys(arguments.choices))
        )
        form.insert(0, choice.model_dump(mode="json"))
    if not form:
        form.append(AskedField(name="answer", type="long_text", label="Answer", options=()).model_dump(mode="json"))
    return {"message": arguments.message, "assignees": list(settings.assignees), "form": form}
