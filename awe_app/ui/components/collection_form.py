"""The dialog that sets up a collection."""

from typing import Any

import reflex as rx

from awe_app.domain.knowledge import MAX_CHUNK_CHARS, MIN_CHUNK_CHARS
from awe_app.services.knowledge import LOCAL_EMBEDDER, MAX_NAME, CollectionSettings
from awe_app.ui import theme
from awe_app.ui.components.form_field import form_field
from awe_app.ui.pages.knowledge_state import NewCollectionState


def collection_form() -> rx.Component:
    """Asks for a name and for how documents shall be cut and embedded; what it suggests fits most texts."""
    usual = CollectionSettings("")
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("New collection", font_size="var(--font-size-4)"),
            rx.dialog.description(
                "How documents are cut and embedded stays as it is now; for another way, make another collection.",
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            rx.form(
                rx.flex(
                    form_field("Name", _input("name", max_length=MAX_NAME, auto_focus=True), name="collection-name"),
                    form_field(
                        "Description",
                        _input("description", max_length=2_000, placeholder="What is in it"),
                        name="collection-description",
                    ),
                    rx.grid(
                        form_field(
                            "Characters a chunk",
                            _number("chunk_chars", usual.chunk_chars, MIN_CHUNK_CHARS, MAX_CHUNK_CHARS),
                            name="collection-chunk_chars",
                        ),
                        form_field(
                            "Overlap",
                            _number("overlap_chars", usual.overlap_chars, 0, MAX_CHUNK_CHARS // 2),
                            name="collection-overlap_chars",
                        ),
                        columns="2",
                        gap=theme.SPACE_M,
                    ),
                    rx.text(
                        rx.flex(
                            rx.switch(name="by_headings", default_checked=usual.by_headings, size="1"),
                            "Cut at headings, and find passages by them",
                            gap="8px",
                            align="center",
                        ),
                        as_="label",
                        size="2",
                    ),
                    rx.cond(NewCollectionState.providers, _embedder(), rx.fragment()),
                    rx.cond(
                        NewCollectionState.problem,
                        rx.callout(
                            NewCollectionState.problem, icon="circle-alert", color_scheme="red", size="1", role="alert"
                        ),
                    ),
                    rx.flex(
                        rx.button(
                            "Cancel",
                            type="button",
                            variant="soft",
                            color_scheme="gray",
                            on_click=NewCollectionState.close,
                        ),
                        rx.button(
                            "Create", type="submit", loading=NewCollectionState.busy, data_testid="collection-save"
                        ),
                        gap=theme.SPACE_S,
                        justify="end",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=NewCollectionState.save,
                no_validate=True,
            ),
            max_width="480px",
        ),
        open=NewCollectionState.is_open,
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), NewCollectionState.close()),
    )


def _embedder() -> rx.Component:
    return rx.fragment(
        form_field(
            "Embedded by",
            rx.select.root(
                rx.select.trigger(id="collection-provider", width="100%", data_testid="collection-provider"),
                rx.select.content(
                    rx.select.item(f"This machine ({LOCAL_EMBEDDER})", value=LOCAL_EMBEDDER),
                    rx.foreach(
                        NewCollectionState.providers,
                        lambda each: rx.select.item(each["title"], value=each["id"]),
                    ),
                ),
                value=NewCollectionState.provider,
                on_change=NewCollectionState.choose,
            ),
            name="collection-provider",
            hint=rx.cond(
                NewCollectionState.provider == LOCAL_EMBEDDER,
                "Nothing leaves this machine.",
                "Every chunk and every question is sent to this provider.",
            ),
        ),
        rx.cond(
            NewCollectionState.provider != LOCAL_EMBEDDER,
            form_field(
                "Its model",
                _input("model", placeholder="text-embedding-3-small", spell_check=False),
                name="collection-model",
            ),
        ),
    )


def _input(name: str, **props: Any) -> rx.Component:
    return rx.input(name=name, id=f"collection-{name}", width="100%", data_testid=f"collection-{name}", **props)


def _number(name: str, usual: int, least: int, most: int) -> rx.Component:
    return _input(name, type="number", default_value=str(usual), min=least, max=most, input_mode="numeric")
