"""Embeddings by a user's provider: ``POST <base URL>/embeddings`` in OpenAI's form, through the guarded client."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import OLLAMA, Access, retry_after_s
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpAnswer, HttpRequest
from awe_app.domain.models import ModelFailed

if TYPE_CHECKING:
    import numpy as np

_BATCH = 64
_MAX_BYTES = 50 * 1024 * 1024
SPEAKS = {
    "openai": "",
    "mistral": "",
    "openrouter": "",
    "openai_compatible": "",
    "ollama": "/v1",
    "gemini": "/v1beta/openai",
}
"""Kinds of providers that take OpenAI's embeddings, and what comes between their address and ``/embeddings``."""


class RemoteEmbedder:
    """Implements ``Embedder`` for one model of one provider."""

    def __init__(self, access: Access, model: str, client: HttpClient, timeout_s: float = 60.0) -> None:
        if access.kind not in SPEAKS:
            known = ", ".join(sorted(SPEAKS))
            detail = f"{access.provider} is of the kind {access.kind}, which makes no embeddings here"
            raise ModelFailed("UNKNOWN_MODEL", detail, f"choose a provider of one of these kinds: {known}")
        self._access = access
        self._model = model
        self._client = client
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """``<provider>/<model>``."""
        return f"{self._access.provider}/{self._model}"

    async def embed(self, texts: Sequence[str], first: bool = False) -> "np.ndarray[Any, Any]":
        """See ``Embedder.embed``."""
        import numpy as np

        batches = [await self._ask(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(batches) if batches else np.empty((0, 0), dtype=np.float32)

    async def _ask(self, texts: Sequence[str]) -> "np.ndarray[Any, Any]":
        address = self._access.address().rstrip("/")
        url = address + (SPEAKS[self._access.kind] if not address.endswith("/v1") else "") + "/embeddings"
        # An empty text is refused by many; a full stop means as little.
        body = {"model": self._model, "input": [text if text.strip() else "." for text in texts]}
        headers = {"authorization": f"Bearer {self._access.sent_key}", "content-type": "application/json"}
        request = HttpRequest("POST", url, headers, json.dumps(body).encode(), self._timeout_s, _MAX_BYTES)
        try:
            answer = await self._client.send(request)
        except NodeFailed as failure:
            code = failure.code if failure.code in ("ADDRESS_BLOCKED", "HOST_UNKNOWN") else "MODEL_UNAVAILABLE"
            detail = f"{self._access.provider}: {failure.detail}"
            raise ModelFailed(code, detail, failure.hint, failure.retryable) from None
        if answer.status >= 300:
            raise self._access.refusal(self._model, answer.status, _said(answer), retry_after_s(answer.headers))
        return self._read(answer, len(texts))

    def _read(self, answer: HttpAnswer, count: int) -> "np.ndarray[Any, Any]":
        import numpy as np

        try:
            data = sorted(json.loads(answer.body)["data"], key=lambda each: each.get("index", 0))
            vectors = np.array([each["embedding"] for each in data], dtype=np.float32)
        except (ValueError, KeyError, TypeError, AttributeError):
            vectors = np.empty(0, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
            detail = f"{self._access.provider} answered with something that is no list of {count} embeddings"
            raise ModelFailed("MODEL_ERROR", detail, "choose an embedding model of the provider")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths > 0, lengths, 1)


def allowed_for_models(hosts: Sequence[str]) -> list[str]:
    """What models may reach beside public addresses: what the operator allows, and Ollama."""
    return [*hosts, OLLAMA]


def _said(answer: HttpAnswer) -> str:
    text = answer.body[:2000].decode("utf-8", "replace")
    try:
        error = json.loads(answer.body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return text
