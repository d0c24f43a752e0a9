"""The full engine: CPython with its standard library, in a locked process of its own for each program."""

import asyncio
import json
import os
import sys

from awe_app.adapters.child_process import AnswerTooLong, ask
from awe_app.adapters.sandbox_child import CANNOT_LOCK
from awe_app.adapters.sandbox_safe import CHILD
from awe_app.adapters.sandbox_values import (
    MAX_PRINTED_CHARS,
    MAX_RESULT_BYTES,
    TIME_S,
    checked,
    names_of,
    no_result,
    run_error,
    syntax_error,
    too_much_memory,
    took_too_long,
)
from awe_app.domain.errors import NodeFailed
from awe_app.domain.sandbox import Program, Ran

MEMORY_BYTES = 512 * 1024 * 1024
_MAX_ANSWER_BYTES = MAX_RESULT_BYTES * 2 + MAX_PRINTED_CHARS * 6


class FullPython:
    """Runs programs, each in a new process; a few at a time."""

    def __init__(self, time_s: float = TIME_S, at_once: int | None = None) -> None:
        self._time_s = time_s
        self._turns = asyncio.Semaphore(at_once or max(2, os.cpu_count() or 2))

    async def run(self, program: Program) -> Ran:
        """See ``Sandbox.run``; refuses where the process cannot be locked."""
        asked = {
            "code": program.code,
            "names": names_of(program.inputs),
            "memory_bytes": MEMORY_BYTES,
            "cpu_s": int(self._time_s) + 1,
            "max_chars": MAX_PRINTED_CHARS,
        }
        async with self._turns:
            status, answer, complaint = await _in_child(json.dumps(asked).encode(), self._time_s)
        if status == CANNOT_LOCK:
            detail = f"this machine cannot lock up full Python ({complaint})"
            raise NodeFailed("SANDBOX_UNAVAILABLE", detail, "use engine: safe, or Linux 5.13 or newer on x86-64")
        return _read(answer)


async def _in_child(asked: bytes, time_s: float) -> tuple[int, bytes, str]:
    """Its exit status, what it wrote and what it complained."""
    command = (sys.executable, "-I", "-S", "-B", str(CHILD), "python")
    try:
        return await ask(command, asked, time_s, _MAX_ANSWER_BYTES)
    except AnswerTooLong:
        raise no_result(f"it is larger than {MAX_RESULT_BYTES // 1024 // 1024} MB") from None
    except TimeoutError:
        raise took_too_long(time_s) from None


def _read(answer: bytes) -> Ran:
    """What the child says. The program could have forged it, which gains it nothing: it is only its own result."""
    if not answer:
        raise NodeFailed(
            "CODE_TIMEOUT", f"the code's process was ended: it ran longer than {TIME_S:g} s, or ended itself"
        )
    try:
        said = json.loads(answer)
        printed = str(said.get("printed", ""))[:MAX_PRINTED_CHARS]
        kind, message, line = said.get("kind"), str(said.get("error", ""))[:2000], said.get("line")
    except (ValueError, RecursionError, AttributeError):
        raise no_result("it is no JSON") from None
    line = line if isinstance(line, int) else None
    match kind:
        case "syntax":
            raise syntax_error(message, line)
        case "error":
            raise run_error(message, line)
        case "memory":
            raise too_much_memory()
        case "result":
            raise no_result(message)
        case _:
            return Ran(checked(said.get("value")), printed)
