"""Server-sent events, however the bytes are parted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.adapters.event_stream import MAX_EVENT_BYTES, EventReader


def read(data: bytes, cuts: list[int]) -> list[bytes]:
    reader, events, begin = EventReader(), list[bytes](), 0
    for end in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        events += reader.feed(data[begin:end])
        begin = end
    return [*events, *reader.end()]


LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(
    st.lists(st.lists(LINE, min_size=1, max_size=3), max_size=5),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.lists(st.integers(0, 2000), max_size=30),
    st.booleans(),
)
def test_events_are_the_same_wherever_the_pieces_end(events: list[list[str]], end: str, cuts: list[int], mark: bool):
    text = "\ufeff" if mark else ""
    for lines in events:
        text += f": a comment{end}event: x{end}" + "".join(f"data: {line}{end}" for line in lines) + end
    assert read(text.encode(), cuts) == ["\n".join(lines).encode() for lines in events]


def test_the_end_completes_the_last_event():
    assert read(b"data: 1\n\ndata:2", []) == [b"1", b"2"]


def test_an_endless_event_is_refused():
    reader = EventReader()
    reader.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 100))
    with pytest.raises(ValueError, match="too large"):
        reader.feed(b"\ndata: " + b"x" * 100)
