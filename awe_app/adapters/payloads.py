"""Large values beside the journal: each stored once under its SHA-256, named by the events that hold it.

An event's own row stays small, so lists, pages and viewers never load a megabyte they do not show. In the place of
the value stands its preview, and under ``ASIDE`` the row says where each true value belongs. That cannot be mixed up
with what a node gave, whatever it gave.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from awe_app.adapters.storable import to_json
from awe_app.domain.previews import preview_of

LARGEST_INLINE = 256 * 1024
"""Bytes of JSON that a value may have inside its event."""
ASIDE = "~"
"""Key in an event's row: ``[[path in the event's data, payload id], …]``."""
HOLDERS = ("inputs", "variables", "input", "outputs", "result", "data")
"""Fields of events that hold what people and nodes gave."""
_MOST_MEMBERS = 64
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Payload:
    """A large value as it is stored."""

    id: str
    """SHA-256 of the text, in hexadecimal."""
    text: str
    """JSON."""


@dataclass(slots=True)
class Parted:
    """A value of an event without its large parts."""

    shown: Any
    """The value with previews in their places; the value itself where nothing is large."""
    size: int
    """Bytes of ``shown`` as JSON, about."""
    aside: list[tuple[tuple[str, ...], Payload]]
    """The large parts, and the keys that lead to each."""


def set_aside(
    values: Mapping[str, Any], limit: int = LARGEST_INLINE
) -> tuple[dict[str, Any], list[tuple[tuple[str, ...], Payload]]]:
    """Part an event's fields: what its row keeps (without ``ASIDE``), and what goes beside the journal.

    Large members of objects go alone, so that a value handed from node to node is stored once.
    """
    shown, aside = dict(values), list[tuple[tuple[str, ...], Payload]]()
    for name in HOLDERS:
        value = values.get(name)
        if value is None:
            continue
        parted = _ports(value, limit) if name == "outputs" else _part(value, (name,), limit)
        shown[name] = parted.shown
        aside += parted.aside
    return shown, aside


def _ports(outputs: Mapping[str, Any], limit: int) -> Parted:
    """The outputs of a node: always an object by port, since readers look at its keys."""
    parted = _members(outputs, ("outputs",), limit)
    if parted.size <= limit:
        return parted
    return _members(outputs, ("outputs",), limit // len(outputs))  # several, none of them large alone


def _part(value: Any, path: tuple[str, ...], limit: int) -> Parted:
    if (
        isinstance(value, Mapping)
        and len(value) <= _MOST_MEMBERS
        and len(path) < _DEEPEST
        and all(type(key) is str for key in value)
    ):
        parted = _members(value, path, limit)
        if parted.size <= limit:
            return parted
    text = to_json(value)
    if len(text) <= limit:
        return Parted(value, len(text), [])
    payload = Payload(sha256(text.encode()).hexdigest(), text)
    return Parted(preview_of(value, text), 0, [(path, payload)])


def _members(value: Mapping[str, Any], path: tuple[str, ...], limit: int) -> Parted:
    parts = {key: _part(member, (*path, key), limit) for key, member in value.items()}
    aside = [found for part in parts.values() for found in part.aside]
    size = sum(len(to_json(key)) + 2 + part.size for key, part in parts.items())
    return Parted({key: part.shown for key, part in parts.items()} if aside else value, size, aside)


def named_in(rows: Iterable[Mapping[str, Any]], whole: Callable[[str], bool]) -> list[str]:
    """The ids of the payloads of these events' data, each once, but for those of node instances not in ``whole``.

    Values of variables are the execution's, whichever node instance sets them.
    """
    return list(
        {
            payload_id: None
            for data in rows
            for path, payload_id in data.get(ASIDE, ())
            if path[0] == "variables" or "path" not in data or whole(data["path"])
        }
    )


def put_back(data: dict[str, Any], payloads: Mapping[str, Any]) -> dict[str, Any]:
    """The event's data with its true values as far as there are payloads; elsewhere the previews stay."""
    for path, payload_id in data.pop(ASIDE, ()):
        if payload_id in payloads:
            holder: Any = data
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = payloads[payload_id]
    return data
