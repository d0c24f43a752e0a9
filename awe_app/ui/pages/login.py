"""``/login``: sign in and go where one wanted to go."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError, TooMany, Unauthorized
from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.sign_in_card import account_field, other_page, sign_in_page, submit_button
from awe_app.ui.session import SessionState


class LoginState(rx.State):
    """The sign-in form."""

    problem: str = ""
    busy: bool = False
    elsewhere: str = routes.REGISTER
    """Link to the page for new accounts."""
    _after: str = routes.WORKFLOWS
    """Where to go once signed in."""

    @rx.event
    async def arrive(self):
        """Remember where to go; who is signed in already goes there at once."""
        self.problem, self.busy = "", False
        self._after = routes.local_path(self.router.url.query_parameters.get("next", ""))
        self.elsewhere = routes.register(self._after)
        session = await self.get_state(SessionState)
        try:
            await session.current_user()
        except Unauthorized:
            session.forget()
            return None
        return rx.redirect(self._after, replace=True)

    @rx.event
    async def sign_in(self, form: dict[str, Any]):
        """Check name and password, keep the tokens, go on."""
        name, password = str(form.get("username", "")).strip(), str(form.get("password", ""))
        if not name or not password:
            self.problem = "Fill in your user name and your password."
            return
        self.busy, self.problem = True, ""
        yield
        remember = bool(form.get("remember_me"))
        try:
            address = self.router.session.client_ip or None
            tokens = await services().accounts.login(name, password, remember, address)
        except AweError as error:
            self.problem = _in_words(error)
        else:
            session = await self.get_state(SessionState)
            session.keep(tokens, remember)
            yield rx.redirect(self._after, replace=True)
        finally:
            self.busy = False


def login() -> rx.Component:
    """The page."""
    return sign_in_page(
        rx.form(
            rx.flex(
                account_field(
                    "User name or e-mail",
                    "username",
                    form="login",
                    error="",
                    autocomplete="username",
                    auto_focus=True,
                    auto_capitalize="none",
                    spell_check=False,
                ),
                account_field(
                    "Password",
                    "password",
                    form="login",
                    error=LoginState.problem,
                    autocomplete="current-password",
                    kind="password",
                ),
                rx.flex(
                    rx.text(
                        rx.flex(
                            rx.checkbox(name="remember_me", data_testid="login-remember"),
                            "Remember me for 30 days",
                            align="center",
                            gap=theme.SPACE_S,
                        ),
                        as_="label",
                        size="2",
                    ),
                    rx.link("Forgot it?", href=routes.FORGOT_PASSWORD, size="2", data_testid="login-forgot"),
                    justify="between",
                    align="center",
                ),
                submit_button("Sign in", busy=LoginState.busy, test_id="login-submit"),
                direction="column",
                gap="18px",
            ),
            on_submit=LoginState.sign_in,
            no_validate=True,
        ),
        title="Welcome back",
        subtitle="Sign in to your workflows.",
        footer=other_page("New here?", "Create an account", LoginState.elsewhere),
    )


def _in_words(error: AweError) -> str:
    if isinstance(error, TooMany):
        return f"{error.detail} Try again in {max(1, round(error.retry_after_s / 60))} min."
    return f"{error.detail} {error.hint}".strip()
