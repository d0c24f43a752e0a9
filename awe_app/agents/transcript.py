"""The steps of a run as JSON: what the model was told, what it said, what tools gave. Crashes go on from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awe_app.domain.models import ChatAnswer, FunctionSpec, Message, ToolCall, Usage

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function as one run offers it to its model, and whose it is."""

    spec: FunctionSpec
    tool: int
    """Place in the agent's list of tools; -1 for the agent's own."""
    function: str
    """The tool's own name of it."""
    requires_approval: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """How a run began. Kept as its first step, so that it goes on as the same run."""

    run: str
    """The run's own id."""
    messages: tuple[Message, ...]
    functions: tuple[Function, ...] = ()
    files: tuple[str, ...] = ()
    """Paths of files that go along with the last message as they are."""
    private: bool = False
    """It has been told what is the user's own: memories, files, what was said before."""
    untrusted: bool = False
    """It has been told what strangers wrote."""
    result_chars: int = 0
    """What one result of a tool may have at most."""

    def as_json(self) -> Json:
        """The step."""
        return {
            "kind": "task",
            "run": self.run,
            "messages": [message_as_json(message) for message in self.messages],
            "functions": [
                {
                    "name": each.spec.name,
                    "description": each.spec.description,
                    "parameters": each.spec.parameters,
                    "tool": each.tool,
                    "function": each.function,
                    "requires_approval": each.requires_approval,
                }
                for each in self.functions
            ],
            "files": list(self.files),
            "private": self.private,
            "untrusted": self.untrusted,
            "result_chars": self.result_chars,
        }

    @classmethod
    def from_json(cls, step: Mapping[str, Any]) -> "Opening":
        """What ``as_json`` gave."""
        functions = (
            Function(
                FunctionSpec(each["name"], each["description"], each["parameters"]),
                each["tool"],
                each["function"],
                each["requires_approval"],
            )
            for each in step["functions"]
        )
        return cls(
            step["run"],
            tuple(read_message(message) for message in step["messages"]),
            tuple(functions),
            tuple(step["files"]),
            step["private"],
            step["untrusted"],
            step["result_chars"],
        )


def message_as_json(message: Message) -> Json:
    """A message of text."""
    return {"role": message.role, "content": message.content}


def read_message(message: Mapping[str, Any]) -> Message:
    """What ``message_as_json`` gave."""
    return Message(message["role"], message["content"])


def answer_as_json(iteration: int, answer: ChatAnswer, seconds: float) -> Json:
    """The step of a model call."""
    return {
        "kind": "model",
        "iteration": iteration,
        "model": answer.model,
        "text": answer.text,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in answer.tool_calls],
        "finish_reason": answer.finish_reason,
        "usage": answer.usage.as_json(),
        "seconds": round(seconds, 6),
        "reused": answer.reused,
    }


def read_answer_step(step: Mapping[str, Any]) -> ChatAnswer:
    """The answer of a step that ``answer_as_json`` made."""
    calls: Sequence[Mapping[str, str]] = step["tool_calls"]
    return ChatAnswer(
        step["text"],
        step["model"],
        Usage(**step["usage"]),
        step["finish_reason"],
        tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in calls),
        step["reused"],
    )
