"""The application object: Reflex pages and the REST API on one port, the services for as long as the server runs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import reflex as rx

from awe_app.api.app import create_api
from awe_app.composition import start
from awe_app.logging_setup import configure_logging
from awe_app.services import provide
from awe_app.settings import load_environment
from awe_app.ui.app_pages import add_pages
from awe_app.ui.theme import app_look

api = create_api()


@asynccontextmanager
async def running() -> AsyncGenerator[None, None]:
    """The life of one server process."""
    environment = load_environment()
    configure_logging(environment)
    awe = await start(environment)
    provide(awe.services)
    api.state.origins = frozenset(environment.cors_origins)
    try:
        yield
    finally:
        provide(None)
        await awe.stop()


app = rx.App(**app_look(), api_transformer=api)
app.register_lifespan_task(running)
add_pages(app)
