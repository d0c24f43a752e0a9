"""What the journal says of an execution, folded for who asks: all of it, its open nodes, or some node instances."""

from collections.abc import Callable

from awe_app.adapters.journal import SqlJournal
from awe_app.adapters.journal_reader import Wanted
from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState, NodeState, in_shown_passes, path_order
from awe_app.domain.ids import Path
from awe_app.domain.pages import Page
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.transcript import Transcript, TranscriptReader, is_agent_step


class History:
    """Folds executions. Reads in chunks, and loads large values only of what is given back."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    async def state(self, summary: ExecutionSummary, *, previews: bool = False) -> ExecutionState:
        """The execution as it is stored now, without later passes of long loops (see ``SHOWN_PASSES``).

        Args:
            summary: of the execution.
            previews: large values are left where they are, and previews stand in for them.
        """
        whole = None if previews else in_shown_passes
        return await self._fold(summary, whole, lambda node: in_shown_passes(node.path))

    async def open_nodes(self, summary: ExecutionSummary) -> ExecutionState:
        """The same with those nodes only that run or wait, in whatever pass; large values are previews."""
        return await self._fold(summary, None, lambda node: node.is_open)

    async def nodes(self, summary: ExecutionSummary, prefix: str, limit: int, offset: int) -> Page[NodeState]:
        """The node instances whose path begins with ``prefix``, in the order of their paths."""
        paths = set[Path]()
        async for events in self._journal.chunks(summary.execution_id, whole=None):
            paths.update(event.path for event in events if isinstance(event, ev.NodeEvent))
        found = sorted((path for path in paths if path.startswith(prefix)), key=path_order)
        shown = dict.fromkeys(found[offset : offset + limit])
        if not shown:
            return Page([], len(found), limit, offset)
        state = await self._fold(summary, shown.__contains__, lambda node: node.path in shown)
        return Page([state.node_states[path] for path in shown], len(found), limit, offset)

    async def transcripts(
        self, summary: ExecutionSummary, prefix: str, limit: int, offset: int, *, previews: bool = False
    ) -> Page[Transcript]:
        """What agents said and did, where the path begins with ``prefix``; the first to begin comes first."""
        found = dict[Path, None]()
        async for events in self._journal.chunks(summary.execution_id, whole=None):
            for event in events:
                if isinstance(event, ev.StepTaken) and is_agent_step(event) and event.path is not None:
                    found[event.path] = None
        paths = [path for path in found if path.startswith(prefix)]
        shown = dict.fromkeys(paths[offset : offset + limit])
        reader = TranscriptReader()
        if shown:
            whole = None if previews else shown.__contains__
            async for events in self._journal.chunks(summary.execution_id, whole=whole):
                reader.read(event for event in events if getattr(event, "path", None) in shown)
        return Page([reader.transcripts[path] for path in shown], len(paths), limit, offset)

    async def _fold(
        self, summary: ExecutionSummary, whole: Wanted, keep: Callable[[NodeState], bool]
    ) -> ExecutionState:
        state = ExecutionState(summary.execution_id, summary.workflow_id, summary.user_id, keep=keep)
        async for events in self._journal.chunks(summary.execution_id, whole=whole):
            state.fold(events)
        return state
