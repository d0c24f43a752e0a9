"""Users' files: ``files/<user id>/`` in the data folder. Only what really lies there can be reached."""

import asyncio
import os
import re
import stat
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from awe_app.domain.errors import NodeFailed, TooLarge
from awe_app.domain.ids import UserId, new_id

_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_DRAFT = ".upload-"
_STALE_S = 24 * 3600.0
"""A draft that old belongs to a process that died."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as its owner sees it."""

    name: str
    """With its folder, if it is in one."""
    size_bytes: int
    modified_at: datetime


class UserFileFolder:
    """Implements ``UserFiles``, and keeps the files."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "files"

    async def read(self, user_id: UserId | None, path: str, max_bytes: int) -> bytes:
        """See ``UserFiles.read``."""
        return await asyncio.to_thread(self._read, user_id, path, max_bytes)

    async def find(self, user_id: UserId, path: str) -> Path:
        """Where the file lies. Raises NodeFailed ``FILE_NOT_FOUND``."""
        return await asyncio.to_thread(self._find, user_id, path)

    async def list(self, user_id: UserId) -> Sequence[StoredFile]:
        """All of the user's files, by name."""
        return await asyncio.to_thread(lambda: sorted(self._all(user_id), key=lambda file: file.name))

    async def delete(self, user_id: UserId, path: str) -> None:
        """Drop the file. Raises NodeFailed ``FILE_NOT_FOUND``."""
        await asyncio.to_thread(lambda: self._find(user_id, path).unlink(missing_ok=True))

    async def write(
        self, user_id: UserId, name: str, chunks: AsyncIterator[bytes], max_bytes: int, max_total_bytes: int
    ) -> StoredFile:
        """Keep what comes under that name, in place of what was there; whole or not at all.

        Raises:
            TooLarge: ``FILE_TOO_LARGE``, or ``FILES_FULL`` when all files together were more than ``max_total_bytes``.
        """
        home = self._root / user_id
        draft = home / f"{_DRAFT}{new_id()}"
        others = await asyncio.to_thread(self._prepare, user_id, home, name)
        file = await asyncio.to_thread(draft.open, "xb")
        size = 0
        try:
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > max_bytes:
                        raise TooLarge("FILE_TOO_LARGE", f"a file may have {max_bytes // 1024**2} MB at most")
                    if others + size > max_total_bytes:
                        detail = f"your files may have {max_total_bytes // 1024**2} MB together"
                        raise TooLarge("FILES_FULL", detail, "delete some")
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.to_thread(file.close)
            await asyncio.to_thread(os.replace, draft, home / name)
        finally:
            draft.unlink(missing_ok=True)
        return StoredFile(name, size, datetime.now(UTC))

    def _prepare(self, user_id: UserId, home: Path, name: str) -> int:
        """Make the folder and give the size of all other files in it."""
        if not _USER.fullmatch(user_id):
            raise ValueError("no id of a user")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for draft in home.glob(f"{_DRAFT}*"):
            if time.time() - draft.lstat().st_mtime > _STALE_S:
                draft.unlink(missing_ok=True)
        return sum(file.size_bytes for file in self._all(user_id) if file.name != name)

    def _all(self, user_id: UserId) -> Iterator[StoredFile]:
        home = self._root / user_id
        for folder, folders, names in os.walk(home):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for name in names:
                path = Path(folder, name)
                found = path.lstat()
                if stat.S_ISREG(found.st_mode) and not name.startswith("."):
                    moment = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield StoredFile(path.relative_to(home).as_posix(), found.st_size, moment)

    def _find(self, user_id: UserId | None, path: str) -> Path:
        missing = NodeFailed("FILE_NOT_FOUND", f"you have no file '{path}'")
        if user_id is None or not _USER.fullmatch(user_id):
            raise missing
        try:
            home = (self._root / user_id).resolve(strict=True)
            found = (home / path).resolve(strict=True)  # links are followed before it is judged
            if not found.is_relative_to(home) or not found.is_file():
                raise missing
        except (OSError, ValueError, RuntimeError):
            raise missing from None
        return found

    def _read(self, user_id: UserId | None, path: str, max_bytes: int) -> bytes:
        missing = NodeFailed("FILE_NOT_FOUND", f"you have no file '{path}'")
        try:
            opened = os.open(self._find(user_id, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise missing from None
        if not stat.S_ISREG(os.fstat(opened).st_mode):  # of what was opened, whatever lies there by now
            os.close(opened)
            raise missing
        with open(opened, "rb") as file:
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise NodeFailed("FILE_TOO_LARGE", f"'{path}' is larger than {max_bytes / 1024 / 1024:g} MB")
        return content
