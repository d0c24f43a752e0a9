"""One agent for every language model: it calls tools until it has the answer, and remembers.

A run is a row of steps (``transcript.py``): what the model was told, each of its answers, each result of a tool. Steps
that are known are taken as they are, so a crash, a wait and a further try all go on with the first that is not.
"""

from dataclasses import replace
from typing import Any

from awe_app.agents.attachments import read_files
from awe_app.agents.base import AgentAnswer, AgentContext, BaseAgent, Task
from awe_app.agents.budget import Account
from awe_app.agents.calling import ModelCaller
from awe_app.agents.guard import FRAME, Exposure, is_framed, mark_of
from awe_app.agents.memory import AgentMemory, section
from awe_app.agents.settings import AgentSettings
from awe_app.agents.structured import NotAnAnswer, instruction, read_answer
from awe_app.agents.tool_calls import MOST_CALLS, RESULT_CHARS, ToolCalls
from awe_app.agents.toolbox import FindTool, Toolbox
from awe_app.agents.transcript import Function, Opening, answer_as_json, read_answer_step
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import new_id
from awe_app.domain.models import Attachment, ChatAnswer, ChatRequest, Message
from awe_app.domain.values import as_text
from awe_app.tools.registry import find_tool

REPAIRS = 2
"""How often a model may mend an answer that breaks the schema."""
_LAST = "No more functions can be called. Answer now with what you know."


class UnifiedLLMAgent(BaseAgent):
    """Works on a task by talking to a language model."""

    def __init__(self, name: str, settings: AgentSettings, find: FindTool = find_tool) -> None:
        self.name = name
        self._settings = settings
        self._find = find

    async def run(self, task: Task, ctx: AgentContext) -> AgentAnswer:
        """See ``BaseAgent.run``. Codes: those of the models and of ``Toolbox``, ``OUTPUT_INVALID``,
        ``OUTPUT_TRUNCATED``, ``MAX_ITERATIONS``, ``BUDGET_EXCEEDED``, and what reading files and memories raises.
        """
        return await _Run(self.name, self._settings, self._find, ctx).work(task)


