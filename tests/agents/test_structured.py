"""JSON Schemas and answers that follow them."""

from typing import Any

import pytest

from awe_app.agents.structured import NotAnAnswer, check_schema, read_answer


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"},
        {"type": "string", "pattern": "^[a-z]+$"},
    ],
)
def test_a_schema_is_accepted(schema: dict[str, Any]):
    check_schema(schema)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "is not a JSON Schema: type"),
        ({"properties": []}, "properties"),
        ({"type": "string", "pattern": "(?=a)b"}, "regular expression"),
        ({"items": {"anyOf": [{"pattern": "("}]}}, "regex"),
        ({"patternProperties": {"(a+)+$": {}}}, "patternProperties"),
        ({"description": "x" * 30_000}, "longer than"),
    ],
)
def test_what_is_no_schema_is_refused_with_the_reason(schema: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        check_schema(schema)


@pytest.mark.parametrize("text", ["", "no", "{", '{"a": ', "[1, 2", "```json\n{\n```"])
def test_no_json_is_no_answer(text: str):
    with pytest.raises(NotAnAnswer):
        read_answer(text, {})


def test_the_place_of_a_mistake_is_said():
    schema = {"properties": {"list": {"items": {"type": "integer"}}}}
    with pytest.raises(NotAnAnswer, match=r"at 'list.1': 'x' is not of type 'integer'"):
        read_answer('{"list": [1, "x"]}', schema)


def test_a_pattern_that_takes_for_ever_elsewhere_is_quick_here():
    schema = {"type": "string", "pattern": "^(a+)+$"}
    check_schema(schema)
    with pytest.raises(NotAnAnswer, match="does not match"):
        read_answer('"' + "a" * 5_000 + '!"', schema)


def test_no_reference_is_fetched():
    with pytest.raises(NotAnAnswer, match="does not contain"):
        read_answer("{}", {"$ref": "http://127.0.0.1:9/schema.json"})
