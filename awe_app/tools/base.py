"""What a tool declares. Agents and the tool node use the same ones.

A tool is one class in one file: a name, a description that a model can choose by, its arguments as a pydantic model,
and ``run``. ``GET /api/tools`` and what a model is told are derived from that; nothing else has to be written.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from awe_app.domain.errors import NodeFailed
from awe_app.domain.events import NodeWaiting
from awe_app.domain.ids import UserId
from awe_app.domain.models import FunctionSpec, Usage
from awe_app.domain.options import Parent
from awe_app.domain.protocols import Capabilities
from awe_app.domain.values import has_expression


class Arguments(BaseModel):
    """Arguments of a tool. Field descriptions are what a model reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoArguments(Arguments):
    """For tools that need none."""


class OpenArguments(Arguments):
    """For tools whose functions are known only once their settings are: they check against what they offered."""

    model_config = ConfigDict(extra="allow", frozen=True)


class ToolSettings(BaseModel):
    """How one agent uses a tool: ``settings`` in its list of tools. Never secrets; those go by reference."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoSettings(ToolSettings):
    """For tools that have none."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A function that a tool offers to a model."""

    function: FunctionSpec
    requires_approval: bool = False


ArgumentsType = type[Arguments]
ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(slots=True)
class ToolContext(Generic[ArgumentsT]):
    """All that one call of a tool may see and do."""

    arguments: ArgumentsT
    user_id: UserId | None
    capabilities: Capabilities
    idempotency_key: str
    """The same for every try of this call."""
    log: Callable[..., None] = field(default=lambda *a, **k: None)
    """``log(message, level="info", **data)`` adds a line to the execution's log."""
    settings: ToolSettings = field(default_factory=NoSettings)
    """Of the tool's own ``Settings`` model."""
    function: str = ""
    """Which of the functions it offered is called; the tool's name where it offers but one."""
    parent: Parent | None = None
    """The execution that calls it, and where in it an answer for this call arrives: the path of the node instance,
    or ``answer_key`` of it and the call's own question."""
    waiting: NodeWaiting | None = None
    """What this call was waiting for when it was woken, if it was: a tool may raise ``Paused``."""
    signal: Mapping[str, Any] | None = None
    """What woke it: an answer to its question, the end of the execution it started."""
    spend: Callable[[Usage], None] = field(default=lambda _usage: None)
    """``spend(usage)`` adds tokens and cost to the caller's account."""


class BaseTool(Generic[ArgumentsT]):
    """Base of all tools. The docstring's first paragraph is the description that people and models read."""

    name: ClassVar[str]
    """``^[a-z][a-z0-9_]{0,63}$``, as models want it."""
    requires_approval: ClassVar[bool] = False
    """True when an agent should not call it before a person has agreed."""
    reads_untrusted: ClassVar[bool] = False
    """True when what it gives was written by strangers: web pages, other servers' answers."""
    reads_private: ClassVar[bool] = False
    """True when what it gives is the user's own: files, collections, memories."""
    sends_out: ClassVar[bool] = False
    """True when its arguments leave this machine to where the model says."""
    foreign_words: ClassVar[bool] = False
    """True when strangers wrote what models are told of its functions, as with another server's tools."""
    waits: ClassVar[bool] = False
    """True when it may raise ``Paused``: an agent makes such calls one after another, so that each gets its answer."""
    Arguments: ClassVar[ArgumentsType]
    Settings: ClassVar[type[ToolSettings]] = NoSettings

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if inspect.isclass(argument) and issubclass(argument, Arguments):
                    cls.Arguments = argument

    async def run(self, ctx: ToolContext[ArgumentsT]) -> Any:
        """Do the work and give JSON; raise ``NodeFailed`` when it cannot be done, ``Paused`` when it has to wait."""
        raise NotImplementedError

    @classmethod
    async def offers(cls, settings: ToolSettings, user_id: UserId | None, capabilities: Capabilities) -> list[Offer]:
        """What a model is offered with these settings; most tools offer one function, themselves.

        Raises:
            NodeFailed: what the settings name cannot be found or reached.
        """
        function = FunctionSpec(cls.name, cls.description(), cls.parameters())
        return [Offer(function, cls.requires_approval)]

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        """True when the settings name where these arguments may go, whatever the model has read before.

        A tool that sends out and whose settings have a list of allowed hosts says so here; else a person is asked
        once an agent has seen both private data and strangers' text.
        """
        return False

    @classmethod
    def description(cls) -> str:
        """The first paragraph of the class docstring."""
        return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())

    @classmethod
    def parameters(cls) -> dict[str, Any]:
        """The JSON Schema of the arguments."""
        return cls.Arguments.model_json_schema()

    @classmethod
    def as_json(cls) -> dict[str, Any]:
        """The tool as ``GET /api/tools`` shows it."""
        return {
            "name": cls.name,
            "description": cls.description(),
            "parameters": cls.parameters(),
            "requires_approval": cls.requires_approval,
            "settings": cls.Settings.model_json_schema(),
            "reads_untrusted": cls.reads_untrusted,
            "reads_private": cls.reads_private,
            "sends_out": cls.sends_out,
        }


async def call(tool: type[BaseTool[Any]], arguments: Any, ctx: Callable[[Arguments], ToolContext[Any]]) -> Any:
    """Check the arguments and run the tool once, in the context made for them.

    Raises:
        NodeFailed: ``INVALID_ARGUMENTS`` with every finding, or what the tool raises.
        Paused: it waits.
    """
    return await tool().run(ctx(read_arguments(tool, arguments)))


def read_arguments(tool: type[BaseTool[Any]], arguments: Any) -> Arguments:
    """The arguments as the tool's own model. Raises NodeFailed ``INVALID_ARGUMENTS``; values are not repeated."""
    if not isinstance(arguments, Mapping):
        raise NodeFailed("INVALID_ARGUMENTS", f"{tool.name}: arguments must be an object")
    try:
        return tool.Arguments.model_validate(dict(arguments))
    except ValidationError as error:
        detail = f"{tool.name}: {'; '.join(_findings(error, 'argument').values())}"
        raise NodeFailed("INVALID_ARGUMENTS", detail, f"its arguments are {_known(tool.Arguments)}") from None


def read_settings(tool: type[BaseTool[Any]], settings: Mapping[str, Any]) -> ToolSettings:
    """The settings as the tool's own model. Raises NodeFailed ``INVALID_SETTING``; values are not repeated."""
    try:
        return tool.Settings.model_validate(dict(settings))
    except ValidationError as error:
        detail = f"{tool.name}: {'; '.join(_findings(error, 'setting').values())}"
        raise NodeFailed("INVALID_SETTING", detail, f"its settings are {_known(tool.Settings)}") from None


def setting_problems(tool: type[BaseTool[Any]], settings: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with settings of the tool: dotted place → message. Expressions in them are no problem."""
    given = {key: value for key, value in settings.items() if not has_expression(value)}
    try:
        tool.Settings.model_validate(given)
    except ValidationError as error:
        found = _findings(error, "setting")
        return {place: message for place, message in found.items() if place not in settings or place in given}
    return {}


def _known(shape: type[BaseModel]) -> str:
    return ", ".join(shape.model_fields) or "none"


def _findings(error: ValidationError, noun: str) -> dict[str, str]:
    problems = error.errors(include_url=False, include_input=False)
    return {".".join(str(part) for part in problem["loc"]): _finding(problem, noun) for problem in problems}


def _finding(problem: Any, noun: str) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"'{where}' is missing"
    if problem["type"] == "extra_forbidden":
        return f"there is no {noun} '{where}'"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"'{where}' {message}" if where else message
