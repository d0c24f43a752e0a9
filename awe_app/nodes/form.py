"""The property form and the palette card of a node type, derived from its declaration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict

from pydantic import BaseModel

from awe_app.domain.node import Node, Port

_WIDGETS = {"boolean": "switch", "integer": "number", "number": "number", "string": "text"}


@dataclass(frozen=True, slots=True)
class FormField:
    """One setting as the form shows it."""

    name: str
    title: str
    description: str
    widget: str
    """One of those that ``NodeConfig`` names."""
    options: tuple[str, ...] = ()
    """The choices of a ``select``."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What people read in place of an option."""
    default: Any = None
    required: bool = False
    placeholder: str = ""
    advanced: bool = False
    show_when: Mapping[str, list[Any]] | None = None
    """``{"other_field": [values]}``: shown only while the other field has one of the values."""
    columns: tuple["FormField", ...] = ()
    """The fields of each row of ``rows``, or of an ``object``."""
    initial: Any = None
    """What a new node starts with; None means unset."""

    def as_json(self) -> dict[str, Any]:
        """The field as the canvas and docs read it; what says nothing is left out."""
        said = {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "widget": self.widget,
            "options": list(self.options),
            "titles": dict(self.titles),
            "default": self.default,
            "required": self.required,
            "placeholder": self.placeholder,
            "advanced": self.advanced,
            "show_when": dict(self.show_when) if self.show_when else None,
            "columns": [column.as_json() for column in self.columns],
            "initial": self.initial,
        }
        return {key: value for key, value in said.items() if value not in ("", None, [], {}, False)}


class Face(TypedDict):
    """What a node's settings say on its card."""

    summary: str
    outputs: NotRequired[list[dict[str, str]]]
    """The ports, where they differ from those of the type."""


def form(node_type: type[Node[Any]]) -> list[FormField]:
    """The settings of a node type in the order they are declared."""
    return fields_of(node_type.Config)


def fields_of(model: type[BaseModel]) -> list[FormField]:
    """A form for any model: a node's settings, or those of a tool."""
    schema = model.model_json_schema()
    return _fields(schema, schema.get("$defs", {}))


def initial_config(node_type: type[Node[Any]]) -> dict[str, Any]:
    """The settings a new node of this type starts with."""
    return {field.name: field.initial for field in form(node_type) if field.initial is not None}


def card(node_type: type[Node[Any]]) -> dict[str, Any]:
    """What the palette and the canvas show of a node type."""
    return {
        "type": node_type.type,
        "title": node_type.title,
        "icon": node_type.icon,
        "category": node_type.category,
        "description": node_type.description(),
        "inputs": [_port(port) for port in node_type.inputs],
        "outputs": [_port(port) for port in node_type.outputs],
    }


def face(node_type: type[Node[Any]], config: Mapping[str, Any]) -> Face:
    """What one node's card says beside its name: the summary, and its ports where they are not the type's."""
    try:
        summary = node_type.summary(config)
        ports = tuple(node_type.ports_out(config))
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        # a draft may hold settings of any shape; validation says so beside the node
        return {"summary": ""}
    said: Face = {"summary": summary[:200]}
    if ports != node_type.outputs:
        said["outputs"] = [_port(port) for port in ports]
    return said


def _port(port: Port) -> dict[str, str]:
    return {"name": port.name, "title": port.title}


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[FormField]:
    required = schema.get("required", ())
    return [
        _field(name, said, definitions, required=name in required)
        for name, said in schema.get("properties", {}).items()
    ]


def _field(name: str, said: Mapping[str, Any], definitions: Mapping[str, Any], *, required: bool) -> FormField:
    shape = _shape(said, definitions)
    item = _shape(shape["items"], definitions) if isinstance(shape.get("items"), Mapping) else {}
    inner = item if "properties" in item else shape
    columns = _fields(inner, definitions) if "properties" in inner else []
    options = said.get("options") or shape.get("enum") or ()
    return FormField(
        name=name,
        title=said.get("title") or name.replace("_", " ").capitalize(),
        description=said.get("description", ""),
        widget=said.get("widget") or _widget(shape, item),
        options=tuple(str(option) for option in options if option is not None),
        titles=said.get("titles") or {},
        default=said.get("default"),
        required=required,
        placeholder=said.get("placeholder", ""),
        advanced=bool(said.get("advanced")),
        show_when=said.get("show_when"),
        columns=tuple(columns),
        initial=said.get("initial"),
    )


def _shape(said: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that says what kind of value it is: references followed, ``… | None`` and expressions left out."""
    if "$ref" in said:
        return _shape(definitions[said["$ref"].rpartition("/")[2]], definitions)
    for branch in (*said.get("anyOf", ()), *said.get("allOf", ())):
        shape = _shape(branch, definitions)
        if shape.get("type") != "null":
            return shape
    return said


def _widget(shape: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    if shape.get("enum"):
        return "select"
    if "properties" in shape:
        return "object"
    kind = shape.get("type")
    if kind == "array":
        return "rows" if "properties" in item else "list" if item.get("type") in _WIDGETS else "json"
    if kind is None:
        return "expression"
    return _WIDGETS.get(kind, "json")
