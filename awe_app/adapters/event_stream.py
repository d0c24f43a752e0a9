"""Server-sent events out of bytes that arrive in pieces of any size."""

import re

MAX_EVENT_BYTES = 1024 * 1024
_END = re.compile(rb"\r\n|\n|\r")


class EventReader:
    """Feed it what arrives; it gives the data of each event that is complete.

    Lines may end in CR, LF or both, and pieces may part anything, even those two or the bytes of a letter.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that ``chunk`` completes. Raises ValueError for one of more than 1 MB."""
        self._rest += chunk
        if not self._begun and len(self._rest) >= 3:
            self._rest, self._begun = self._rest.removeprefix(b"\xef\xbb\xbf"), True
        whole = self._rest
        if whole.endswith(b"\r"):  # the second half of the line's end may still come
            whole = whole[:-1]
        *lines, rest = _END.split(whole)
        self._rest = rest + self._rest[len(whole) :]
        events = [event for line in lines for event in self._line(line)]
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError("the event is too large")
        return events

    def end(self) -> list[bytes]:
        """The event that the end of the stream completes: not all servers write an empty line after the last one."""
        self._rest, rest = b"", self._rest.removesuffix(b"\r")
        return [*self._line(rest), *self._line(b"")]

    def _line(self, line: bytes) -> list[bytes]:
        if not line:
            event, self._data, self._size = b"\n".join(self._data), [], 0
            return [event] if event else []
        name, _colon, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
        return []
