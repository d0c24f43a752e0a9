"""The builder's React components. One store in the browser (``store.js``) is behind all of them.

``workflow_canvas`` brings the data in; ``node_palette``, ``node_inspector`` and ``builder_toolbar`` stand wherever
the page wants them and have no props.
"""

import dataclasses
from typing import Any

import reflex as rx
from reflex.vars import VarData
from reflex_components_lucide.icon import LUCIDE_LIBRARY

from awe_app.nodes.form import card, fields_of, form
from awe_app.nodes.registry import NodeTypes, discover
from awe_app.tools.registry import discover_tools
from awe_app.ui.browser_files import importable

REACT_FLOW = "@xyflow/react@12.12.1"
DAGRE = "@dagrejs/dagre@3.1.3"

_FILES = (
    "store.js",
    "document.js",
    "actions.js",
    "layout.js",
    "keys.js",
    "icons.jsx",
    "node.jsx",
    "edge.jsx",
    "adder.jsx",
    "palette.jsx",
    "completion.jsx",
    "controls.jsx",
    "combo.jsx",
    "choices.jsx",
    "draft_rows.jsx",
    "tools.jsx",
    "model_picker.jsx",
    "schema.jsx",
    "key_values.jsx",
    "fields.jsx",
    "inspector.jsx",
    "toolbar.jsx",
    "canvas.jsx",
    "builder.css",
)
"""Every file of the builder: what is not named here is not there when the pages are built."""


class BuilderPart(rx.NoSSRComponent):
    """Base of the builder's components."""

    lib_dependencies: list[str] = [REACT_FLOW, DAGRE, LUCIDE_LIBRARY]


class WorkflowCanvas(BuilderPart):
    """The canvas; it owns positions, selection and dragging. The envelopes are in ``envelopes.py``."""

    library = importable(__name__, "canvas.jsx")
    tag = "WorkflowCanvas"

    document: rx.Var[dict[str, Any]]
    revision: rx.Var[int]
    faces: rx.Var[dict[str, Any]]
    issues: rx.Var[dict[str, str]]
    findings: rx.Var[dict[str, dict[str, str]]]
    saved: rx.Var[dict[str, Any]]
    history: rx.Var[dict[str, int]]
    settled: rx.Var[dict[str, Any]]
    recent: rx.Var[dict[str, Any]]
    preview: rx.Var[dict[str, str]]
    execution: rx.Var[dict[str, Any]]
    io: rx.Var[dict[str, Any]]
    choices: rx.Var[dict[str, Any]]
    tools: rx.Var[list[dict[str, Any]]]
    cards: rx.Var[list[dict[str, Any]]]
    icons: rx.Var[dict[str, Any]]

    on_edit: rx.EventHandler[rx.event.passthrough_event_spec(dict)]
    on_choose: rx.EventHandler[rx.event.no_args_event_spec]
    on_select: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_run: rx.EventHandler[rx.event.no_args_event_spec]
    on_stop: rx.EventHandler[rx.event.no_args_event_spec]

    @classmethod
    def create(cls, *children: Any, **props: Any) -> rx.Component:
        """The canvas. Raises TypeError for a prop it does not have: Reflex would turn a misspelt one into CSS."""
        for name in props:
            if name not in cls.get_props() and not name.startswith("on_"):
                raise TypeError(f"WorkflowCanvas has no prop {name!r}")
        for name in _FILES:  # here and not at import: it takes long, and a server with built pages needs none
            rx.asset(name, shared=True)
        types = discover()
        return super().create(*children, cards=type_cards(types), tools=tool_cards(), icons=type_icons(types), **props)


class ModelPicker(BuilderPart):
    """The inspector's model picker, for other pages."""

    library = importable(__name__, "model_picker.jsx")
    tag = "ModelPicker"

    models: rx.Var[list[dict[str, Any]]]
    """As ``GET /api/models`` gives them."""
    value: rx.Var[str]
    label: rx.Var[str]
    testid: rx.Var[str]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class NodePalette(BuilderPart):
    """Every node type, to drag or to add."""

    library = importable(__name__, "palette.jsx")
    tag = "NodePalette"


class NodeInspector(BuilderPart):
    """The form of the chosen node, its values in the last run, and its documentation."""

    library = importable(__name__, "inspector.jsx")
    tag = "NodeInspector"


class BuilderToolbar(BuilderPart):
    """Name, save state, undo, redo, tidy, run and stop."""

    library = importable(__name__, "toolbar.jsx")
    tag = "BuilderToolbar"


def type_cards(types: NodeTypes) -> list[dict[str, Any]]:
    """All node types for palette, canvas and inspector: the card, the form, whether it runs and holds others."""
    return [
        {**card(t), "runs": t.runs, "contains": t.contains, "fields": [field.as_json() for field in form(t)]}
        for t in types.values()
    ]


def tool_cards() -> list[dict[str, Any]]:
    """All tools for the tool picker, each with the form of its settings."""
    return [
        {
            **tool.as_json(),
            "parameters": list(tool.Arguments.model_fields),
            "fields": [field.as_json() for field in fields_of(tool.Settings)],
        }
        for tool in discover_tools().values()
    ]


def type_icons(types: NodeTypes) -> rx.Var[dict[str, Any]]:
    """The icons that the node types name, as a JavaScript object that imports just these."""
    entries: list[str] = []
    imports: dict[str, Any] = {}
    for name in sorted({node_type.icon for node_type in types.values()}):
        icon = rx.icon(name)
        imported = icon.import_var  # pyright: ignore [reportAttributeAccessIssue]
        alias = "AweType" + "".join(part.capitalize() for part in name.split("-"))
        entries.append(f'"{name}": {alias}')
        imports.setdefault(LUCIDE_LIBRARY, []).append(dataclasses.replace(imported, alias=alias))
    return rx.Var("({" + ", ".join(entries) + "})", _var_data=VarData(imports=imports)).to(dict)


workflow_canvas = WorkflowCanvas.create
model_picker = ModelPicker.create
node_palette = NodePalette.create
node_inspector = NodeInspector.create
builder_toolbar = BuilderToolbar.create
