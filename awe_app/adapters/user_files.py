"""Users' files: ``files/<user id>/`` in the data folder. Only what really lies there can be reached."""

import asyncio
import os
import re
import stat
from pathlib import Path

from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId

_USER = re.compile(r"[A-Za-z0-9_-]{1,64}")


class UserFileFolder:
    """Implements ``UserFiles``."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "files"

    async def read(self, user_id: UserId | None, path: str, max_bytes: int) -> bytes:
        """See ``UserFiles.read``."""
        return await asyncio.to_thread(self._read, user_id, path, max_bytes)

    def _read(self, user_id: UserId | None, path: str, max_bytes: int) -> bytes:
        missing = NodeFailed("FILE_NOT_FOUND", f"you have no file '{path}'")
        if user_id is None or not _USER.fullmatch(user_id):
            raise missing
        try:
            home = (self._root / user_id).resolve(strict=True)
            found = (home / path).resolve(strict=True)  # links are followed before it is judged
            if not found.is_relative_to(home):
                raise missing
            opened = os.open(found, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError, RuntimeError):
            raise missing from None
        if not stat.S_ISREG(os.fstat(opened).st_mode):  # of what was opened, whatever lies there by now
            os.close(opened)
            raise missing
        with open(opened, "rb") as file:
            content = file.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise NodeFailed("FILE_TOO_LARGE", f"'{path}' is larger than {max_bytes / 1024 / 1024:g} MB")
        return content
