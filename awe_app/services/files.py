"""Users' uploads: what ``file_reader`` reads and inputs of the type ``file`` name."""

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from awe_app.adapters.user_files import StoredFile, UserFileFolder
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid, NodeFailed, NotFound

MAX_NAME_BYTES = 200
_FORBIDDEN = frozenset('/\\:*?"<>|')


class Files:
    """The use cases of a user's own files. Nobody else sees them."""

    def __init__(self, folder: UserFileFolder, max_bytes: int, max_total_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes
        """Of one file."""
        self._max_total_bytes = max_total_bytes

    async def list(self, user: User) -> list[dict[str, Any]]:
        """``{name, size_bytes, modified_at}`` each, by name."""
        return [_shown(file) for file in await self._folder.list(user.id)]

    async def save(self, user: User, name: str, chunks: AsyncIterator[bytes]) -> dict[str, Any]:
        """Keep a file under its name, cleaned; one of the same name is replaced.

        Raises:
            Invalid: ``INVALID_NAME``.
            TooLarge: ``FILE_TOO_LARGE``, ``FILES_FULL``; nothing is kept then.
        """
        return _shown(
            await self._folder.write(user.id, clean_name(name), chunks, self.max_bytes, self._max_total_bytes)
        )

    async def find(self, user: User, name: str) -> Path:
        """Where the file lies. Raises NotFound ``FILE_NOT_FOUND``."""
        try:
            return await self._folder.find(user.id, name)
        except NodeFailed as missing:
            raise NotFound(missing.code, missing.detail) from None

    async def delete(self, user: User, name: str) -> None:
        """Drop the file. Raises NotFound ``FILE_NOT_FOUND``."""
        try:
            await self._folder.delete(user.id, name)
        except NodeFailed as missing:
            raise NotFound(missing.code, missing.detail) from None


def clean_name(name: str) -> str:
    """The name without its folders and without characters that some system gives a meaning. Raises Invalid."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(" " if char in _FORBIDDEN or not char.isprintable() else char for char in last)
    kept = " ".join(kept.split()).lstrip(".").strip()
    stem, dot, ending = kept.rpartition(".")
    if not dot:
        stem, ending = kept, ""
    room = MAX_NAME_BYTES - len((dot + ending).encode())
    stem = stem.encode("utf-8", "ignore")[: max(0, room)].decode("utf-8", "ignore").strip()
    if not stem or room <= 0:
        raise Invalid("INVALID_NAME", "The file needs a name.", "Send it as ?name=report.pdf or as a form.")
    return f"{stem}{dot}{ending}"


def _shown(file: StoredFile) -> dict[str, Any]:
    return {"name": file.name, "size_bytes": file.size_bytes, "modified_at": file.modified_at.isoformat()}
