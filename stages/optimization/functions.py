"""Functions to descend on, of one or two variables, and how a user's own is read."""

import ast
import operator
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stages.core.errors import UserError

Function = Callable[[Tensor], Tensor]  # float64 (variables,) -> ()


@dataclass(frozen=True)
class Problem:
    """A function, where its gradient is zero, and what a figure shows of it: (lowest, highest) of each variable."""

    function: Function
    stationary: tuple[float, ...]
    window: tuple[tuple[float, float], ...]


def parabola(x: Tensor) -> Tensor:
    """x^2, in one variable (d2l, section 12.3.1)."""
    return x[0] ** 2


def quadratic(x: Tensor) -> Tensor:
    """0.1 x^2 + 2 y^2, twenty times as steep one way as the other (d2l, section 12.6.1)."""
    return 0.1 * x[0] ** 2 + 2 * x[1] ** 2


def rosenbrock(x: Tensor) -> Tensor:
    """(1 - x)^2 + 100 (y - x^2)^2, a bent valley (Rosenbrock 1960, equation 1)."""
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def saddle(x: Tensor) -> Tensor:
    """x^2 - y^2: the gradient is zero where there is no minimum (d2l, section 12.1.2.2)."""
    return x[0] ** 2 - x[1] ** 2


PROBLEMS = {
    "parabola": Problem(parabola, (0.0,), ((-11, 11),)),
    "quadratic": Problem(quadratic, (0.0, 0.0), ((-6, 3), (-3, 3))),
    "rosenbrock": Problem(rosenbrock, (1.0, 1.0), ((-2, 2), (-1, 3))),
    "saddle": Problem(saddle, (0.0, 0.0), ((-2.5, 2.5), (-2.5, 2.5))),
}

_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS = {name: getattr(torch, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs")}
_NAMES = {"x": 0, "y": 1}
_MOST_NODES = 200  # of an expression: deeper ones would end in Python's own limits


def parse_function(text: str) -> Function:
    """Return the function of x and y that an expression in Python's notation stands for, such as `x**2 + sin(y)`.

    Only numbers, x, y, + - * / **, brackets and sin, cos, tan, exp, log, sqrt, tanh, abs are known; nothing is run.

    Raises:
        UserError: anything else is in it.
    """
    where = f"function = '{text}'"
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{where}: must be an expression of x and y, such as 'x**2 + 2*y**2'") from error
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise UserError(f"{where}: must have at most {_MOST_NODES} numbers, names and signs")
    _check(tree, where)
    return lambda point: torch.as_tensor(_evaluate(tree, point), dtype=point.dtype)


def _check(node: ast.AST, where: str) -> None:
    """Raise UserError if something in the expression is not known."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if abs(value) > sys.float_info.max:
                raise UserError(f"{where}: a number is too large; the greatest is {sys.float_info.max:.4g}")
        case ast.Name(id=name) if name in _NAMES:
            return
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            _check(left, where)
            _check(right, where)
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            _check(operand, where)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            _check(argument, where)
        case _:
            known = f"numbers, x, y, + - * / **, {', '.join(_FUNCTIONS)}; powers are x**2"
            raise UserError(f"{where}: '{ast.unparse(node)}' is not allowed; allowed are {known}")


def _evaluate(node: ast.AST, point: Tensor) -> Any:
    """Return the value of an expression that was checked: a tensor (), so that no number grows without end."""
    match node:
        case ast.Constant(value=value):
            return torch.tensor(float(value), dtype=point.dtype)
        case ast.Name(id=name):
            return point[_NAMES[name]]
        case ast.BinOp(left=left, op=sign, right=right):
            return _OPERATORS[type(sign)](_evaluate(left, point), _evaluate(right, point))
        case ast.UnaryOp(op=sign, operand=operand):
            return _OPERATORS[type(sign)](_evaluate(operand, point))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return _FUNCTIONS[name](_evaluate(argument, point))
    raise TypeError(node)
