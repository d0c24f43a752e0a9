"""What all embedders have in common, and a memory of what was embedded lately."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

_KEPT = 4096
"""Vectors: 6 MB of those with 384 numbers."""


class Embedder(Protocol):
    """Texts as vectors. Those of two embedders cannot be compared."""

    @property
    def name(self) -> str:
        """What collections remember it by."""
        ...

    async def embed(self, texts: Sequence[str], first: bool = False) -> "np.ndarray[Any, Any]":
        """One vector of length 1 for each text, float32. ``first`` is for people who wait: it overtakes.

        Raises:
            NodeFailed: ``EMBEDDER_UNAVAILABLE``, or what a provider's refusal means (``ModelFailed``).
        """
        ...


class CachedEmbedder:
    """Implements ``Embedder`` by another one, which is asked once for what was asked lately."""

    def __init__(self, embedder: Embedder, kept: int = _KEPT) -> None:
        self._embedder = embedder
        self._most = kept
        self._kept: OrderedDict[bytes, Any] = OrderedDict()

    @property
    def name(self) -> str:
        """See ``Embedder.name``."""
        return self._embedder.name

    async def embed(self, texts: Sequence[str], first: bool = False) -> "np.ndarray[Any, Any]":
        """See ``Embedder.embed``."""
        import numpy as np

        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        known = {key: self._kept[key] for key in keys if key in self._kept}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            vectors = await self._embedder.embed(list(missing.values()), first)
            known.update(zip(missing, vectors, strict=True))
        for key in keys:
            self._kept[key] = known[key]
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return np.stack([known[key] for key in keys]) if keys else np.empty((0, 0), dtype=np.float32)
