"""A process that runs executions and may be killed at any moment; forked again and again from one that is warm.

``python -m tests.faults.worker FOLDER`` reads commands from standard input, one JSON object a line, and answers each
with one line. It imports everything once, so that a new worker is there after some milliseconds:

    {"do": "fork", …job}    starts a worker; answers its process id
    {"do": "wait", "pid": n}    answers how it ended: 0, or -9 when it was killed
    {"do": "warm", …job}    does the job itself, so that workers need not load and compile what it takes

What must outlive the worker it appends to files in FOLDER, one ``os.write`` each: a killed process loses none of that.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path as File
from typing import Any

from sqlalchemy import Engine, Pool, event, text

from awe_app.adapters.bus import MemoryBus
from awe_app.adapters.crypto import Secrets
from awe_app.adapters.db import Database
from awe_app.adapters.dispatch import Dispatcher, Drives, Limits
from awe_app.adapters.dispatch_embedded import EmbeddedDispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.http import HttpClient
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_directory import Models
from awe_app.adapters.settings_store import SettingsStore
from awe_app.adapters.user_store import UserStore
from awe_app.domain.errors import Conflict, NodeFailed
from awe_app.domain.ids import ExecutionId, WorkflowId
from awe_app.domain.node import Node, NodeContext, Outputs
from awe_app.domain.protocols import Capabilities
from tests.engine.naive import breaks, decision
from tests.faults.simulated_world import EffectConfig
from tests.services.conftest import Gate, House

Job = Mapping[str, Any]


class Notes:
    """Lines that outlive the process."""

    def __init__(self, folder: File) -> None:
        self._folder = folder

    def add(self, kind: str, *words: object) -> None:
        """Append a line to the notes of that kind."""
        line = " ".join(map(str, words)) + "\n"
        file = os.open(self._folder / kind, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line.encode())
        os.close(file)

    def of(self, kind: str) -> list[list[str]]:
        """The lines of that kind, as words."""
        path = self._folder / kind
        return [line.split(" ") for line in path.read_text().splitlines()] if path.exists() else []


class FaultPoints:
    """Counts the places where a process may die, and dies at one of them: around each commit and each effect."""

    def __init__(self, notes: Notes, die_at: int | None) -> None:
        self._notes = notes
        self._left = die_at

    def watch_commits(self) -> None:
        """Before each commit of any connection, and after it, when nobody has been told yet."""

        def commit(connection: Any) -> None:
            connection.info["committed"] = True
            self.reached("commit")

        def checkin(_connection: Any, record: Any) -> None:
            if record.info.pop("committed", False):
                self.reached("committed")

        event.listen(Engine, "commit", commit)
        event.listen(Pool, "checkin", checkin)

    def reached(self, what: str) -> None:
        """Here the process may die."""
        if self._left is None:
            return
        self._left -= 1
        if self._left == 0:
            self._notes.add("deaths", what)
            os.kill(os.getpid(), signal.SIGKILL)


def effect_of(notes: Notes, points: FaultPoints) -> type[Node[Any]]:
    """The node type that shows outside the process what it does."""

    class Effect(Node[EffectConfig]):
        """Writes down when it begins and when it ends."""

        type, title, icon, category = "effect", "Effect", "zap", "Data"
        effectful = True

        async def run(self, ctx: NodeContext[EffectConfig]) -> Outputs:
            config = ctx.config
            points.reached("effect")
            notes.add("effects", "begin", ctx.execution_id, ctx.path, ctx.attempt)
            await asyncio.sleep(config.takes_s)
            broken = breaks({"effect_config": {"breaks": config.breaks}}, ctx.path)
            if broken or ctx.attempt <= config.fails_first:
                raise NodeFailed("EFFECT", "it did not work", retryable=True)
            notes.add("effects", "end", ctx.execution_id, ctx.path, ctx.attempt)
            points.reached("effect done")
            return {"out": ctx.path}

    return Effect


class AloneHouse(House):
    """A process that believes itself alone, on PostgreSQL too: who takes over from whom is the test's to say."""

    def _dispatcher(self, drives: Drives, store: ExecutionStore, bus: MemoryBus) -> Dispatcher:
        return EmbeddedDispatcher(drives.drive, Limits(32), store)


