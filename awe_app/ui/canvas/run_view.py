"""A run as the builder shows it: messages in, levels out.

Statuses are one level in two parts: ``settled`` and, over it, ``recent``, the nodes that changed since ``settled``
was last sent. A run of 1,000 nodes so costs some dozens of kB over the socket, whatever happens when.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.messages import Message
from awe_app.domain.models import Usage
from awe_app.domain.previews import in_words, is_preview

RECENT_LIMIT = 150
"""Nodes in ``recent`` before they are settled."""
LOG_LINES = 200
LIVE_LOG_LINES = 40
"""Lines shown while the run goes on: the whole list is sent each time one is added."""
PREVIEW_CHARS = 600
PREVIEW_NODES = 8
VALUE_CHARS = 20_000
"""Of a node's input or output, and of the result; the rest is on the execution's page."""

Entry = list[Any]
"""``[status, milliseconds, tokens, ports]``, cut off after the last that says something."""


class RunView:
    """What one tab knows about one execution. ``apply`` messages, then take ``changes``."""

    def __init__(self, execution_id: str, titles: Mapping[str, str], looked_at: str = "") -> None:
        self.looked_at = looked_at
        self.status = "pending"
        self._id = execution_id
        self._titles = titles
        self._settled: dict[str, Entry] = {}
        self._recent: dict[str, Entry] = {}
        self._preview: dict[str, str] = {}
        self._log: list[dict[str, str]] = []
        self._io: dict[str, dict[str, Any]] = {}
        self._started: datetime | None = None
        self._usage = Usage()
        self._error: dict[str, Any] | None = None
        self._outcome: dict[str, Any] = {}
        self._changed: set[str] = {"settled", "recent", "preview", "log", "execution", "outcome", "io"}

    @property
    def ended(self) -> bool:
        """Whether the last message has come."""
        return self.status in FINAL_STATUSES

    def apply(self, message: Message) -> None:
        """Take in one message."""
        data = message.data
        if message.type == "log":
            self._write(data.get("timestamp"), data.get("node_id"), data["level"], data["message"])
        elif message.type == "error" and not data.get("node_id"):  # a node's own state says it as well
            self._write(None, None, "error", f"{data['error_code']}: {data['detail']}")
        elif message.type == "complete":
            self._complete(data)
        elif "delta" in data:
            self._stream(node_of(data["node_id"]), data["delta"])
        elif message.type == "state" and "node_id" in data:
            self._node(node_of(data["node_id"]), data)
        elif message.type == "state":
            self.status = data["status"]
            self._changed.add("execution")

    def look_at(self, node_id: str) -> None:
        """Show what goes in and out of this node."""
        self.looked_at = node_id
        self._changed.add("io")

    def changes(self) -> dict[str, Any]:
        """The state vars that changed since the last call, with their values."""
        if len(self._recent) > RECENT_LIMIT or (self.ended and self._recent):
            self._settled = {**self._settled, **self._recent}
            self._recent = {}
            self._changed |= {"settled", "recent"}
        changed, self._changed = self._changed, set()
        return {name: getattr(self, f"_say_{name}")() for name in changed}

    def _node(self, node_id: str, data: Mapping[str, Any]) -> None:
        status, ports = data["status"], data.get("ports")
        if status in ("completed", "failed"):
            usage = data.get("usage") or {}
            tokens = usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
            ms = _milliseconds(data.get("started_at"), data.get("completed_at"))
            # the only port of most nodes goes without saying; that a failed node took none does not
            self._recent[node_id] = _entry(
                status, ms, tokens, None if ports == ["out"] and status != "failed" else ports
            )
            self._count(usage)
            self._finish(node_id, status, data, ms)
        else:
            self._recent[node_id] = _entry(status, None, 0, ports or None)
        if status == "running":
            self._io[node_id] = {"input": data.get("input")}
            self._preview.pop(node_id, None)
        elif status == "skipped":
            self._write(None, node_id, "debug", "Skipped")
        self._changed.add("recent")
        if node_id == self.looked_at:
            self._changed.add("io")

    def _finish(self, node_id: str, status: str, data: Mapping[str, Any], ms: int | None) -> None:
        self._io[node_id] = {"input": data.get("input"), "output": data.get("output"), "error": data.get("error")}
        if status == "completed":
            self._write(data.get("completed_at"), node_id, "info", f"Finished in {ms} ms" if ms else "Finished")
        elif error := data.get("error"):
            self._write(data.get("completed_at"), node_id, "error", f"{error['code']}: {error['detail']}")

    def _count(self, usage: Mapping[str, Any]) -> None:
        if usage:
            self._usage += Usage(**usage)
            self._changed.add("execution")

    def _stream(self, node_id: str, delta: str) -> None:
        text = self._preview.pop(node_id, "") + delta
        self._preview[node_id] = text[-PREVIEW_CHARS:]
        while len(self._preview) > PREVIEW_NODES:
            self._preview.pop(next(iter(self._preview)))
        self._changed.add("preview")

    def _complete(self, data: Mapping[str, Any]) -> None:
        self.status, self._error = data["status"], data.get("error")
        if usage := data.get("usage"):
            self._usage = Usage(**usage)
        self._outcome = outcome_of(self.status, data.get("result"), self._error)
        self._changed |= {"execution", "outcome", "log"}

    def _write(self, at: str | None, path: str | None, level: str, text: str) -> None:
        node = node_of(path) if path else ""
        moment = datetime.fromisoformat(at) if at else None
        if moment and self._started is None:
            self._started = moment
        since = f"{(moment - self._started).total_seconds():.2f} s" if moment and self._started else ""
        self._log.append({"time": since, "node": self._titles.get(node, node), "level": level, "text": text[:2_000]})
        del self._log[:-LOG_LINES]
        self._changed.add("log")

    def _say_settled(self) -> dict[str, Entry]:
        return self._settled

    def _say_recent(self) -> dict[str, Entry]:
        return dict(self._recent)

    def _say_preview(self) -> dict[str, str]:
        return dict(self._preview)

    def _say_log(self) -> list[dict[str, str]]:
        return self._log[-LOG_LINES if self.ended else -LIVE_LOG_LINES :]

    def _say_execution(self) -> dict[str, Any]:
        tokens = self._usage.prompt_tokens + self._usage.completion_tokens
        failed_at = node_of(self._error["node_id"]) if self._error and self._error.get("node_id") else ""
        return {"id": self._id, "status": self.status, "tokens": tokens, "failed_at": failed_at}

    def _say_outcome(self) -> dict[str, Any]:
        return self._outcome

    def _say_io(self) -> dict[str, Any]:
        return io_of(self.looked_at, **self._io.get(self.looked_at, {}))


def node_of(path: str) -> str:
    """The node's id, from its path: ``writer`` of ``each[3]/writer``."""
    return path.rpartition("/")[2]


def io_of(node_id: str, input: Any = None, output: Any = None, error: Any = None) -> dict[str, Any]:
    """What the inspector shows of a node's last run; long values are cut."""
    return {"node_id": node_id, "input": _cut(input), "output": _cut(output), "error": error}


def outcome_of(status: str, result: Any, error: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the console's result pane shows."""
    if is_preview(result):
        result = in_words(result)
    text = result if isinstance(result, str) else "" if result is None else _json(result)
    if len(text) > VALUE_CHARS:
        text = f"{text[:VALUE_CHARS]}\n… {len(text) - VALUE_CHARS} characters more on the execution's page"
    return {
        "status": status,
        "text": text,
        "code": str(error["code"]) if error else "",
        "detail": str(error["detail"]) if error else "",
    }


def _entry(status: str, ms: int | None, tokens: int, ports: Any) -> Entry:
    entry: Entry = [status, ms, tokens, ports]
    while entry[-1] in (None, 0):
        entry.pop()
    return entry


def _cut(value: Any) -> Any:
    if is_preview(value):
        return in_words(value)
    text = value if isinstance(value, str) else _json(value)
    return value if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]} …"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _milliseconds(start: str | None, end: str | None) -> int | None:
    if not start or not end:
        return None
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() * 1000)