class _Run:
    def __init__(self, name: str, settings: AgentSettings, find: FindTool, ctx: AgentContext) -> None:
        self._settings = settings
        self._ctx = ctx
        self._account = Account(settings.limits, ctx.spend)
        self._caller = ModelCaller(settings, ctx, self._account.check)
        self._memory = AgentMemory(settings.memory, ctx, name)
        self._toolbox = Toolbox(settings.tools, self._memory.tool(), find)
        self._attachments: tuple[Attachment, ...] | None = None

    async def work(self, task: Task) -> AgentAnswer:
        """Take steps until there is an answer."""
        known = self._ctx.steps.known("task")
        opening = Opening.from_json(known) if known is not None else await self._begin(task)
        exposure = Exposure(opening.private, opening.untrusted)
        calls = ToolCalls(
            self._ctx,
            self._toolbox,
            opening.functions,
            self._account,
            exposure,
            opening.run,
            mark_of(opening.run),
            opening.result_chars,
        )
        answer, value = await self._talk(opening, calls)
        await self._memory.keep(task.prompt, as_text(value), exposure.untrusted)
        return AgentAnswer(value, answer.model, self._account.usage)

    async def _talk(self, opening: Opening, calls: ToolCalls) -> tuple[ChatAnswer, Any]:
        """Ask, make the calls that are asked for, and ask again; gives the last answer and its value."""
        most = self._settings.max_iterations
        said: list[Message] = []
        mend: list[Message] = []
        repairs = iteration = 0
        while True:
            iteration += 1
            last = iteration > most
            functions = () if last else opening.functions
            final = [Message("user", _LAST)] if last else []
            answer = await self._ask(opening, iteration, [*said, *mend, *final], functions)
            if answer.tool_calls and functions:
                said += [*mend, Message("assistant", answer.text, answer.tool_calls)]
                said += await calls.make(iteration, answer.tool_calls)
                mend = []
                continue
            if last and not answer.text.strip():
                hint = "raise max_iterations, or ask for less at once"
                raise self._anew("MAX_ITERATIONS", f"there was no answer after {most} calls of the model", hint)
            schema = self._settings.output_schema
            if schema is None:
                return answer, answer.text
            try:
                return answer, read_answer(answer.text, schema)
            except NotAnAnswer as problem:
                if repairs >= REPAIRS or iteration >= most:
                    raise self._unusable(answer, problem) from None
                repairs += 1
                mend = self._mend(answer, problem)

    async def _ask(
        self, opening: Opening, iteration: int, said: list[Message], functions: tuple[Function, ...]
    ) -> ChatAnswer:
        """The model's answer: the known one, or a new one, which is kept."""
        key, steps = f"model/{iteration}", self._ctx.steps
        step = steps.known(key)
        if step is None:
            settings = self._settings
            request = ChatRequest(
                (*await self._told(opening), *said),
                settings.temperature,
                settings.max_tokens,
                settings.output_schema,
                tuple(function.spec for function in functions),
                settings.cache,
            )
            answer, seconds = await self._caller.ask(request)
            answer = self._tidy(answer, iteration, bool(functions))
            step = answer_as_json(iteration, answer, seconds)
            await steps.record(key, _summary(answer, seconds), step)
            if answer.finish_reason == "length":
                self._ctx.log("The answer was cut off at max_tokens", "warning", max_tokens=settings.max_tokens)
            if answer.tool_calls and answer.text:
                self._ctx.stream("\n\n")
        answer = read_answer_step(step)
        self._account.add(answer.usage, f"{opening.run}/{key}")
        self._account.seconds += step["seconds"]
        return answer

    def _tidy(self, answer: ChatAnswer, iteration: int, may_call: bool) -> ChatAnswer:
        """The answer with as many calls as are made, each under a name of its own."""
        if not may_call:
            return replace(answer, tool_calls=())
        if len(answer.tool_calls) > MOST_CALLS:
            text = f"{len(answer.tool_calls)} calls at once; only the first {MOST_CALLS} are made"
            self._ctx.log(text, "warning")
        ids: set[str] = set()
        calls = []
        for place, call in enumerate(answer.tool_calls[:MOST_CALLS]):
            calls.append(call if call.id and call.id not in ids else replace(call, id=f"call_{iteration}_{place}"))
            ids.add(calls[-1].id)
        return replace(answer, tool_calls=tuple(calls))

    # The beginning

    async def _begin(self, task: Task) -> Opening:
        """Find out all that the model is told, and keep it."""
        ctx, settings = self._ctx, self._settings
        run = new_id()
        mark = mark_of(run)
        functions = await self._toolbox.functions(ctx.user_id, ctx.capabilities) if self._toolbox else ()
        aware = bool(functions) or settings.memory.short_term
        info = await self._caller.info() if aware else None
        context_tokens = info.context_tokens if info is not None else None
        memories = await self._memory.recall(task.prompt)
        history, told_by_strangers = self._memory.history(context_tokens)
        prompt, seen = await self._with_files(task)
        system = [settings.system_prompt.strip()]
        if memories:
            system.append(section(memories, mark))
        if memories or any(is_framed(self._toolbox.of(function)) for function in functions):
            system.append(FRAME.format(mark=mark))
        if settings.output_schema is not None:
            system.append(instruction(settings.output_schema))
        text = "\n\n".join(part for part in system if part)
        opening = Opening(
            run,
            (*([Message("system", text)] if text else []), *history, Message("user", prompt)),
            functions,
            seen,
            private=bool(memories or history or task.files),
            untrusted=told_by_strangers
            or any(memory.metadata.get("untrusted") for memory in memories)
            or any(self._toolbox.of(function).tool.foreign_words for function in functions),
            result_chars=min(RESULT_CHARS, context_tokens or RESULT_CHARS),
        )
        await ctx.steps.record("task", _begun(opening, len(memories), len(history)), opening.as_json(), "debug")
        return opening

    async def _with_files(self, task: Task) -> tuple[str, tuple[str, ...]]:
        """The prompt with the text of files, and the paths of those that go along as they are."""
        if not task.files:
            return task.prompt, ()
        attached = await read_files(self._ctx.capabilities.files, self._ctx.user_id, task.files)
        self._attachments = attached.seen
        return "\n\n".join(part for part in (task.prompt, attached.text) if part), attached.seen_paths

    async def _told(self, opening: Opening) -> list[Message]:
        """The first messages, with their files."""
        messages = list(opening.messages)
        if opening.files:
            if self._attachments is None:  # the run goes on in another process
                files = self._ctx.capabilities.files
                self._attachments = (await read_files(files, self._ctx.user_id, opening.files)).seen
            messages[-1] = replace(messages[-1], attachments=self._attachments)
        return messages

    # The end

    def _mend(self, answer: ChatAnswer, problem: NotAnAnswer) -> list[Message]:
        cut = "It was cut off: answer much shorter. " if answer.finish_reason == "length" else ""
        text = f"That answer cannot be used: {problem}. {cut}Answer again, with the JSON only."
        self._ctx.log(f"The answer does not follow output_schema: {problem}; asking again", "warning")
        self._ctx.stream("\n\n")
        return [Message("assistant", answer.text), Message("user", text)]

    def _unusable(self, answer: ChatAnswer, problem: NotAnAnswer) -> NodeFailed:
        if answer.finish_reason == "length":
            hint = "raise max_tokens, or ask for less"
            return self._anew("OUTPUT_TRUNCATED", "the answer was cut off before its JSON ended", hint)
        hint = "make output_schema simpler, say in the prompt what each field means, or choose a stronger model"
        return self._anew("OUTPUT_INVALID", f"the model's answer does not follow output_schema: {problem}", hint)

    def _anew(self, code: str, detail: str, hint: str) -> NodeFailed:
        """A failure after which a further try begins from the start."""
        self._ctx.steps.forget()
        return NodeFailed(code, detail, hint, retryable=True)


def _begun(opening: Opening, memories: int, turns: int) -> str:
    names = ", ".join(function.spec.name for function in opening.functions)
    parts = [f"functions {names}"] if names else []
    parts += [f"{memories} memories"] if memories else []
    parts += [f"{turns} earlier turns"] if turns else []
    parts += [f"{len(opening.files)} files"] if opening.files else []
    return f"Begins with {'; '.join(parts)}" if parts else "Begins"


def _summary(answer: ChatAnswer, seconds: float) -> str:
    took = f"in {seconds:.1f} s with {answer.usage.completion_tokens} tokens"
    if answer.tool_calls:
        return f"{answer.model} asks for {', '.join(call.name[:80] for call in answer.tool_calls)} {took}"
    return f"{answer.model} answered {took}{' (reused)' if answer.reused else ''}"
