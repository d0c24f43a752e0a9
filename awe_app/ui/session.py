"""Who is signed in, on the side of the browser's pages.

The tokens live in the browser: in local storage when people asked to be remembered (30 days), else in a cookie that
goes with the browser session, so that other tabs are signed in too. AWE never reads that cookie from a request;
it is a place to keep the token, and so no other site can act with it.

Identity is always asked anew: every handler that touches data begins with ``await signed_in(self)``.
"""

import contextlib
import functools
import inspect
import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import reflex as rx

from awe_app.domain.accounts import Tokens, User
from awe_app.domain.errors import AweError, Unauthorized
from awe_app.services import services
from awe_app.ui import renewals, routes
from awe_app.ui.toasts import toast_for

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])

COOKIE = "awe_session"

NOBODY = "NOBODY_SIGNED_IN"
"""Code of the error for a browser that holds no token at all."""


class SessionState(rx.State):
    """The tokens of this browser and the name for the user menu."""

    remembered: str = rx.LocalStorage("", name="awe_remembered", sync=True)
    """Access and refresh token, parted by a space, of those who asked to be remembered."""
    until_close: str = rx.Cookie("", name=COOKIE, same_site="strict")
    """The same for everyone else."""
    username: str = ""

    async def current_user(self) -> User:
        """The user whose access token this browser holds; an expired one is refreshed first.

        Raises:
            Unauthorized: nobody is signed in, or the tokens are dead.
        """
        access, _, refresh = (self.remembered or self.until_close).partition(" ")
        if not access:
            raise Unauthorized(NOBODY, "You are not signed in.", "Sign in to go on.")
        try:
            user = await services().accounts.authenticate(access)
        except Unauthorized:
            tokens = await renewals.renew(refresh)
            self.keep(tokens, remember=bool(self.remembered))
            user = tokens.user
        if self.username != user.username:
            self.username = user.username
        return user

    def keep(self, tokens: Tokens, remember: bool) -> None:
        """Store the tokens in the browser."""
        pair = f"{tokens.access_token} {tokens.refresh_token}"
        self.remembered, self.until_close = (pair, "") if remember else ("", pair)
        self.username = tokens.user.username

    def forget(self) -> None:
        """Drop the tokens this browser holds."""
        self.remembered = self.until_close = self.username = ""

    @rx.event
    async def go_home(self):
        """``/`` leads to the workflows, or to the sign-in page."""
        try:
            await self.current_user()
        except Unauthorized as error:
            return to_sign_in(self, error)
        return rx.redirect(routes.WORKFLOWS, replace=True)

    @rx.event
    def read_cookie(self, value: str):
        """Take over what another tab of this browser has put into the cookie."""
        self.until_close = value

    @rx.event
    async def sign_out(self):
        """Let both tokens die and go to the sign-in page, with nothing of the user left in this tab."""
        access = (self.remembered or self.until_close).partition(" ")[0]
        with contextlib.suppress(Unauthorized):  # the tokens were dead already
            await services().accounts.logout(access)
        (await self.get_state(rx.State)).reset()
        self.forget()
        return open_afresh(routes.LOGIN)

    @rx.event
    async def require_user(self):
        """``on_load`` guard of pages that need a user: sends to the sign-in page, which leads back."""
        try:
            await self.current_user()
        except Unauthorized as error:
            return to_sign_in(self, error)


async def signed_in(state: rx.State) -> User:
    """The signed-in user, for a handler of any state.

    Raises:
        Unauthorized: nobody is signed in.
    """
    session = await state.get_state(SessionState)
    return await session.current_user()


def to_sign_in(state: rx.State, error: Unauthorized) -> Any:
    """Go to the sign-in page and come back afterwards.

    Where tokens were refused the page is loaded afresh, so that a tab which slept reads those that another tab
    has renewed meanwhile; it then comes straight back.
    """
    url = state.router.url
    path = url.path.rstrip("/") or routes.HOME
    page = routes.login(f"{path}?{url.query}" if url.query else path)
    return rx.redirect(page, replace=True) if error.code == NOBODY else open_afresh(page)


def open_afresh(path: str) -> Any:
    """Load a page of AWE as if its address had been typed in."""
    return rx.run_script(f"window.location.replace({json.dumps(path)})")


def refusals_told(handler: HandlerT) -> HandlerT:
    """Turn an ``AweError`` out of a handler into a toast, and a missing sign-in into the way to the sign-in page.

    Stands below ``@rx.event``; for handlers that are coroutines or async generators, in the background too.
    """

    def answer(state: rx.State, error: AweError) -> Any:
        return to_sign_in(state, error) if isinstance(error, Unauthorized) else toast_for(error)

    if inspect.isasyncgenfunction(handler):

        @functools.wraps(handler)
        async def streaming(self: rx.State, *args: Any, **kwargs: Any) -> Any:
            try:
                async for update in handler(self, *args, **kwargs):
                    yield update
            except AweError as error:
                yield answer(self, error)

        return cast(HandlerT, streaming)

    @functools.wraps(handler)
    async def answering(self: rx.State, *args: Any, **kwargs: Any) -> Any:
        try:
            return await handler(self, *args, **kwargs)
        except AweError as error:
            return answer(self, error)

    return cast(HandlerT, answering)
