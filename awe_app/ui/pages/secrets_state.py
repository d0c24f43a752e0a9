"""Named secrets, as the settings show them. A value passes through the form once and is never kept in a state."""

import re
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError, Conflict, Invalid
from awe_app.services import services
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast


@dataclass(frozen=True)
class SecretRow:
    """What the list shows of one secret."""

    name: str
    ending: str
    hosts: str
    updated_at: str


class SecretsState(rx.State):
    """The list, and the form that adds to it."""

    rows: list[SecretRow] = []
    loaded: bool = False
    is_open: bool = False
    """Of the form."""
    problem: str = ""
    busy: bool = False
    doomed: str = ""
    """Asked about before it is deleted."""

    @rx.event
    @refusals_told
    async def load(self):
        """Show the secrets."""
        await self._show()

    @rx.event
    def begin(self):
        """Open the form."""
        self.is_open, self.problem, self.busy = True, "", False

    @rx.event
    def close(self):
        """Change nothing."""
        self.is_open = False

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Store what was filled in; a name that is there already gets the new value and hosts."""
        user = await signed_in(self)
        self.busy, self.problem = True, ""
        yield
        try:
            given = secret_in(form)
            if not given["hosts"]:
                raise Invalid("INVALID_SETTINGS", "name the hosts that it may be sent to")
            await services().secrets.save(user, given)
        except (Invalid, Conflict) as error:
            self.problem = _in_words(error)
        else:
            self.is_open = False
            await self._show()
            yield toast("success", "Secret saved.")
        finally:
            self.busy = False

    @rx.event
    def ask(self, name: str):
        """Deleting cannot be undone, so it asks."""
        self.doomed = name

    @rx.event
    def keep(self):
        """Delete nothing after all."""
        self.doomed = ""

    @rx.event
    @refusals_told
    async def delete(self):
        """Forget the secret."""
        user = await signed_in(self)
        name, self.doomed = self.doomed, ""
        await services().secrets.delete(user, name)
        await self._show()
        return toast("success", "Secret deleted.", name)

    async def _show(self) -> None:
        user = await signed_in(self)
        self.rows = [
            SecretRow(
                each["name"],
                f"•••• {each['last4']}" if each["last4"] else "",
                ", ".join(each["hosts"]),
                each["updated_at"],
            )
            for each in await services().secrets.list(user)
        ]
        self.loaded = True


def secret_in(form: dict[str, Any]) -> dict[str, Any]:
    """What ``secrets.save`` is given for a filled-in form."""
    hosts = [host for host in re.split(r"[\s,]+", str(form.get("hosts", ""))) if host]
    return {
        "name": str(form.get("name", "")).strip(),
        "value": str(form.get("value", "")).strip() or None,
        "hosts": hosts,
    }


def _in_words(error: AweError) -> str:
    said = sentence(error.detail)
    return f"{said}; {error.hint}" if error.hint else said
