"""Files that go along with a task: text as text, pictures and PDFs as they are."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass

from awe_app.domain.errors import NodeFailed
from awe_app.domain.files import UserFiles
from awe_app.domain.ids import UserId
from awe_app.domain.models import Attachment

MAX_BYTES = 10 * 1024 * 1024
"""Of one file that goes along as it is; providers take little more."""
MAX_TEXT_CHARS = 200_000
"""Of one text."""
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class Attached:
    """Files of one task, read."""

    text: str
    """Of all that are text, each under its name."""
    seen: tuple[Attachment, ...]
    """Those that the model looks at itself."""
    seen_paths: tuple[str, ...]


async def read_files(files: UserFiles, user_id: UserId | None, paths: Sequence[str]) -> Attached:
    """Read the user's own files.

    Raises:
        NodeFailed: ``FILE_NOT_FOUND``, ``FILE_TOO_LARGE``, ``UNSUPPORTED_FILE``.
    """
    texts: list[str] = []
    seen: list[Attachment] = []
    seen_paths: list[str] = []
    for path in paths:
        content = await files.read(user_id, path, MAX_BYTES)
        kind = _picture(content)
        if kind is not None:
            seen.append(Attachment(path.rpartition("/")[2], kind, content))
            seen_paths.append(path)
        else:
            texts.append(f"File {path}:\n{_text(path, content)}")
    return Attached("\n\n".join(texts), tuple(seen), tuple(seen_paths))


def _picture(content: bytes) -> str | None:
    """What the bytes say they are; a name can say anything."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)


def _text(path: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        kind = mimetypes.guess_type(path)[0] or "binary"
        hint = "attach PNG, JPEG, GIF, WebP, PDF or text; the tool file_reader reads more"
        raise NodeFailed("UNSUPPORTED_FILE", f"'{path}' is {kind}, which no model takes", hint)
    if len(text) > MAX_TEXT_CHARS:
        hint = "give the agent the tool file_reader, or put the file into a collection"
        raise NodeFailed("FILE_TOO_LARGE", f"'{path}' is longer than {MAX_TEXT_CHARS} characters", hint)
    return text
