"""Words of the journal's tests: events, and an execution to write them to."""

from datetime import UTC, datetime

from awe_app.adapters.journal import NewExecution, SqlJournal, SqlRecorder
from awe_app.domain import events as ev
from awe_app.domain.models import Usage

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)


def started(seq: int = 1) -> ev.Event:
    return ev.ExecutionStarted(seq=seq, at=AT, inputs={"topic": "ants"}, variables={})


def line(seq: int, message: str = "hello") -> ev.Event:
    return ev.LogWritten(seq=seq, at=AT, level="info", path=None, message=message)


def completed(seq: int, result: object = "done") -> ev.Event:
    usage = Usage(prompt_tokens=3, completion_tokens=4, cost_usd=0.5)
    return ev.ExecutionCompleted(seq=seq, at=LATER, result=result, usage=usage)


async def begin(journal: SqlJournal, new: NewExecution) -> SqlRecorder:
    await journal.create(new)
    return journal.recorder(new.execution_id, 1)
