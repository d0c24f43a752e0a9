"""Events that reached the execution: kept until a node takes them, each taken once, both written into the journal."""

from collections.abc import Sequence
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.engine.deps import Signals
from awe_app.engine.record import Record
from awe_app.engine.waiting import WaitingRoom


class Inbox:
    """What came and nobody has taken yet, in the order in which it came."""

    def __init__(self, record: Record, signals: Signals) -> None:
        self._record = record
        self._signals = signals
        done = record.done
        received = list(done.events) if done is not None else []
        takers = {taking.taken: taking.path for taking in done.takings} if done is not None else {}
        self._keys = {event.key for event in received}
        self._kept = [event for event in received if event.seq not in takers]
        self._given: dict[Path | None, list[ev.EventReceived]] = {}
        for event in received:
            if event.seq in takers:
                self._given.setdefault(takers[event.seq], []).append(event)

    def look(self) -> None:
        """Take in what was sent from outside since."""
        for key, sent in self._signals.sent():
            self.receive(sent["event"], sent.get("data"), key, sent.get("by"))

    def receive(self, name: str, payload: Any, key: str, by: str | None = None) -> None:
        """An event has come; one that had come before the execution was taken up does not come again."""
        if key in self._keys:
            return
        self._keys.add(key)
        event = self._record.emit(
            ev.EventReceived,
            level="info",
            path=None,
            message=f"Event '{name}'",
            name=name,
            payload=payload,
            key=key,
            by=by,
        )
        self._kept.append(event)

    def given(self, path: Path) -> Sequence[ev.EventReceived]:
        """What that node instance had taken when the execution was taken up."""
        return self._given.get(path, ())

    def take(self, path: Path, names: Sequence[str], after_seq: int = 0) -> ev.EventReceived | None:
        """Give the node instance the oldest event of one of these names, and no other node."""
        for event in self._kept:
            if event.name in names and event.seq > after_seq:
                self._kept.remove(event)
                text = f"Took the event '{event.name}'"
                self._record.emit(ev.EventTaken, level="debug", path=path, message=text, taken=event.seq)
                return event
        return None

    def serve(self, waiting: WaitingRoom) -> None:
        """Hand events to nodes that wait for them: who has waited longest comes first."""
        if not self._kept and not self._given:
            return
        for path, waiter in waiting.listeners():
            if self._signals.get(path) is not None:
                continue
            wanted = waiter.event.data or {}
            after_seq = waiter.event.seq if wanted.get("since") == "now" else 0
            event = next(iter(self.given(path)), None) or self.take(path, wanted.get("events", ()), after_seq)
            if event is not None:
                self._signals.answer(path, {"event": event.name, "data": event.payload, "by": event.by})
