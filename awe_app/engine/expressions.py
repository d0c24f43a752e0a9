"""Expressions: strings that hold ``{{ JMESPath }}`` (CONTRACT §2).

Parsed once, when a plan is made; evaluated often. A string that is exactly one expression gives the value itself,
any other the text with the results put in. Results are data: they are never parsed again.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions

from awe_app.domain.errors import NodeFailed
from awe_app.domain.values import as_text

Scope = Mapping[str, Any]
"""What expressions may name: ``inputs variables nodes item index loops execution`` and a node's own inputs."""

MAX_EXPRESSION_CHARS = 4_000
_OPENING = re.compile(r"\\?\{\{")
_QUOTES = re.compile("[\"'`]")
_CHAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
"""``a.b.c`` in JMESPath's unquoted identifiers; it has no reserved words."""


class ExpressionSyntaxError(ValueError):
    """An expression that cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name an expression uses: ``inputs.topic`` has root ``inputs`` and key ``topic``; ``item`` has no key."""

    root: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """One ``{{ … }}``."""

    source: str
    evaluate: Callable[[Scope], Any]
    references: frozenset[Reference]


@dataclass(frozen=True, slots=True)
class Template:
    """A string with at least one expression in it."""

    parts: tuple[str | Expression, ...]

    def render(self, scope: Scope) -> Any:
        """The value, or the text with every result put in.

        Raises:
            NodeFailed: ``EXPRESSION_ERROR`` when JMESPath cannot work on the values that are there.
        """
        if len(self.parts) == 1:
            part = self.parts[0]
            return part if isinstance(part, str) else part.evaluate(scope)
        return "".join([p if isinstance(p, str) else as_text(p.evaluate(scope)) for p in self.parts])


def parse_text(text: str) -> str | Template:
    r"""Read a string of the workflow file: plain text (``\{{`` unescaped), or a Template.

    Raises:
        ExpressionSyntaxError: an expression is not closed or is no JMESPath.
    """
    if "{{" not in text:
        return text
    parts: list[str | Expression] = []
    literal = ""
    at = 0
    while match := _OPENING.search(text, at):
        literal += text[at : match.start()]
        if match.group().startswith("\\"):
            literal += "{{"
            at = match.end()
            continue
        end = _closing(text, match.end())
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(parse_expression(text[match.end() : end].strip()))
        at = end + 2
    literal += text[at:]
    if not parts:
        return literal
    if literal:
        parts.append(literal)
    return Template(tuple(parts))


def _closing(text: str, start: int) -> int:
    """Where the first ``}}`` outside quotes and backticks stands."""
    first = text.find("}}", start)
    if first != -1 and not _QUOTES.search(text, start, first):
        return first
    quote = ""
    at = start
    while at < len(text):
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "\"'`":
            quote = char
        elif text.startswith("}}", at):
            return at
        at += 1
    shown = text[start : start + 40].strip()
    raise ExpressionSyntaxError(f"'{{{{ {shown}' is not closed: add '}}}}', or write '\\{{{{' for two plain braces")


def parse_expression(source: str) -> Expression:
    """Compile one JMESPath expression.

    Raises:
        ExpressionSyntaxError: it is empty, too long, no JMESPath, or calls an unknown function.
    """
    if not source:
        raise ExpressionSyntaxError("'{{ }}' is empty: name a value, such as 'inputs.topic'")
    if len(source) > MAX_EXPRESSION_CHARS:
        raise ExpressionSyntaxError(f"an expression is longer than {MAX_EXPRESSION_CHARS} characters")
    if _CHAIN.fullmatch(source):
        chain = source.split(".")
        key = chain[1] if len(chain) > 1 else None
        return Expression(source, _walk(tuple(chain)), frozenset((Reference(chain[0], key),)))
    try:
        compiled = jmespath.compile(source)
    except (JMESPathError, ValueError) as error:
        reason = str(error).splitlines()[0].removesuffix(":")
        raise ExpressionSyntaxError(f"'{{{{ {source} }}}}' is no JMESPath: {reason}") from error
    except RecursionError as error:
        raise ExpressionSyntaxError("an expression is nested too deeply") from error
    references = frozenset(_references(compiled.parsed, at_root=True))
    return Expression(source, _search(source, compiled), references)


