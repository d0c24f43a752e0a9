"""Which browser tabs are there. Closing a tab does not end its background events: they have to ask."""

import reflex as rx

_apps: list[rx.App] = []


def watch(app: rx.App) -> None:
    """Ask this application from now on; called once, when the pages are added."""
    _apps[:] = [app]


def is_open(client_token: str) -> bool:
    """Whether the tab with this token is connected to this process now."""
    namespace = _apps[0].event_namespace if _apps else None
    return namespace is not None and client_token in namespace.token_to_sid
