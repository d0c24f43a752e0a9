"""Answers that must follow a JSON Schema: what the model is told, and how its text becomes the object.

``jsonschema`` is imported when the first schema is looked at: no start needs it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import re2

_FENCED = re.compile(r"```[A-Za-z]*\n(.*?)```", re.DOTALL)
_TOO_LARGE = 20_000
"""Characters of a schema; it goes along with every prompt."""


class NotAnAnswer(ValueError):
    """The text does not follow the schema; the message is for the model."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raise ValueError, for people, when this is no JSON Schema that AWE can hold an answer to."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    text = json.dumps(schema)
    if len(text) > _TOO_LARGE:
        raise ValueError(f"is longer than {_TOO_LARGE} characters")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(str(part) for part in error.path)
        raise ValueError(f"is not a JSON Schema: {place + ': ' if place else ''}{error.message[:200]}") from None
    if '"patternProperties"' in text:  # the library matches them with expressions that can take for ever
        raise ValueError("uses patternProperties, which AWE does not know; name the properties")
    for pattern in _patterns(schema):
        try:
            re2.compile(pattern)
        except re2.error:
            raise ValueError(f"pattern {pattern!r} is not a regular expression of the RE2 kind") from None


def instruction(schema: Mapping[str, Any]) -> str:
    """What is added to the system prompt. Providers that can are given the schema itself as well."""
    shape = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with JSON only, no other words, that follows this JSON Schema: {shape}"


def read_answer(text: str, schema: Mapping[str, Any]) -> Any:
    """The value in the text.

    Raises:
        NotAnAnswer: it is no JSON, or breaks the schema.
    """
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    value = _read_json(text)
    validator = _validator_type()(schema, registry=Registry())  # an empty registry: no $ref is ever fetched
    try:
        problem = best_match(validator.iter_errors(value))
    except Unresolvable as error:
        raise NotAnAnswer(f"the schema refers to {error.ref!r}, which it does not contain") from None
    if problem:
        place = ".".join(str(part) for part in problem.path)
        raise NotAnAnswer(f"{f'at {place!r}: ' if place else ''}{problem.message[:300]}")
    return value


def _read_json(text: str) -> Any:
    fenced = _FENCED.search(text)
    candidates = [fenced[1]] if fenced else []
    candidates.append(text)
    start = re.search(r"[{\[]", text)
    for candidate in candidates:
        try:
            return json.loads(candidate)
        except ValueError:
            pass
    if start:
        try:
            return json.JSONDecoder().raw_decode(text[start.start() :])[0]
        except ValueError as error:
            raise NotAnAnswer(f"it is not complete JSON: {error}") from None
    raise NotAnAnswer("it holds no JSON")


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from _patterns(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _patterns(part)


@cache
def _validator_type() -> Any:
    """The library's validator, with patterns matched by RE2 in linear time: its own can be made to take for ever."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

    def pattern(_validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and not re2.search(pattern, value):
            yield ValidationError(f"{value[:100]!r} does not match {pattern!r}")

    return extend(Draft202012Validator, {"pattern": pattern})
