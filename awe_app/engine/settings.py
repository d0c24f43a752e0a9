"""A node's settings: raw JSON from the file, expressions resolved, checked by the type's own model."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from awe_app.domain.errors import Issue, NodeFailed
from awe_app.domain.node import Node, NodeConfig
from awe_app.domain.workflow import NodeSpec, Workflow
from awe_app.engine.expressions import ExpressionSyntaxError, compile_value, is_whole_expression

NodeTypes = Mapping[str, type[Node[Any]]]


def read_config(node_type: type[Node[Any]] | Node[Any], resolved: Any) -> NodeConfig:
    """The typed settings.

    Raises:
        NodeFailed: ``INVALID_SETTING`` when a resolved expression gave a value that does not fit.
    """
    try:
        return node_type.Config.model_validate(resolved)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise NodeFailed("INVALID_SETTING", f"{where}: {_lower(problem['msg'])}") from error


def check_settings(workflow: Workflow, node_types: NodeTypes) -> Iterator[Issue]:
    """Settings that are missing, unknown or of the wrong type. A whole-string expression fits anywhere."""
    for node in workflow.nodes:
        yield from _check_node(node, node_types[node.type])
        for found in node_types[node.type].issues(node.config):
            yield replace(found, node_id=node.id, field=f"{node.config_key}.{found.field or ''}".rstrip("."))


def _check_node(node: NodeSpec, node_type: type[Node[Any]]) -> Iterator[Issue]:
    for name in sorted(node_type.fixed.intersection(node.config)):
        if not _is_constant(node.config[name]):
            message = f"'{name}' is read before anything runs; write a value instead of an expression"
            yield Issue("error", "FIXED_SETTING", message, node.id, f"{node.config_key}.{name}")
    try:
        node_type.Config.model_validate(node.config)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            place = problem["loc"]
            field = ".".join(str(part) for part in (node.config_key, *place))
            name = ".".join(str(part) for part in place)
            if problem["type"] == "extra_forbidden":
                message = f"'{node.type}' has no setting '{name}'; remove it or correct its name"
                yield Issue("error", "UNKNOWN_KEY", message, node.id, field, malformed=True)
            elif problem["type"] == "missing":
                yield Issue("error", "MISSING_SETTING", f"'{name}' is missing", node.id, field)
            elif not _holds_expression(node.config, place):
                message = f"{name}: {_lower(problem['msg'])}" if name else _lower(problem["msg"])
                yield Issue("error", "INVALID_SETTING", message, node.id, field)


def _holds_expression(raw: Any, place: tuple[int | str, ...]) -> bool:
    """True when the value at ``place``, or one around it, is an expression, so that only a run can tell."""
    for part in place:
        if is_whole_expression(raw):
            return True
        items: Mapping[Any, Any] = {}
        if isinstance(raw, Mapping):
            items = raw
        elif isinstance(raw, list | tuple):
            items = dict(enumerate(raw))
        raw = items.get(part, raw)
        # other parts name a branch of a union: the value stays the same
    return is_whole_expression(raw)


def _is_constant(raw: Any) -> bool:
    try:
        return compile_value(raw).constant
    except ExpressionSyntaxError:
        return True  # another rule tells of it


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
