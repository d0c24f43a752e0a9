"""How Reflex builds and serves the pages. Nothing here depends on the machine."""

import reflex as rx

config = rx.Config(
    app_name="awe_app",
    # In production one port serves everything, and Reflex insists that both are told so.
    frontend_port=8000,
    backend_port=8000,
    plugins=[
        rx.plugins.RadixThemesPlugin(
            theme=rx.theme(accent_color="iris", gray_color="slate", radius="medium", scaling="95%")
        )
    ],
    disable_plugins=[rx.plugins.SitemapPlugin],
    # Tab states live in memory, not in files: they hold sign-in tokens, and a reload rebuilds them.
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    default_color_mode="system",
    show_built_with_reflex=False,
    telemetry_enabled=False,
)
