"""The program that turns texts into vectors, in a process of its own: all-MiniLM-L6-v2 by numpy.

Run by path with ``python -I``; it imports nothing of AWE. It talks JSON, one object a line:

    in   {"id": 1, "texts": […], "first": true}   ``first`` goes before those without, batch by batch
         {"id": 1, "cancel": true}                forget that one
    out  {"id": 1, "rows": 2, "vectors": "…"}     float32, little-endian, in base64
         {"id": 1, "error": "…"}
         {"id": 1, "end": true}                   nothing more follows for that one
         {"fatal": "…"}                           the weights could not be read

When its input ends (AWE stopped, or was killed) it exits at once, whatever it is doing.
"""

import base64
import json
import os
import struct
import sys
import threading
import zipfile
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

DIMENSIONS = 384
MAX_TOKENS = 256
"""What the model was trained on; the rest of a longer text is not looked at."""
BATCH = 8
"""More at once is slower: what is between the layers no longer fits the cache."""
_HEADS = 12
_LAYERS = 6


class MiniLM:
    """The loaded model."""

    def __init__(self, weights: str) -> None:
        with zipfile.ZipFile(weights) as archive:
            self._weights = _tensors(archive.read("model.safetensors"))
            self._tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: Sequence[str]) -> "np.ndarray[Any, Any]":
        """One vector of length 1 for each text."""
        w = self._weights
        encoded = self._tokenizer.encode_batch(list(texts))
        ids = np.array([each.ids for each in encoded])
        mask = np.array([each.attention_mask for each in encoded], dtype=np.float32)
        batch, length = ids.shape
        words, places = w["embeddings.word_embeddings.weight"], w["embeddings.position_embeddings.weight"]
        x = words[ids] + places[:length] + w["embeddings.token_type_embeddings.weight"][0]
        x = self._normed(x, "embeddings.LayerNorm")
        hidden_from = (1 - mask[:, None, None, :]) * np.float32(-1e9)
        for i in range(_LAYERS):
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
            inner = _gelu(self._linear(x, f"{layer}intermediate.dense"))
            x = self._normed(x + self._linear(inner, f"{layer}output.dense"), f"{layer}output.LayerNorm")
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return pooled / np.linalg.norm(pooled, axis=1, keepdims=True)

    def _linear(self, x: Any, name: str) -> Any:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + np.float32(1e-12))
        return centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _tensors(raw: bytes) -> dict[str, Any]:
    """The tensors of a safetensors file whose numbers are float32, and its other parts left out."""
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    body = memoryview(raw)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*said["data_offsets"])], dtype="<f4").reshape(said["shape"])
        for name, said in header.items()
        if said.get("dtype") == "F32"
    }


def _gelu(x: Any) -> Any:
    """Its usual approximation by tanh."""
    return 0.5 * x * (1 + np.tanh(np.float32(0.7978845608) * (x + np.float32(0.044715) * (x * x * x))))


class Job:
    """Some texts, embedded a batch at a time."""

    def __init__(self, number: int, texts: list[str]) -> None:
        self.number = number
        self.texts = texts
        self.vectors = np.empty((len(texts), DIMENSIONS), dtype="<f4")
        # Alike lengths together: less padding.
        self._left = deque(sorted(range(len(texts)), key=lambda i: len(texts[i])))

    def step(self, model: MiniLM) -> bool:
        """One batch more; True when that was the last."""
        places = [self._left.popleft() for _ in range(min(BATCH, len(self._left)))]
        if places:
            self.vectors[places] = model.embed([self.texts[i] for i in places])
        return not self._left


class Queue:
    """What is asked. Questions of people who wait overtake documents that are being stored."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._first: deque[Job] = deque()
        self._later: deque[Job] = deque()

    def put(self, job: Job, first: bool) -> None:
        with self._changed:
            (self._first if first else self._later).append(job)
            self._changed.notify()

    def head(self) -> Job:
        """The job whose batch is next; waits until there is one. It stays in the queue."""
        with self._changed:
            while not self._first and not self._later:
                self._changed.wait()
            return (self._first or self._later)[0]

    def drop(self, number: int) -> None:
        with self._changed:
            for jobs in (self._first, self._later):
                for job in [job for job in jobs if job.number == number]:
                    jobs.remove(job)


def main() -> None:
    jobs = Queue()
    out = sys.stdout

    def write(**line: Any) -> None:
        out.write(json.dumps(line) + "\n")
        out.flush()

    def read() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "cancel" in message:
                jobs.drop(message["id"])
            else:
                jobs.put(Job(message["id"], message["texts"]), message["first"])
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    threadpool_limits(1)  # two threads take twice the processor time, and a short text 20 times as long (measured)
    try:
        model = MiniLM(sys.argv[1])
    except Exception as error:
        write(fatal=f"the weights cannot be read: {error}")
        os._exit(1)
    while True:
        job = jobs.head()
        try:
            if not job.step(model):
                continue
            vectors = base64.b64encode(job.vectors.tobytes()).decode()
            write(id=job.number, rows=len(job.texts), vectors=vectors)
        except Exception as error:
            write(id=job.number, error=f"{type(error).__name__}: {error}")
        jobs.drop(job.number)
        write(id=job.number, end=True)


if __name__ == "__main__":
    main()
