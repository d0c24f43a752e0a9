"""A user's own files, as tools see them; ``adapters/user_files.py`` keeps them."""

from typing import Protocol

from awe_app.domain.ids import UserId


class UserFiles(Protocol):
    """Each user's files, and nobody else's."""

    async def read(self, user_id: UserId | None, path: str, max_bytes: int) -> bytes:
        """The whole file.

        Raises:
            NodeFailed: ``FILE_NOT_FOUND`` (also for whatever lies elsewhere), ``FILE_TOO_LARGE``.
        """
        ...
