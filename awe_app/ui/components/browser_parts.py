"""Python side of ``browser_parts.jsx``: times that age, a pulse that stops while nobody looks,
a watch on a cookie."""

from typing import Any

import reflex as rx

from awe_app.ui.browser_files import importable


class BrowserPart(rx.NoSSRComponent):
    """Base of the components of this file."""

    library = importable(__name__, "browser_parts.jsx")

    @classmethod
    def create(cls, *children: Any, **props: Any) -> rx.Component:
        """The component; its file is linked here and not at import: a server with built pages needs none."""
        rx.asset("browser_parts.jsx", shared=True)
        return super().create(*children, **props)


class TimeAgo(BrowserPart):
    """A moment as ``3 min. ago``, with the local date and time as its title."""

    tag = "TimeAgo"

    moment: rx.Var[str]
    """ISO 8601; anything else shows a dash."""


class Pulse(BrowserPart):
    """Calls ``on_pulse`` every ``interval_ms`` while the tab is visible; 0 stops it."""

    tag = "Pulse"

    interval_ms: rx.Var[int]
    on_pulse: rx.EventHandler[rx.event.no_args_event_spec]


class CookieWatch(BrowserPart):
    """Calls ``on_change`` with the cookie's value when the tab is shown again and the value is not ``known``."""

    tag = "CookieWatch"

    name: rx.Var[str]
    known: rx.Var[str]
    on_change: rx.EventHandler[rx.event.passthrough_event_spec(str)]


time_ago = TimeAgo.create
pulse = Pulse.create
cookie_watch = CookieWatch.create
