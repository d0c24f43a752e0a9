"""How an agent is set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Store = Literal["turns", "facts", "both"]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One tool of an agent."""

    name: str
    requires_approval: bool | None = None
    """Whether a person has to agree to each call; None leaves it to the tool."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the tool's own ``Settings``, unchecked."""


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What an agent remembers."""

    short_term: bool = False
    """Hears and adds to the thread ``namespace`` of this execution."""
    long_term: bool = False
    """Recalls and keeps memories of its user under ``namespace``, across executions."""
    namespace: str = "default"
    top_k: int = 5
    """Memories recalled at most."""
    store: Store = "turns"
    """What is kept: each prompt with its answer, facts that the model chooses by a function, or both."""
    history_tokens: int | None = None
    """Room for the thread; None: a third of the model's context, at most ``memory.HISTORY_TOKENS``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use; once one of them is reached, no further call is made. None is no limit."""

    tokens: int | None = None
    """Prompts and answers together."""
    usd: float | None = None
    seconds: float | None = None
    """Of calls; waiting for a person does not count."""
    calls: int | None = None
    """Of models and tools together."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How a ``UnifiedLLMAgent`` works. None leaves the choice to the user's default or the provider."""

    provider: str | None = None
    model: str | None = None
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    output_schema: Mapping[str, Any] | None = None
    fallback_models: Sequence[str] = ()
    """Model ids, tried in order when a model fails for good."""
    model_retries: int = 2
    """Further tries of one model call on 429, 5xx and stalls."""
    max_iterations: int = 10
    """Answers asked for in one run, mended ones included; after tools were used to the end, one more without them."""
    cache: bool = False
    """Answers that were given before to the same request will do."""
    tools: Sequence[ToolUse] = ()
    memory: MemorySettings = MemorySettings()
    limits: Limits = Limits()
