"""Arithmetic."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.tools.base import Arguments, BaseTool, ToolContext

MAX_CHARS = 1_000
MAX_BITS = 4_096
"""Larger whole numbers are refused before they are made."""

Number = int | float

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_BY_NAME = """
    sqrt cbrt exp log log2 log10 sin cos tan asin acos atan atan2 degrees radians floor ceil hypot"""
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, name) for name in _BY_NAME.split()},
    "abs": abs,
    "min": min,
    "max": max,
    "round": lambda number, digits=0: _rounded(number, digits),
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


class CalculatorArguments(Arguments):
    expression: str = Field(
        description="Arithmetic such as (2 + 3) * 4 ** 2, with + - * / // % **, parentheses, pi, e, "
        "and functions such as sqrt, log, sin, round, min, max.",
        min_length=1,
        max_length=MAX_CHARS,
    )


class Calculator(BaseTool[CalculatorArguments]):
    """Work out an arithmetic expression exactly as written, and give the number."""

    name = "calculator"

    async def run(self, ctx: ToolContext[CalculatorArguments]) -> Number:
        return calculate(ctx.arguments.expression)


def calculate(expression: str) -> Number:
    """The number an arithmetic expression stands for. Nothing is evaluated as Python: only known signs are.

    Raises:
        NodeFailed: ``CALCULATION_FAILED``.
    """
    try:
        tree = ast.parse(expression.strip().replace("^", "**").replace("×", "*").replace("÷", "/"), mode="eval")
        value = _value(tree.body)
    except SyntaxError:
        raise _failed(f"'{expression}' is no arithmetic expression") from None
    except ZeroDivisionError:
        raise _failed("it divides by zero") from None
    except (OverflowError, MemoryError, RecursionError):
        raise _failed("the numbers are too large") from None
    except (ValueError, TypeError) as error:
        raise _failed(str(error)) from None
    if isinstance(value, complex) or not math.isfinite(value):
        raise _failed("the result is no real number")
    return value


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _combined(type(sign), _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _small(_FUNCTIONS[name](*map(_value, arguments)))
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
            raise ValueError(f"'{name}' is not known here; known are {', '.join([*_CONSTANTS, *_FUNCTIONS])}")
        case _:
            raise ValueError("only numbers, + - * / // % **, parentheses and functions can be worked out")


def _combined(sign: type[ast.operator], left: Number, right: Number) -> Number:
    if (
        sign is ast.Pow
        and isinstance(left, int)
        and isinstance(right, int)
        and abs(left) > 1
        and left.bit_length() * abs(right) > MAX_BITS
    ):
        raise OverflowError
    return _small(_BINARY[sign](left, right))


def _rounded(number: Number, digits: Number) -> Number:
    if not isinstance(digits, int) or abs(digits) > 100:
        raise ValueError("round takes a number of digits from -100 to 100")
    return round(number, digits) if digits else round(number)


def _small(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise OverflowError
    return value


def _failed(why: str) -> NodeFailed:
    return NodeFailed("CALCULATION_FAILED", why)
