"""Ask a language model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from awe_app.agents.base import Watch
from awe_app.agents.structured import check_schema
from awe_app.agents.unified import AgentSettings, UnifiedLLMAgent
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.values import as_text


class Budget(BaseModel):
    """What one run of the agent may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int | None = Field(None, ge=1, title="Tokens", description="Prompt and answer together.")
    usd: float | None = Field(None, gt=0, allow_inf_nan=False, title="US dollars")


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
    output_schema: dict[str, Any] | None = Field(
        None,
        title="Answer format",
        description="A JSON Schema. The output is then an object that follows it, not text.",
        json_schema_extra={"widget": "json", "placeholder": '{"type": "object", "properties": {…}}'},
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
        json_schema_extra={"widget": "rows", "advanced": True, "placeholder": "openai/gpt-4o-mini"},
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
        description="How many answers one run may ask the model for, mended ones included.",
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
        json_schema_extra={"widget": "json", "advanced": True, "placeholder": '{"tokens": 5000, "usd": 0.05}'},
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


class Agent(Node[AgentConfig]):
    """Ask a language model, and hand on what it answers."""

    type, title, icon, category = "agent", "Agent", "bot", "AI"
    effectful = True

    async def run(self, ctx: NodeContext[AgentConfig]) -> Outputs:
        config = ctx.config
        settings = AgentSettings(
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
            budget_tokens=config.budget.tokens if config.budget else None,
            budget_usd=config.budget.usd if config.budget else None,
        )
        agent = UnifiedLLMAgent(ctx.node_id, ctx.capabilities.models, ctx.user_id, settings)
        answer = await agent.run(as_text(config.user_prompt), Watch(log=ctx.log, stream=ctx.stream, spend=ctx.spend))
        return {"out": answer.value}

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        model, provider = config.get("model"), config.get("provider")
        if provider == "local" or (isinstance(model, str) and model.startswith("local/")):
            return "Local model"
        return model.rpartition("/")[2] if isinstance(model, str) and model else "Default model"
