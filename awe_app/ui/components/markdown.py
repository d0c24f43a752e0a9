"""Python side of ``markdown.jsx``: text by models and strangers, as Markdown that can do nothing."""

from typing import Any

import reflex as rx

from awe_app.ui.browser_files import importable


class Markdown(rx.NoSSRComponent):
    """Markdown without HTML, scripts or pictures."""

    library = importable(__name__, "markdown.jsx")
    tag = "Markdown"
    lib_dependencies: list[str] = ["react-markdown@10.1.0", "remark-gfm@4.0.1"]

    text: rx.Var[str]

    @classmethod
    def create(cls, *children: Any, **props: Any) -> rx.Component:
        """The component; its file is linked here and not at import: a server with built pages needs none."""
        rx.asset("markdown.jsx", shared=True)
        return super().create(*children, **props)


markdown = Markdown.create