def _walk(chain: tuple[str, ...]) -> Callable[[Scope], Any]:
    """``a.b.c`` without JMESPath's parser and interpreter: nine of ten expressions, at a tenth of the time."""

    def evaluate(scope: Scope) -> Any:
        value: Any = scope
        for name in chain:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return evaluate


def _search(source: str, compiled: Any) -> Callable[[Scope], Any]:
    def evaluate(scope: Scope) -> Any:
        try:
            return compiled.search(scope)
        except (JMESPathError, TypeError, ValueError, RecursionError) as error:
            detail = f"'{{{{ {source} }}}}' failed: {error}"
            raise NodeFailed("EXPRESSION_ERROR", detail, "check the types of the values it uses") from error

    return evaluate


def _references(tree: Mapping[str, Any], *, at_root: bool) -> Iterator[Reference]:
    """All names that are looked up in the scope itself, by JMESPath's rules of what the current value is."""
    kind, children = tree["type"], tree.get("children", ())
    match kind:
        case "field":
            if at_root:
                yield Reference(tree["value"])
        case "subexpression" if at_root and children[0]["type"] == "field":
            key = children[1]["value"] if children[1]["type"] == "field" else None
            yield Reference(children[0]["value"], key)
            yield from _each(children[1:], at_root=False)
        case _ if kind in _MOVES_ON:
            yield from _each(children[:1], at_root=at_root)
            yield from _each(children[1:], at_root=False)
        case "expref":
            yield from _each(children, at_root=False)
        case "function_expression":
            if tree["value"] not in Functions.FUNCTION_TABLE:
                raise ExpressionSyntaxError(f"there is no function '{tree['value']}()' in JMESPath")
            yield from _each(children, at_root=at_root)
        case _:  # literals, comparisons, and, or, not, multi-select: same current value
            yield from _each(children, at_root=at_root)


_MOVES_ON = frozenset(
    {"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe"}
)
"""Kinds whose later children look at the value of the first, no longer at the scope."""


def _each(children: Iterable[Any], *, at_root: bool) -> Iterator[Reference]:
    for child in children:
        if isinstance(child, Mapping):
            yield from _references(child, at_root=at_root)


@dataclass(frozen=True, slots=True)
class Value:
    """Any JSON whose strings may hold expressions, compiled once."""

    constant: bool
    resolve: Callable[[Scope], Any]
    references: frozenset[Reference]


def compile_value(raw: Any) -> Value:
    """Compile the strings anywhere inside ``raw``.

    Raises:
        ExpressionSyntaxError: one of them cannot be read.
    """
    if isinstance(raw, str):
        parsed = parse_text(raw)
        if isinstance(parsed, str):
            return Value(True, lambda _scope: parsed, frozenset())
        references = frozenset(r for p in parsed.parts if isinstance(p, Expression) for r in p.references)
        return Value(False, parsed.render, references)
    if isinstance(raw, Mapping):
        items = {key: compile_value(item) for key, item in raw.items()}
        if not all(item.constant for item in items.values()):
            references = frozenset[Reference]().union(*(item.references for item in items.values()))
            return Value(False, lambda scope: {k: v.resolve(scope) for k, v in items.items()}, references)
        plain = {key: item.resolve({}) for key, item in items.items()}
        return Value(True, lambda _scope: plain, frozenset())
    if isinstance(raw, list | tuple):
        parts = [compile_value(item) for item in raw]
        if not all(part.constant for part in parts):
            references = frozenset[Reference]().union(*(part.references for part in parts))
            return Value(False, lambda scope: [part.resolve(scope) for part in parts], references)
        plain_list = [part.resolve({}) for part in parts]
        return Value(True, lambda _scope: plain_list, frozenset())
    return Value(True, lambda _scope: raw, frozenset())


def is_whole_expression(raw: Any) -> bool:
    """True for a string that is exactly one expression, which may stand for a value of any type."""
    if not isinstance(raw, str) or "{{" not in raw:
        return False
    try:
        parsed = parse_text(raw)
    except ExpressionSyntaxError:
        return False
    return isinstance(parsed, Template) and len(parsed.parts) == 1
