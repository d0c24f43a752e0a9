"""The profile, as the settings show it."""

from dataclasses import dataclass

import reflex as rx

from awe_app.ui.session import refusals_told, signed_in


@dataclass(frozen=True)
class Profile:
    """Who one is."""

    username: str = ""
    email: str = ""
    since: str = ""


class ProfileState(rx.State):
    """The signed-in user, as the settings show them."""

    profile: Profile = Profile()

    @rx.event
    @refusals_told
    async def load(self):
        """Show the profile."""
        user = await signed_in(self)
        self.profile = Profile(user.username, user.email, f"{user.created_at:%-d %B %Y}")
