"""The form that is derived from a node type's declaration."""

from collections.abc import Mapping
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from awe_app.domain.node import Node, NodeConfig, Port
from awe_app.nodes.form import card, face, fields_of, form, initial_config
from awe_app.nodes.registry import discover


class Row(BaseModel):
    name: str = Field(title="Name")
    kind: Literal["a", "b"] = "a"


class Inner(BaseModel):
    on: bool = False
    deep: Literal["p", "q"] = Field("p", json_schema_extra={"titles": {"p": "Peas"}})


class ManyConfig(NodeConfig):
    plain: str = Field(title="Plain", description="A text.", json_schema_extra={"placeholder": "write here"})
    maybe: float | None = None
    on: bool = False
    kind: Literal["x", "y"] = "x"
    anything: Any = None
    rows: tuple[Row, ...] = Field((), json_schema_extra={"initial": [{"name": "first"}]})
    words: tuple[str, ...] = ()
    shape: dict[str, Any] = Field(default_factory=dict, json_schema_extra={"advanced": True})
    inner: Inner | None = Field(None, json_schema_extra={"advanced": True})
    said: str = Field("", json_schema_extra={"widget": "prompt", "show_when": {"kind": ["y"]}})


class Many(Node[ManyConfig]):
    """Many settings."""

    type, title, icon, category = "many", "Many", "box", "Data"
    outputs = (Port("out"), Port("error", "Failed"))

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return config["plain"]

    @classmethod
    def ports_out(cls, config: Mapping[str, Any]) -> tuple[Port, ...]:
        return (Port("only"),) if config.get("kind") == "y" else cls.outputs


FIELDS = {field.name: field for field in form(Many)}


@pytest.mark.parametrize(
    ("name", "widget"),
    [
        ("plain", "text"),
        ("maybe", "number"),
        ("on", "switch"),
        ("kind", "select"),
        ("anything", "expression"),
        ("rows", "rows"),
        ("words", "list"),
        ("shape", "json"),
        ("said", "prompt"),
        ("inner", "object"),
    ],
)
def test_the_type_of_a_setting_chooses_its_control(name: str, widget: str) -> None:
    assert FIELDS[name].widget == widget


def test_fields_come_in_the_order_of_the_declaration() -> None:
    assert list(FIELDS) == list(ManyConfig.model_fields)


def test_what_the_declaration_says_reaches_the_form() -> None:
    plain, said = FIELDS["plain"], FIELDS["said"]
    assert (plain.title, plain.description, plain.placeholder, plain.required) == (
        "Plain",
        "A text.",
        "write here",
        True,
    )
    assert said.show_when == {"kind": ["y"]}
    assert FIELDS["shape"].advanced
    assert FIELDS["kind"].options == ("x", "y")
    assert not FIELDS["kind"].required


def test_rows_have_a_column_for_each_field_of_the_row() -> None:
    columns = {column.name: column.widget for column in FIELDS["rows"].columns}
    assert columns == {"name": "text", "kind": "select"}


def test_an_object_has_a_field_for_each_of_its_own() -> None:
    inner = FIELDS["inner"]
    assert {column.name: column.widget for column in inner.columns} == {"on": "switch", "deep": "select"}
    assert inner.columns[1].as_json()["titles"] == {"p": "Peas"}
    assert inner.advanced


def test_any_model_has_a_form() -> None:
    assert [field.name for field in fields_of(Row)] == ["name", "kind"]


def test_a_new_node_starts_with_what_the_declaration_calls_initial() -> None:
    assert initial_config(Many) == {"rows": [{"name": "first"}]}


def test_a_new_input_node_asks_for_one_text() -> None:
    fields = [{"name": "text", "type": "text", "label": "Text", "required": True}]
    assert initial_config(discover()["input"]) == {"fields": fields}


def test_a_field_as_json_leaves_out_what_says_nothing() -> None:
    assert FIELDS["on"].as_json() == {"name": "on", "title": "On", "widget": "switch"}


def test_the_card_says_what_the_palette_shows() -> None:
    assert card(Many) == {
        "type": "many",
        "title": "Many",
        "icon": "box",
        "category": "Data",
        "description": "Many settings.",
        "inputs": [{"name": "in", "title": ""}],
        "outputs": [{"name": "out", "title": ""}, {"name": "error", "title": "Failed"}],
    }


def test_a_face_names_its_ports_only_where_they_differ_from_the_type() -> None:
    assert face(Many, {"plain": "hello"}) == {"summary": "hello"}
    assert face(Many, {"plain": "hello", "kind": "y"}) == {
        "summary": "hello",
        "outputs": [{"name": "only", "title": ""}],
    }


def test_settings_of_any_shape_have_a_face() -> None:
    assert face(Many, {}) == {"summary": ""}


@pytest.mark.parametrize("node_type", discover().values(), ids=lambda t: t.type)
def test_every_registered_type_has_a_form_and_starts_with_settings_that_are_valid_json_values(
    node_type: type[Node[Any]],
) -> None:
    fields = form(node_type)
    assert [field.name for field in fields] == list(node_type.Config.model_fields)
    assert initial_config(node_type).keys() <= node_type.Config.model_fields.keys()
