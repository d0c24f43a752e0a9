"""What fails in a node is the node's failure; asked for over REST or on a page, it is an answer with a status."""

from collections.abc import Generator
from contextlib import contextmanager

from awe_app.domain.errors import AweError, Conflict, Invalid, NodeFailed, NotFound, Unavailable
from awe_app.domain.models import ModelFailed

_ANSWERS: dict[str, type[AweError]] = {
    "COLLECTION_NOT_FOUND": NotFound,
    "EMBEDDER_CHANGED": Conflict,
    "EMBEDDER_UNAVAILABLE": Unavailable,
    "UNKNOWN_PROVIDER": Invalid,
    "UNKNOWN_MODEL": Invalid,
    "MODEL_AUTH": Invalid,
}


@contextmanager
def answered() -> Generator[None]:
    """Turn a ``NodeFailed`` from within into the error that says the same to whoever asked.

    Raises:
        NotFound, Conflict, Invalid, Unavailable: with the failure's own code and words.
    """
    try:
        yield
    except NodeFailed as failure:
        kind = _ANSWERS.get(failure.code, Unavailable if isinstance(failure, ModelFailed) else Invalid)
        raise kind(failure.code, failure.detail, failure.hint) from failure