class Worker:
    """One process's services, and what people do meanwhile."""

    def __init__(self, folder: File, job: Job) -> None:
        self.job = job
        self.notes = Notes(folder)
        self.points = FaultPoints(self.notes, job.get("die_at"))
        self.house: AloneHouse
        self.models: Models
        self.http: HttpClient
        self.specs: dict[str, dict[str, Any]] = {}

    async def run(self) -> None:
        """Do the job, then end as at a shutdown; most workers never come so far."""
        database = Database(self.job["url"])
        await database.start()
        await self._work(database)
        await self.house.stop()
        await self.models.stop()
        await self.http.stop()
        await database.stop()

    async def _work(self, database: Database) -> None:
        """Take up what is unfinished and go on until nothing is left to do; with ``commands``, until none come."""
        user = await UserStore(database).by_id(self.job["user_id"])
        assert user is not None
        self.house = AloneHouse(database, user, user, Gate)
        hosts = self.job.get("hosts", ())
        self.models = Models(SettingsStore(database), Secrets("a key for tests"), LocalModel(), hosts)
        self.http = HttpClient(hosts)
        self.house.start({"effect": effect_of(self.notes, self.points)}, Capabilities(self.models, self.http))
        if "die_at" in self.job:
            self.points.watch_commits()
        if self.job.get("adopts", True):
            await self.house.executions.adopt()
        if "commands" in self.job:
            await self._obey()
            return
        async with asyncio.TaskGroup() as tasks:
            starting = tasks.create_task(self._start())
            while not starting.done() or await self._unfinished():
                await asyncio.sleep(0.02)
        await self._note_ended()

    async def _start(self) -> None:
        """Start one execution for each key, those whose answer may have been lost in a crash again."""
        known = {words[0] for words in self.notes.of("accepted")}
        for number in range(*self.job["keys"]):
            key = f"k{number}"
            if key in known and number + 3 < len(known):
                continue
            workflow_ids = self.job["workflow_ids"]
            workflow_id = WorkflowId(workflow_ids[number % len(workflow_ids)])
            state = await self.house.executions.start(self.house.user, workflow_id, {}, key)
            self.notes.add("accepted", key, state.execution_id)

    async def _unfinished(self) -> bool:
        """Whether anything is left to do; people answer meanwhile."""
        statement = text("SELECT id, status FROM executions WHERE status NOT IN ('completed', 'failed', 'cancelled')")
        async with self.house.database.sessions() as session:
            left = [(ExecutionId(row[0]), row[1]) for row in await session.execute(statement)]
        for execution_id, status in left:
            if status == "waiting":
                await self._answer(execution_id)
        return bool(left)

    async def _note_ended(self) -> None:
        statement = text("SELECT id, status FROM executions WHERE status IN ('completed', 'failed', 'cancelled')")
        async with self.house.database.sessions() as session:
            for execution_id, status in await session.execute(statement):
                self.notes.add("ended", execution_id, status)

    async def _answer(self, execution_id: ExecutionId) -> None:
        """A person looks at what waits, and answers."""
        state = await self.house.executions.get(self.house.user, execution_id)
        for path, node in state.node_states.items():
            if node.status == "waiting" and node.waiting is not None and node.waiting.reason == "approval":
                how = decision({"approval_config": {}}, path)
                try:
                    await self.house.executions.answer(self.house.user, execution_id, path, how, "", {})
                except Conflict:
                    continue  # somebody was quicker, or it has ended

    async def _obey(self) -> None:
        """Commands of the test, by a named pipe: ``start FIRST LAST``, and ``adopt`` all that is unfinished."""
        reader = asyncio.StreamReader()
        pipe = os.fdopen(os.open(self.job["commands"], os.O_RDONLY | os.O_NONBLOCK), "rb")
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        workflow_id = WorkflowId(self.job["workflow_ids"][0])
        executions = self.house.executions
        while command := (await reader.readline()).split():
            if command[0] == b"start":
                for number in range(int(command[1]), int(command[2])):
                    state = await executions.start(self.house.user, workflow_id, {}, f"k{number}")
                    self.notes.add("accepted", f"k{number}", state.execution_id)
            else:
                for ticket in await executions._store.unfinished():
                    executions._dispatcher.submit(ticket.execution_id, ticket.user_id)
                    self.notes.add("adopted", ticket.execution_id)


def main() -> None:
    """The process that stays: it forks workers and says how they ended."""
    folder = File(sys.argv[1])
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(command["pid"], 0)[1])
        elif command["do"] == "warm":
            asyncio.run(Worker(folder, command).run())
            answer = 0
        else:
            answer = os.fork()
            if answer == 0:
                code = 1
                try:
                    asyncio.run(Worker(folder, command).run())
                    code = 0
                finally:
                    os._exit(code)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
