"""What an execution is given: declared fields, and the rules that turn what came in into their types."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from awe_app.domain.errors import Invalid, Issue
from awe_app.domain.ids import NodeId
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.values import as_text
from awe_app.domain.workflow import Workflow

FieldType = Literal["text", "long_text", "number", "integer", "boolean", "select", "list", "json", "file"]


class InputField(BaseModel):
    """One value a run asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(title="Name", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
    type: FieldType = Field("text", title="Type")
    label: str = Field("", title="Label", max_length=200)
    required: bool = Field(False, title="Required")
    default: Any = Field(None, title="Default", json_schema_extra={"widget": "text"})
    options: tuple[str, ...] = Field(
        (),
        title="Options",
        description="The choices, one a line.",
        json_schema_extra={"show_when": {"type": ["select"]}},
    )
    description: str = Field("", title="Description", max_length=1000)


class InputConfig(NodeConfig):
    fields: tuple[InputField, ...] = Field(
        (),
        title="Fields",
        description="What the run form and the REST call ask for.",
        json_schema_extra={
            "widget": "rows",
            "initial": [{"name": "text", "type": "text", "label": "Text", "required": True}],
        },
    )

    @field_validator("fields")
    @classmethod
    def _unique_names(cls, fields: tuple[InputField, ...]) -> tuple[InputField, ...]:
        names = [field.name for field in fields]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two fields are called '{name}'; give one another name")
        return fields


class Input(Node[InputConfig]):
    """Where a run begins: the values it asks for, checked and given their types."""

    type, title, icon, category = "input", "Input", "log-in", "Flow"
    inputs = ()

    async def run(self, ctx: NodeContext[InputConfig]) -> Outputs:
        return {"out": {field.name: ctx.execution_inputs.get(field.name) for field in ctx.config.fields}}

    @classmethod
    def declared_inputs(cls, config: Mapping[str, Any]) -> frozenset[str]:
        fields = config.get("fields")
        if not isinstance(fields, list | tuple):
            return frozenset()
        return frozenset(str(field.get("name")) for field in fields if isinstance(field, Mapping))

    @classmethod
    def summary(cls, config: Mapping[str, Any]) -> str:
        return ", ".join(sorted(cls.declared_inputs(config)))


def declared_fields(workflow: Workflow) -> tuple[InputField, ...] | None:
    """The fields of all input nodes together; None when the workflow has no input node."""
    nodes = [node for node in workflow.nodes if node.type == Input.type and not node.disabled]
    if not nodes:
        return None
    return tuple(field for node in nodes for field in InputConfig.model_validate(node.config).fields)


def inputs_schema(workflow: Workflow) -> dict[str, Any]:
    """What a run of the workflow is given, as a JSON Schema for whoever calls it."""
    fields = declared_fields(workflow)
    if fields is None:
        return {"type": "object", "properties": {}, "additionalProperties": True}
    schema: dict[str, Any] = {"type": "object", "properties": {field.name: _schema(field) for field in fields}}
    if required := [field.name for field in fields if field.required and field.default is None]:
        schema["required"] = required
    return {**schema, "additionalProperties": False}


_TYPES: Mapping[FieldType, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "long_text": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "select": {"type": "string"},
    "list": {"type": "array", "items": {}},
    "json": {},
    "file": {"type": "string"},
}


def _schema(field: InputField) -> dict[str, Any]:
    schema = dict(_TYPES[field.type])
    if field.type == "select":
        schema["enum"] = list(field.options)
    said = [field.label, field.description, "The name of an uploaded file." if field.type == "file" else ""]
    if description := ". ".join(part.strip().rstrip(".") for part in said if part.strip()):
        schema["description"] = description
    if field.default is not None:
        schema["default"] = field.default
    return schema


def read_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a run of the workflow is given, each value in its field's type. Without an input node anything goes.

    Raises:
        Invalid: ``INVALID_INPUT`` with an issue for every field that is missing, undeclared or of the wrong type.
    """
    fields = declared_fields(workflow)
    return dict(given) if fields is None else read_fields(fields, given)


def read_fields(fields: Sequence[InputField], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form, each in its field's type. Raises Invalid like ``read_inputs``."""
    issues: list[Issue] = []
    values: dict[str, Any] = {}
    for name in given.keys() - {field.name for field in fields}:
        known = ", ".join(field.name for field in fields) or "none"
        issues.append(_issue("UNKNOWN_INPUT", f"there is no input '{name}'; declared are: {known}", name))
    for field in fields:
        value = given.get(field.name)
        if value is None or (value == "" and field.required):
            value = field.default
        if value is None:
            values[field.name] = None
            if field.required:
                issues.append(_issue("MISSING_INPUT", f"input '{field.name}' is required", field.name))
            continue
        try:
            values[field.name] = coerce(field, value)
        except ValueError as error:
            issues.append(_issue("INVALID_INPUT", f"input '{field.name}' {error}", field.name))
    if issues:
        raise Invalid("INVALID_INPUT", "; ".join(issue.message for issue in issues), issues=tuple(issues))
    return values


def _issue(code: str, message: str, name: str) -> Issue:
    return Issue("error", code, message, NodeId(Input.type), f"inputs.{name}")


def coerce(field: InputField, value: Any) -> Any:
    """The value in the field's type. Raises ValueError that says what it must be."""
    match field.type:
        case "text" | "long_text":
            return as_text(value)
        case "number" | "integer":
            return _number(value, whole=field.type == "integer")
        case "boolean":
            return _boolean(value)
        case "select":
            if as_text(value) not in field.options:
                raise ValueError(f"must be one of: {', '.join(field.options)}")
            return as_text(value)
        case "list":
            return _list(value)
        case "json":
            return _json(value)
        case "file":
            if not isinstance(value, str | Mapping):
                raise ValueError("must name a file")
            return value


def _number(value: Any, *, whole: bool) -> int | float:
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"must be {kind}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"must be {kind}") from None
    if number - number != 0:  # NaN and the infinities
        raise ValueError(f"must be {kind}")
    if number.is_integer() and (
        whole or isinstance(value, int) or (isinstance(value, str) and value.strip().lstrip("+-").isdigit())
    ):
        return value if isinstance(value, int) else int(number)
    if whole:
        raise ValueError(f"must be {kind}")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    text = as_text(value).strip().lower()
    if text not in words:
        raise ValueError("must be true or false")
    return words[text]


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            value = _json(value)
        else:
            value = [line.strip() for line in value.splitlines() if line.strip()]
    if not isinstance(value, list):
        raise ValueError("must be a list")
    return value


def _json(value: Any) -> Any:
    """JSON written as text is read; other text is a JSON string by itself."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
