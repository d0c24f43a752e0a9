"""Accounts over REST."""

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from awe_app.api.deps import AccessToken, Body, CurrentUser, client_address, json_response
from awe_app.api.shapes import AcceptedShape, TokensShape, UserShape
from awe_app.services import services

router = APIRouter(prefix="/auth", tags=["accounts"])


class Registration(Body):
    """Name, address and password of a new account."""

    username: str
    email: str
    password: str


class Login(Body):
    """``username`` may be the e-mail; ``remember_me`` keeps the sign-in for 30 days instead of 24 hours."""

    username: str
    password: str
    remember_me: bool = False


class Refresh(Body):
    """A refresh token that was not used before."""

    refresh_token: str


class Forgotten(Body):
    """The e-mail address of the account."""

    email: str


class NewPassword(Body):
    """The token of a mailed link, and the password to set."""

    token: str
    new_password: str


@router.post("/register", status_code=201, response_model=UserShape)
async def register(body: Registration) -> Response:
    """Make an account."""
    user = await services().accounts.register(body.username, body.email, body.password)
    return json_response(user.as_json(), 201)


@router.post("/login", response_model=TokensShape)
async def login(body: Login, request: Request) -> Response:
    """Sign in. Ten failures in 15 minutes, of an account or from an address, are answered by 429."""
    accounts = services().accounts
    tokens = await accounts.login(body.username, body.password, body.remember_me, client_address(request))
    return json_response(tokens.as_json())


@router.post("/refresh", response_model=TokensShape)
async def refresh(body: Refresh) -> Response:
    """Exchange a refresh token for a new pair; the old one is dead."""
    return json_response((await services().accounts.refresh(body.refresh_token)).as_json())


@router.post("/logout", status_code=204)
async def logout(token: AccessToken) -> Response:
    """Sign out: both tokens are dead."""
    await services().accounts.logout(token)
    return Response(status_code=204)


@router.post("/forgot-password", status_code=202, response_model=AcceptedShape)
async def forgot_password(body: Forgotten, request: Request) -> Response:
    """Mail a link to choose a new password, if there is such an account; the answer is the same if there is none."""
    send = BackgroundTask(services().password_reset.ask, body.email, client_address(request))
    answer = json_response({"detail": "If there is an account with this address, a link is on its way."}, 202)
    answer.background = send
    return answer


@router.post("/reset-password", status_code=204)
async def reset_password(body: NewPassword) -> Response:
    """Choose a new password by a mailed link. Every sign-in and every API key of the account is dead from then on."""
    await services().password_reset.reset(body.token, body.new_password)
    return Response(status_code=204)


@router.get("/me", response_model=UserShape)
async def me(user: CurrentUser) -> Response:
    """Who is signed in."""
    return json_response(user.as_json())
