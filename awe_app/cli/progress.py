"""A live table of an execution on the terminal: each node with its status, time, tokens and the end of its text."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from awe_app.domain.events import Event, TextStreamed
from awe_app.domain.execution import ExecutionState, NodeState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.node import Node
from awe_app.domain.values import as_text
from awe_app.domain.workflow import Workflow

Listener = Callable[[Event | TextStreamed], None]

FRAMES_PER_S = 8
TAIL_CHARACTERS = 200
MARKS = {
    "pending": ("dim", "·"),
    "running": ("cyan", "▸"),
    "waiting": ("yellow", "‖"),
    "completed": ("green", "✓"),
    "failed": ("red", "✗"),
    "cancelled": ("yellow", "■"),
    "skipped": ("dim", "–"),
}


@contextmanager
def progress(workflow: Workflow, node_types: Mapping[str, type[Node[Any]]]) -> Generator[Listener]:
    """Give a listener that draws what it hears on standard error; where that is no terminal it draws nothing."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _event: None
        return
    board = Board(workflow, node_types)
    with Live(get_renderable=board.draw, console=console, refresh_per_second=FRAMES_PER_S):
        yield board.hear


class Board:
    """What is known of the execution so far, and how it looks."""

    def __init__(self, workflow: Workflow, node_types: Mapping[str, type[Node[Any]]]) -> None:
        self._titles = {
            node.id: node.title for node in workflow.nodes if node.type not in node_types or node_types[node.type].runs
        }
        self._state = ExecutionState(ExecutionId(""))
        self._texts: dict[Path, str] = {}
        self._begun: dict[Path, float] = {}

    def hear(self, event: Event | TextStreamed) -> None:
        """Take in one event."""
        if isinstance(event, TextStreamed):
            self._texts[event.path] = (self._texts.get(event.path, "") + event.delta)[-TAIL_CHARACTERS:]
            return
        self._state.apply(event)
        for path, node in self._state.node_states.items():
            if node.status == "running":
                self._begun.setdefault(path, time.monotonic())

    def draw(self) -> Any:
        """The table as it stands."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
        table.add_column("", width=1)
        table.add_column("node", no_wrap=True, max_width=28)
        table.add_column("time", justify="right", width=8)
        table.add_column("tokens", justify="right", width=7)
        table.add_column("text", ratio=1, no_wrap=True, overflow="ellipsis")
        seen = set(self._state.node_states)
        rows = [(Path(node_id), title) for node_id, title in self._titles.items()]
        rows += [(path, path) for path in seen if path not in self._titles]
        for path, title in rows:
            node = self._state.node_states.get(path)
            style, mark = MARKS[node.status if node else "pending"]
            table.add_row(
                Text(mark, style=style),
                Text(title),
                self._time(path, node),
                str(node.usage.completion_tokens or "") if node else "",
                Text(self._tail(path, node), style="red" if node and node.error else "dim"),
            )
        return table

    def _time(self, path: Path, node: NodeState | None) -> str:
        if node is None:
            return ""
        if node.started_at and node.completed_at:
            return f"{(node.completed_at - node.started_at).total_seconds():.2f} s"
        if node.status == "running" and path in self._begun:
            return f"{time.monotonic() - self._begun[path]:.1f} s"
        return ""

    def _tail(self, path: Path, node: NodeState | None) -> str:
        if node and node.error:
            return f"{node.error['code']}: {node.error['detail']}"
        text = self._texts.get(path) or (as_text(node.output)[-TAIL_CHARACTERS:] if node else "")
        return " ".join(text.split())[-80:]
