"""Everything that can go wrong, as one tree.

    AweError                  code, detail, hint
    ├── NotFound              404  it is not there, or not visible to you
    ├── Unauthorized          401  nobody, or nobody known, is signed in
    ├── Forbidden             403  visible, but not allowed
    ├── Conflict              409  the state does not allow it (stale version, already ended)
    ├── Invalid               400  the request is wrong; ``issues`` says where
    ├── TooLarge              413  more than AWE takes
    ├── TooMany               429  again after ``retry_after_s``
    ├── Unavailable           503  something AWE needs does not answer
    └── NodeFailed            –    a node's work failed; ends in the execution, not in HTTP
        ├── NodeTimeout            it took longer than ``timeout_s``
        └── BudgetExceeded         tokens, dollars, time or calls are spent

Raised inside, turned into HTTP in ``api/errors.py`` and into a toast in ``ui/layout.py``, nowhere else.
Control flow (``Fenced``, ``Paused``) is no error and stands outside the tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from awe_app.domain.ids import NodeId


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of validation about one node or field, to be shown beside it."""

    severity: Literal["error", "warning"]
    code: str
    """Stable name of the rule, such as ``UNKNOWN_NAME``."""
    message: str
    """What is wrong and how to mend it."""
    node_id: NodeId | None = None
    field: str | None = None
    """Dotted place inside the node, such as ``agent_config.user_prompt``."""
    malformed: bool = False
    """True when not even a draft may hold it (unknown keys, cycles, edges to nowhere)."""

    def as_json(self) -> dict[str, str | None]:
        """The issue as REST shows it."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            "node_id": self.node_id,
            "field": self.field,
        }


class AweError(Exception):
    """A failure with a stable ``code``, a ``detail`` for people and, where there is one, a ``hint`` how to mend it."""

    def __init__(self, code: str, detail: str, hint: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.hint = hint

    @property
    def in_full(self) -> str:
        """Detail and hint in one text."""
        return f"{self.detail} ({self.hint})" if self.hint else self.detail


class NotFound(AweError):
    """It does not exist, or the asker may not know that it does."""


class Unauthorized(AweError):
    """Nobody is signed in, or the token is dead."""


class Forbidden(AweError):
    """The asker sees it but may not do this to it."""


class Conflict(AweError):
    """The present state does not allow it."""


class Invalid(AweError):
    """The request is wrong; ``issues`` holds every finding."""

    def __init__(self, code: str, detail: str, hint: str = "", issues: tuple[Issue, ...] = ()) -> None:
        super().__init__(code, detail, hint)
        self.issues = issues


class TooLarge(AweError):
    """More bytes, nodes or edges than AWE takes."""


class TooMany(AweError):
    """Too many tries; allowed again after ``retry_after_s`` seconds."""

    def __init__(self, code: str, detail: str, retry_after_s: int) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s


class Unavailable(AweError):
    """Something AWE needs (a model, the sandbox, the database) does not answer."""


class NodeFailed(AweError):
    """A node's work failed. ``retryable`` says whether trying again can help."""

    def __init__(self, code: str, detail: str, hint: str = "", retryable: bool = False) -> None:
        super().__init__(code, detail, hint)
        self.retryable = retryable


class NodeTimeout(NodeFailed):
    """The node took longer than its ``timeout_s``."""


class BudgetExceeded(NodeFailed):
    """The tokens, dollars, seconds or calls that the node may use are spent."""


class Paused(Exception):
    """Control flow: the node waits for a person, a moment or another execution, and holds nothing while it does."""

    def __init__(self, reason: str, until: datetime | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        """What it waits for, such as ``approval``."""
        self.until = until
        """When it goes on by itself; None: only by a signal."""
        self.data = data
        """What people should see while it waits, such as the message and the form."""


class Fenced(BaseException):
    """Control flow: another process has taken this execution over, or it ended; stop at once and write nothing more."""
