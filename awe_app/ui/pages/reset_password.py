"""``/reset-password?token=…``: choose a new password by a mailed link."""

from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError
from awe_app.services import services
from awe_app.ui import routes
from awe_app.ui.components.sign_in_card import account_field, other_page, sign_in_page, submit_button
from awe_app.ui.toasts import toast


class ResetPasswordState(rx.State):
    """The form for the new password."""

    problem: str = ""
    busy: bool = False

    @rx.event
    def arrive(self):
        """Begin anew."""
        self.reset()

    @rx.event
    async def choose(self, form: dict[str, Any]):
        """Set the password, then go and sign in with it."""
        self.busy, self.problem = True, ""
        yield
        token = self.router.url.query_parameters.get("token", "")
        try:
            await services().password_reset.reset(token, str(form.get("password", "")))
        except AweError as error:
            self.problem = f"{error.detail.removeprefix('new_password: ').capitalize()} {error.hint}".strip()
        else:
            yield toast("success", "Your password is changed. Sign in with it.")
            yield rx.redirect(routes.LOGIN, replace=True)
        finally:
            self.busy = False


def reset_password() -> rx.Component:
    """The page."""
    return sign_in_page(
        rx.form(
            rx.flex(
                account_field(
                    "New password",
                    "password",
                    form="reset",
                    error=ResetPasswordState.problem,
                    autocomplete="new-password",
                    kind="password",
                    hint="At least 8 characters.",
                    auto_focus=True,
                ),
                submit_button("Change the password", busy=ResetPasswordState.busy, test_id="reset-submit"),
                direction="column",
                gap="18px",
            ),
            on_submit=ResetPasswordState.choose,
            no_validate=True,
        ),
        title="Choose a new password",
        subtitle="You are signed out everywhere then, and API keys end.",
        footer=other_page("The link does not work?", "Ask for another one", routes.FORGOT_PASSWORD),
    )
