"""``/forgot-password``: have a link mailed that leads to a new password."""

from typing import Any

import reflex as rx

from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.sign_in_card import account_field, other_page, sign_in_page, submit_button


class ForgotPasswordState(rx.State):
    """The form that asks for a link."""

    problem: str = ""
    busy: bool = False
    asked: bool = False

    @rx.event
    def arrive(self):
        """Begin anew."""
        self.reset()

    @rx.event
    async def ask(self, form: dict[str, Any]):
        """Say that it is done, whoever asks, and then see whether there is such an account."""
        email = str(form.get("email", "")).strip()
        if "@" not in email:
            self.problem = "Fill in the e-mail address of your account."
            return
        self.problem, self.asked = "", True
        yield
        await services().password_reset.ask(email, self.router.session.client_ip or None)


def forgot_password() -> rx.Component:
    """The page."""
    return sign_in_page(
        rx.cond(
            ForgotPasswordState.asked,
            rx.flex(
                rx.icon("mail-check", size=28, color=theme.ACCENT, aria_hidden=True),
                rx.text(
                    "If there is an account with this address, a link is on its way. It works once, for an hour.",
                    size="2",
                    text_align="center",
                    role="status",
                    data_testid="forgot-sent",
                ),
                direction="column",
                align="center",
                gap=theme.SPACE_M,
            ),
            rx.form(
                rx.flex(
                    account_field(
                        "E-mail",
                        "email",
                        form="forgot",
                        error=ForgotPasswordState.problem,
                        autocomplete="email",
                        kind="email",
                        auto_focus=True,
                    ),
                    submit_button("Send me a link", busy=ForgotPasswordState.busy, test_id="forgot-submit"),
                    direction="column",
                    gap="18px",
                ),
                on_submit=ForgotPasswordState.ask,
                no_validate=True,
            ),
        ),
        title="Forgot your password?",
        subtitle="We mail you a link to choose a new one.",
        footer=other_page("Remembered it?", "Sign in", routes.LOGIN),
    )
