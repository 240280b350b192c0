"""A user's function is what it says, and nothing else is executed."""

import math

import pytest
import torch

from stages.core.errors import UserError
from stages.optimization.functions import PROBLEMS, parse_function


@pytest.mark.parametrize(("name", "problem"), PROBLEMS.items())
def test_the_gradient_is_zero_where_it_is_said_to_be(name, problem):
    point = torch.tensor(problem.stationary, dtype=torch.float64)
    assert torch.func.grad(problem.function)(point).abs().max() < 1e-12


def test_an_expression_has_its_value_and_gradient():
    function = parse_function("x**2 + 3*sin(2*y) - x*y/4 + -exp(y)")
    point = torch.tensor([1.5, -0.5], dtype=torch.float64)
    assert function(point).item() == pytest.approx(
        1.5**2 + 3 * math.sin(-1.0) - 1.5 * -0.5 / 4 - math.exp(-0.5), rel=1e-12
    )
    gradient = torch.func.grad(function)(point)
    assert gradient.tolist() == pytest.approx([3 + 0.125, 6 * math.cos(-1.0) - 0.375 - math.exp(-0.5)], rel=1e-12)


def test_a_constant_has_a_gradient_of_zero_and_large_numbers_end_as_infinity():
    point = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert torch.func.grad(parse_function("3 + 0*x"))(point).tolist() == [0, 0]
    assert parse_function("9**9**9**9")(point).isinf()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x.__class__",
        "open('x')",
        "[x for x in y]",
        "lambda: x",
        "x if y else x",
        "sin(x, y)",
        "sin(input=x)",
        "z + 1",
        "True * x",
        "1j * x",
        "x @ y",
        "(x := 3)",
    ],
)
def test_anything_else_is_refused_by_name(text):
    with pytest.raises(UserError, match="is not allowed; allowed are numbers"):
        parse_function(text)


@pytest.mark.parametrize("text", ["", "x +", "x; y", "x = 3"])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(UserError, match="must be an expression of x and y"):
        parse_function(text)


def test_a_long_expression_is_refused():
    with pytest.raises(UserError, match="at most 200"):
        parse_function("+".join(["x"] * 300))
    with pytest.raises(UserError):
        parse_function("(" * 5000 + "x" + ")" * 5000)


def test_a_number_that_no_tensor_holds_is_refused():
    with pytest.raises(UserError, match="too large"):
        parse_function("1" + "0" * 400 + "*x")
