"""Model providers and secrets over REST. Keys go in and never come out."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Body as JsonBody

from awe_app.api.deps import Body, CurrentUser, json_response
from awe_app.api.shapes import ItemsShape, OfferedModelsShape, ProviderTestShape, SecretShape
from awe_app.services import services

router = APIRouter(prefix="/settings", tags=["settings"])

LlmSettings = Annotated[
    dict[str, Any],
    JsonBody(
        description="The same as GET gives; 'api_key' is write-only. Providers are added or changed by 'id'.",
        examples=[{"default_model": "local/smollm2-135m"}],
    ),
]


class ProviderChoice(Body):
    """One of your providers."""

    provider: str


class ModelChoice(Body):
    """Which model of which provider."""

    provider: str
    model: str | None = None


@router.get("/llm")
async def get_llm(user: CurrentUser) -> Response:
    """Your model providers; keys show their last four characters."""
    return json_response(await services().settings.llm(user))


@router.post("/llm")
async def save_llm(raw: LlmSettings, user: CurrentUser) -> Response:
    """Add or change model providers."""
    return json_response(await services().settings.save_llm(user, raw))


@router.post("/llm/test", response_model=ProviderTestShape)
async def test_llm(body: ModelChoice, user: CurrentUser) -> Response:
    """Ask a model something small and say whether it answers."""
    return json_response(await services().settings.test_llm(user, body.provider, body.model))


@router.post("/llm/models", response_model=OfferedModelsShape)
async def offered_models(body: ProviderChoice, user: CurrentUser) -> Response:
    """The models that a saved provider says it has."""
    return json_response({"models": await services().settings.offered_models(user, body.provider)})


NewSecret = Annotated[
    dict[str, Any],
    JsonBody(
        description="'hosts' are the only ones it is sent to; 'value' is write-only, and may be left out to keep it.",
        examples=[{"name": "github", "value": "…", "hosts": ["api.github.com"]}],
    ),
]


@router.get("/secrets", response_model=ItemsShape[SecretShape])
async def secrets(user: CurrentUser) -> Response:
    """Your secrets; values show their last four characters."""
    return json_response({"items": await services().secrets.list(user)})


@router.post("/secrets", response_model=SecretShape)
async def save_secret(raw: NewSecret, user: CurrentUser) -> Response:
    """Add a secret, or change one by its name."""
    return json_response(await services().secrets.save(user, raw))


@router.delete("/secrets/{secret_name}", status_code=204)
async def delete_secret(secret_name: str, user: CurrentUser) -> Response:
    """Delete a secret."""
    await services().secrets.delete(user, secret_name)
    return Response(status_code=204)
