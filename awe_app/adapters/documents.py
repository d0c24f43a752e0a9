"""Files as text: ``domain.documents.DocumentParser``; see decision 0021.

Text is read here. What has to be taken apart is read by ``documents_child.py`` in a process of its own, which a
hostile file can only end.
"""

import asyncio
import json
import sys
from email.message import Message
from pathlib import Path, PurePath

from awe_app.adapters.child_process import AnswerTooLong, ask
from awe_app.domain.documents import ParsedDocument
from awe_app.domain.errors import NodeFailed

MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_TEXT_CHARS = 10_000_000
TIME_S = 60.0
MEMORY_BYTES = 1024 * 1024 * 1024
AT_ONCE = 2

_CHILD = Path(__file__).with_name("documents_child.py")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_FORMATS = {
    ".html": ("html", "text/html"),
    ".htm": ("html", "text/html"),
    ".xhtml": ("html", "application/xhtml+xml"),
    ".pdf": ("pdf", "application/pdf"),
    ".docx": ("docx", _OFFICE + "wordprocessingml.document"),
    ".xlsx": ("sheets", _OFFICE + "spreadsheetml.sheet"),
    ".xls": ("sheets", "application/vnd.ms-excel"),
    ".ods": ("sheets", "application/vnd.oasis.opendocument.spreadsheet"),
    ".md": ("text", "text/markdown"),
    ".markdown": ("text", "text/markdown"),
    ".csv": ("text", "text/csv"),
    ".json": ("text", "application/json"),
    ".txt": ("text", "text/plain"),
}
_OLD_ENCODINGS = ["cp1252", "cp1250", "cp1251", "cp1253", "shift_jis", "gb18030", "euc_kr", "big5"]
_BY_MEDIA_TYPE = {media_type: (kind, media_type) for kind, media_type in reversed(_FORMATS.values())}


class Documents:
    """Implements ``DocumentParser``; a few files at a time."""

    def __init__(self, time_s: float = TIME_S, at_once: int = AT_ONCE) -> None:
        self._time_s = time_s
        self._turns = asyncio.Semaphore(at_once)

    async def parse(self, name: str, data: bytes, media_type: str | None = None) -> ParsedDocument:
        """See ``DocumentParser.parse``."""
        if len(data) > MAX_FILE_BYTES:
            raise NodeFailed("FILE_TOO_LARGE", f"'{name}' is larger than {MAX_FILE_BYTES // 1024**2} MB")
        said, charset = _said(media_type)
        found = _FORMATS.get(PurePath(name).suffix.lower()) or _BY_MEDIA_TYPE.get(said)
        kind, known_as = found or ("text", said if said.startswith("text/") else "text/plain")
        if kind == "text":
            text, title = await asyncio.to_thread(_decoded, name, data, charset, bool(found)), ""
        else:
            text, title = await self._in_child(name, data, kind, charset)
        if len(text) > MAX_TEXT_CHARS:
            raise NodeFailed("FILE_TOO_LARGE", f"'{name}' holds more than {MAX_TEXT_CHARS:,} characters of text")
        if not text.strip() and data.strip():
            hint = "a scanned document has to be made text first (OCR)" if kind == "pdf" else ""
            raise NodeFailed("NO_TEXT", f"there is no text in '{name}'", hint)
        return ParsedDocument(text, known_as, title)

    async def _in_child(self, name: str, data: bytes, kind: str, charset: str | None) -> tuple[str, str]:
        asked = {"format": kind, "charset": charset, "memory_bytes": MEMORY_BYTES, "cpu_s": int(self._time_s) + 1}
        question = json.dumps(asked).encode() + b"\n" + data
        command = (sys.executable, "-I", "-B", str(_CHILD))
        try:
            async with self._turns:
                _status, answer, _complaint = await ask(command, question, self._time_s, MAX_TEXT_CHARS * 6)
            said = json.loads(answer)
        except TimeoutError:
            raise NodeFailed("UNREADABLE_FILE", f"'{name}' took longer than {self._time_s:g} s to read") from None
        except AnswerTooLong:
            detail = f"'{name}' holds more than {MAX_TEXT_CHARS:,} characters of text"
            raise NodeFailed("FILE_TOO_LARGE", detail) from None
        except ValueError:  # it was ended by a limit, or fell over
            raise NodeFailed("UNREADABLE_FILE", f"'{name}' is broken, or takes too much to read") from None
        if "code" in said:
            raise NodeFailed(said["code"], f"'{name}' cannot be read: {said['detail']}")
        return said["text"], said["title"]


def _said(media_type: str | None) -> tuple[str, str | None]:
    """``text/html; charset=utf-8`` in its parts; a charset that Python does not know is left out."""
    if not media_type:
        return "", None
    header = Message()
    header["content-type"] = media_type
    charset = header.get_param("charset")
    try:
        "".encode(str(charset))
    except LookupError:
        charset = None
    return header.get_content_type() if "/" in media_type else "", str(charset) if charset else None


def _decoded(name: str, data: bytes, charset: str | None, is_text: bool) -> str:
    """The text of a text file: as it says, else UTF-8, UTF-16 with its mark, or what its letters look like."""
    marked = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else None
    for encoding in filter(None, (charset, marked, "utf-8-sig")):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if "\0" not in text:
            return text
    guess = _guessed(data) if is_text and b"\0" not in data else None
    if guess is not None:
        return guess
    if is_text:
        raise NodeFailed("NO_TEXT", f"'{name}' is no text in UTF-8", "save it as UTF-8")
    hint = "txt, md, csv, json, html, pdf, docx, xlsx and text in UTF-8 can be read"
    raise NodeFailed("UNKNOWN_FORMAT", f"'{name}' has a format that is not known here", hint)


def _guessed(data: bytes) -> str | None:
    """For text from before UTF-8, such as a spreadsheet's CSV."""
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 64 * 1024], cp_isolation=_OLD_ENCODINGS).best()
    return data.decode(best.encoding, "replace") if best is not None else None
