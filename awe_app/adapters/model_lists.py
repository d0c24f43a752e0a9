"""Which models a provider offers, as it says itself."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.adapters.openai_answers import read_error
from awe_app.domain.errors import NodeFailed
from awe_app.domain.http import HttpRequest
from awe_app.domain.models import ModelFailed

MOST = 1_000
_TIMEOUT_S = 20.0


async def offered_models(access: Access, client: HttpClient) -> list[str]:
    """Names of its models, sorted.

    Raises:
        ModelFailed: as a call of a model does; ``MODEL_ERROR`` for Azure, which tells nobody its deployments.
    """
    if access.kind == "azure":
        hint = "enter the names of your deployments; Azure's portal shows them"
        raise ModelFailed("MODEL_ERROR", "Azure does not list deployments", hint)
    url, headers = _address(access)
    request = HttpRequest("GET", url, {"accept": "application/json", **headers}, timeout_s=_TIMEOUT_S)
    try:
        answer = await client.send(request)
    except NodeFailed as failure:
        detail = f"{access.provider}: {failure.detail}"
        raise ModelFailed(failure.code, detail, failure.hint, failure.retryable) from None
    try:
        value: Any = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    if answer.status >= 300:
        said = read_error(value).message if value is not None else answer.body.decode(errors="replace")
        raise access.refusal("the list of models", answer.status, said)
    if not isinstance(value, dict):
        hint = "check the base URL in the settings; for most servers it ends in /v1"
        raise ModelFailed("MODEL_ERROR", f"what {access.provider} sent is no list of models", hint)
    return sorted(_names(value))[:MOST]


def _address(access: Access) -> tuple[str, Mapping[str, str]]:
    base_url = access.address()
    if access.kind == "anthropic":
        base_url = base_url if base_url.endswith("/v1") else f"{base_url}/v1"
        headers = {"x-api-key": access.sent_key, "anthropic-version": "2023-06-01"}
        return _below(base_url, "models", "limit=1000"), headers
    if access.kind == "gemini":
        base_url = base_url if base_url.endswith("/v1beta") else f"{base_url}/v1beta"
        return _below(base_url, "models", "pageSize=1000"), {"x-goog-api-key": access.sent_key}
    return _below(base_url, "models"), {"authorization": f"Bearer {access.sent_key}"}


def _below(base_url: str, path: str, query: str = "") -> str:
    parts = urlsplit(base_url)
    query = "&".join(part for part in (parts.query, query) if part)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}", query=query, fragment=""))


def _names(value: Mapping[str, Any]) -> set[str]:
    """The names in a list of OpenAI's, Anthropic's or Gemini's form."""
    entries = value.get("data") or value.get("models") or ()
    names: set[str] = set()
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue
        methods = entry.get("supportedGenerationMethods")
        name = entry.get("id") or entry.get("name")
        if isinstance(name, str) and 0 < len(name) <= 200 and (methods is None or "generateContent" in methods):
            names.add(name.removeprefix("models/") if methods is not None else name)
    return names
