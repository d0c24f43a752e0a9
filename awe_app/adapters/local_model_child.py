"""The program that holds the local model, in a process of its own (docs/decisions/0005-local-model.md says why).

Run by path with ``python -I``; it imports nothing of AWE. It talks JSON, one object a line:

    in   {"id": 1, "chat": {…}}        an OpenAI-style request
         {"id": 1, "cancel": true}     stop that one
    out  {"id": 1, "chunk": {…}}       an OpenAI-style piece of the answer
         {"id": 1, "error": "…"}       refused: the request cannot be answered
         {"id": 1, "end": true}        nothing more follows for that one
         {"fatal": "…"}                the model could not be loaded

When its input ends (AWE stopped, or was killed) it exits at once, whatever it is doing.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONTEXT_TOKENS = 4096
"""Of one request, its prompt and its answer together."""
BATCH_TOKENS = 256
"""Prompt tokens between two looks at whether the request was cancelled: about two seconds on one core."""
MOST_THREADS = 4
"""More do not make a model this small quicker."""


class Answers:
    """Writes lines to the parent; requests run in several threads."""

    def __init__(self) -> None:
        # The C++ library writes where it likes: it gets /dev/null, and we keep the real output.
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        self._lock = threading.Lock()

    def write(self, **line: Any) -> None:
        with self._lock:
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()


def threads() -> int:
    """One core is left to AWE itself.

    Threads of one computation wait for each other by spinning. Where they have to share their cores, two are five times
    slower than one (measured), and a lower priority makes it worse.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_THREADS, cores - 1))


def load(weights: str, parallel: int) -> Any:
    """The model's server, with no port open: it insists on listening, so its socket is unlinked at once."""
    import xllamacpp

    library: Any = xllamacpp  # compiled, without types
    folder = tempfile.mkdtemp(prefix="awe-model-")
    try:
        params = library.CommonParams()
        params.model.path = weights
        params.hostnames = [os.path.join(folder, "model.sock")]
        params.n_ctx = CONTEXT_TOKENS * parallel
        params.n_parallel = parallel
        params.n_batch = BATCH_TOKENS
        params.cpuparams.n_threads = threads()
        params.n_threads_http = 1
        params.cache_ram_mib = 0  # its default keeps up to 8 GB of old prompts
        params.fit_params = False
        params.verbosity = 0
        params.ui = False
        return library.Server(params)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def answer(server: Any, answers: Answers, number: int, chat: dict[str, Any], cancelled: set[int]) -> None:
    """Run one request to its end, or until it is in ``cancelled``."""

    def on_chunk(chunk: dict[str, Any]) -> bool:
        if number in cancelled:
            return True  # stops the generation
        if "error" in chunk:
            answers.write(id=number, error=str(chunk["error"].get("message", chunk["error"])), detail=chunk["error"])
        else:
            answers.write(id=number, chunk=chunk)
        return False

    try:
        if number not in cancelled:
            # return_progress: chunks come while the prompt is read too, so that it can be stopped there
            server.handle_chat_completions({**chat, "stream": True, "return_progress": True}, on_chunk)
    except Exception as error:
        answers.write(id=number, error=str(error))
    finally:
        cancelled.discard(number)
        answers.write(id=number, end=True)


def read_requests(requests: "ThreadPoolExecutor", answers: Answers, server: list[Any]) -> None:
    """Hand on what the parent asks until its end of the pipe closes."""
    running: set[int] = set()
    cancelled: set[int] = set()

    def run(number: int, chat: dict[str, Any]) -> None:
        loaded.wait()
        try:
            answer(server[0], answers, number, chat, cancelled)
        finally:
            running.discard(number)

    for line in sys.stdin:
        message = json.loads(line)
        number = message["id"]
        if "cancel" not in message:
            running.add(number)
            requests.submit(run, number, message["chat"])
        elif number in running:
            cancelled.add(number)
    os._exit(0)


loaded = threading.Event()


def main() -> None:
    weights, parallel = sys.argv[1], int(sys.argv[2])
    answers = Answers()
    server: list[Any] = []
    requests = ThreadPoolExecutor(parallel)
    threading.Thread(target=read_requests, args=(requests, answers, server), daemon=True).start()
    try:
        server.append(load(weights, parallel))
    except Exception as error:
        answers.write(fatal=str(error))
        os._exit(1)
    loaded.set()
    threading.Event().wait()


if __name__ == "__main__":
    main()
