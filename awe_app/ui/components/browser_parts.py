"""Python side of ``browser_parts.jsx``: times that age, a pulse that stops while nobody looks,
a watch on a cookie."""

import reflex as rx

_JSX = rx.asset("browser_parts.jsx", shared=True)


class TimeAgo(rx.NoSSRComponent):
    """A moment as ``3 min. ago``, with the local date and time as its title."""

    library = _JSX.importable_path
    tag = "TimeAgo"

    moment: rx.Var[str]
    """ISO 8601; anything else shows a dash."""


class Pulse(rx.NoSSRComponent):
    """Calls ``on_pulse`` every ``interval_ms`` while the tab is visible; 0 stops it."""

    library = _JSX.importable_path
    tag = "Pulse"

    interval_ms: rx.Var[int]
    on_pulse: rx.EventHandler[rx.event.no_args_event_spec]


class CookieWatch(rx.NoSSRComponent):
    """Calls ``on_change`` with the cookie's value when the tab is shown again and the value is not ``known``."""

    library = _JSX.importable_path
    tag = "CookieWatch"

    name: rx.Var[str]
    known: rx.Var[str]
    on_change: rx.EventHandler[rx.event.passthrough_event_spec(str)]


time_ago = TimeAgo.create
pulse = Pulse.create
cookie_watch = CookieWatch.create
