"""Settings of the agent node."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from awe_app.agents.structured import check_schema
from awe_app.domain.node import NodeConfig


class Budget(BaseModel):
    """What one run of the agent may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int | None = Field(None, ge=1, title="Tokens", description="Prompt and answer together.")
    usd: float | None = Field(None, gt=0, allow_inf_nan=False, title="US dollars")
    seconds: float | None = Field(None, gt=0, title="Seconds", description="Of calls; waiting for people is free.")
    calls: int | None = Field(None, ge=1, title="Calls", description="Of models and tools together.")


class UsedTool(BaseModel):
    """A tool, and how this agent uses it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(title="Tool", min_length=1, max_length=64)
    requires_approval: bool | None = Field(
        None, title="Ask first", description="A person agrees to each call. Empty: as the tool has it."
    )
    settings: dict[str, Any] = Field({}, title="Settings", description="The tool's own.")


class Memory(BaseModel):
    """What the agent remembers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    short_term: bool = Field(
        False,
        title="Conversation",
        description="Hears what agents of this run said under the same name, and adds to it.",
    )
    long_term: bool = Field(
        False, title="Across runs", description="Recalls what fits the prompt, and keeps what it learns."
    )
    namespace: str = Field("default", title="Name", min_length=1, max_length=100)
    top_k: int = Field(
        5,
        ge=1,
        le=50,
        title="Memories",
        description="How many to recall at most.",
        json_schema_extra={"show_when": {"long_term": [True]}},
    )
    store: Literal["turns", "facts", "both"] = Field(
        "turns",
        title="Keep",
        description="Each prompt with its answer, facts the model chooses (it needs to know tools), or both.",
        json_schema_extra={
            "show_when": {"long_term": [True]},
            "titles": {"turns": "Prompts and answers", "facts": "Facts it chooses", "both": "Both"},
        },
    )
    history_tokens: int | None = Field(
        None,
        ge=100,
        le=1_000_000,
        title="Room for the conversation",
        description="In tokens; the oldest go first.",
        json_schema_extra={"show_when": {"short_term": [True]}},
    )


def _kind_of_tool(value: Any) -> str:
    return "name" if isinstance(value, str) else "use"


ToolEntry = Annotated[Annotated[str, Tag("name")] | Annotated[UsedTool, Tag("use")], Discriminator(_kind_of_tool)]


class AgentConfig(NodeConfig):
    user_prompt: Any = Field(
        title="Prompt",
        description="What the agent is to do. {{ expressions }} put values in.",
        json_schema_extra={"widget": "prompt", "placeholder": "Write three questions about {{ inputs.text }}"},
    )
    model: str | None = Field(
        None,
        max_length=200,
        title="Model",
        description="Empty means your default model.",
        json_schema_extra={"widget": "model"},
    )
    system_prompt: Any = Field(
        "",
        title="Role",
        description="Who the agent is and how it answers; the system prompt.",
        json_schema_extra={"widget": "prompt", "placeholder": "You are a friendly editor. You answer briefly."},
    )
    tools: tuple[ToolEntry, ...] = Field(
        (),
        max_length=50,
        title="Tools",
        description="What it may use: names, or objects with name, requires_approval and settings.",
        json_schema_extra={"widget": "tools"},
    )
    memory: Memory | None = Field(
        None,
        title="Memory",
        description="What it remembers of this run (short_term) and of earlier ones (long_term).",
    )
    attachments: Any = Field(
        None,
        title="Files",
        description="Paths of your own files, one or a list: text, and pictures and PDFs for models that can see.",
        json_schema_extra={"widget": "expression", "placeholder": "{{ inputs.file }}"},
    )
    output_schema: dict[str, Any] | None = Field(
        None,
        title="Answer format",
        description="A JSON Schema. The output is then an object that follows it, not text.",
        json_schema_extra={"widget": "schema"},
    )
    temperature: float | None = Field(
        None,
        ge=0,
        le=2,
        title="Temperature",
        description="0 for the most likely answer, more for variety. Empty means the model's own default.",
        json_schema_extra={"widget": "number", "advanced": True},
    )
    max_tokens: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        title="Longest answer",
        description="In tokens; a token is about three quarters of an English word.",
        json_schema_extra={"widget": "number", "advanced": True},
    )
    provider: str | None = Field(
        None,
        max_length=100,
        title="Provider",
        description="Id of a provider in your settings; the model's own when empty.",
        json_schema_extra={"widget": "text", "advanced": True},
    )
    fallback_models: tuple[str, ...] = Field(
        (),
        max_length=10,
        title="Fallback models",
        description="Model ids, tried in order when the model fails.",
        json_schema_extra={"widget": "models", "advanced": True},
    )
    model_retries: int = Field(
        2,
        ge=0,
        le=10,
        title="Retries of a call",
        description="When the provider is busy, broken or silent.",
        json_schema_extra={"widget": "number", "advanced": True},
    )
    max_iterations: int = Field(
        10,
        ge=1,
        le=100,
        title="Most answers",
        description="Answers asked for in one run. When tools have used them up, one last answer comes without tools.",
        json_schema_extra={"widget": "number", "advanced": True},
    )
    cache: bool = Field(
        False,
        title="Reuse answers",
        description="The same question gets the answer it got before, at no cost; for a day at most.",
        json_schema_extra={"widget": "switch", "advanced": True},
    )
    budget: Budget | None = Field(
        None,
        title="Budget",
        description="Once it is spent, no further call is made.",
        json_schema_extra={"advanced": True},
    )

    @field_validator("output_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema:
            check_schema(schema)
        return schema or None

    @field_validator("user_prompt")
    @classmethod
    def _says_something(cls, prompt: Any) -> Any:
        if isinstance(prompt, str) and not prompt.strip():
            raise ValueError("is empty; say what the agent is to do")
        return prompt
