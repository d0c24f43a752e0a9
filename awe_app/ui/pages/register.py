"""``/register``: make an account; that signs in."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError, Conflict, Invalid
from awe_app.services import services
from awe_app.ui import routes
from awe_app.ui.components.sign_in_card import account_field, other_page, sign_in_page, submit_button
from awe_app.ui.session import SessionState
from awe_app.ui.shown import Shown
from awe_app.ui.toasts import sentence

FIELDS = ("username", "email", "password")
NO_PROBLEMS = {"username": "", "email": "", "password": "", "form": ""}


class RegisterState(rx.State):
    """The form for a new account."""

    problems: dict[str, str] = NO_PROBLEMS
    """Message by field; those of no field stand under ``form``."""
    busy: bool = False
    elsewhere: str = routes.LOGIN
    """Link to the sign-in page."""
    _after: str = routes.WORKFLOWS
    """Where to go once signed in."""

    @rx.event
    def arrive(self):
        """Remember where to go afterwards."""
        self.problems, self.busy = NO_PROBLEMS, False
        self._after = routes.local_path(self.router.url.query_parameters.get("next", ""))
        self.elsewhere = routes.login(self._after)

    @rx.event
    async def create_account(self, form: dict[str, Any]):
        """Make the account, sign in, go on."""
        values = {name: str(form.get(name, "")) for name in FIELDS}
        missing = {name: "Fill this in." for name in FIELDS if not values[name].strip()}
        if missing:
            self.problems = NO_PROBLEMS | missing
            return
        self.busy, self.problems = True, NO_PROBLEMS
        yield
        accounts = services().accounts
        try:
            await accounts.register(values["username"].strip(), values["email"].strip(), values["password"])
            tokens = await accounts.login(values["username"].strip(), values["password"], remember_me=False)
        except AweError as error:
            self.problems = NO_PROBLEMS | problems_by_field(error)
        else:
            session = await self.get_state(SessionState)
            session.keep(tokens, remember=False)
            yield rx.redirect(self._after, replace=True)
        finally:
            self.busy = False


def problems_by_field(error: AweError) -> dict[str, str]:
    """What to write beside which field of the form."""
    if isinstance(error, Invalid) and error.issues:
        return {
            issue.field if issue.field in FIELDS else "form": sentence(issue.message.removeprefix(f"{issue.field}: "))
            for issue in reversed(error.issues)  # the first finding of a field wins
        }
    text = sentence(f"{error.detail} {error.hint}")
    if isinstance(error, Conflict | Invalid):
        named = next((name for name in FIELDS if name.upper() in error.code), "form")
        return {named: text}
    return {"form": text}


def register() -> rx.Component:
    """The page."""
    return sign_in_page(
        rx.form(
            rx.flex(
                _field("User name", "username", "username", auto_focus=True, auto_capitalize="none", spell_check=False),
                _field("E-mail", "email", "email", kind="email"),
                _field("Password", "password", "new-password", kind="password", hint="At least 8 characters."),
                rx.cond(
                    _problem("form"), rx.callout(_problem("form"), icon="circle-alert", color_scheme="red", size="1")
                ),
                submit_button("Create account", busy=RegisterState.busy, test_id="register-submit"),
                direction="column",
                gap="18px",
            ),
            on_submit=RegisterState.create_account,
            no_validate=True,
        ),
        title="Create your account",
        subtitle="Build agent workflows and run them on this machine.",
        footer=other_page(
            "You have an account?",
            "Sign in",
            RegisterState.elsewhere,
        ),
    )


def _field(label: str, name: str, autocomplete: str, **props: Any) -> rx.Component:
    return account_field(label, name, form="register", error=_problem(name), autocomplete=autocomplete, **props)


def _problem(name: str) -> Shown[str]:
    return RegisterState.problems[name]
