"""One question to a process of its own, which is gone when the answer is there or the asker has given up."""

import asyncio
from collections.abc import Sequence


class AnswerTooLong(Exception):
    """The process wrote more than it was allowed to."""


async def ask(command: Sequence[str], question: bytes, time_s: float, max_bytes: int) -> tuple[int, bytes, str]:
    """Start the command, give it the question, and give its exit status, what it answered and what it complained.

    It gets no environment and no terminal.

    Raises:
        TimeoutError: it took longer than ``time_s`` seconds.
        AnswerTooLong: the answer has more than ``max_bytes`` bytes.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={},
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(time_s):
            process.stdin.write(question)
            process.stdin.close()
            answer = bytearray()
            while chunk := await process.stdout.read(64 * 1024):
                answer += chunk
                if len(answer) > max_bytes:
                    raise AnswerTooLong
            complaint = (await process.stderr.read(500)).decode(errors="replace")
            return await process.wait(), bytes(answer), complaint
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())
