"""Rates of convergence beside the theory's, paths that diverge, and what is scored of them."""

import pytest
import torch

from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.schema import validate
from stages.optimization import plane
from stages.optimization.descent import FAR, descend
from stages.optimization.evaluate import convergence_factor, convergence_order, outputs, score
from stages.optimization.functions import PROBLEMS, quadratic, saddle
from stages.optimization.prepare import Start
from stages.optimization.train import fit

START = torch.tensor([-5.0, -2.0], dtype=torch.float64)


def fitted(function: str, start: list[float], **args: object) -> tuple:
    data = Start(function=function, start=start).read()
    run = Run("optimization/small", "optimization", "plane", function, plane.Args(**args), [1], "cpu")
    return *fit(run, data, 1), run, data


def test_gradient_descent_converges_on_the_quadratic_as_the_theory_says():
    """(k - 1) / (k + 1) = 19 / 21 within 2 %, and the best rate is 2 / (0.2 + 4)."""
    model, history, run, data = fitted("quadratic", [-5.0, -2.0], optimizer="sgd", learning_rates=[0.3], num_steps=60)
    scores = score(model, run, data, history)
    assert scores["theoretical_factor"] == pytest.approx(19 / 21, rel=1e-9)
    assert scores["convergence_factor"] == pytest.approx(19 / 21, rel=0.02)
    ends = descend(quadratic, START, "sgd", [0.44, 2 / 4.2, 0.495], 60)[:, -1]
    assert ends.norm(dim=1).argmin() == 1


def test_a_path_by_hand():
    (path,) = descend(quadratic, START, "sgd", [0.4], 2)
    expected = [[-5.0, -2.0], [-4.6, 1.2], [-4.232, -0.72]]  # x (1 - 0.08), y (1 - 1.6)
    torch.testing.assert_close(path, torch.tensor(expected, dtype=torch.float64))


def test_a_path_that_diverges_stays_finite_and_the_lowest_end_counts():
    model, history, run, data = fitted(
        "quadratic", [-5.0, -2.0], optimizer="sgd", learning_rates=[5.0, 0.4], num_steps=100
    )
    assert model.paths.isfinite().all() and model.paths.abs().max() == FAR
    torch.testing.assert_close(model.x, descend(quadratic, START, "sgd", [0.4], 100)[0, -1])
    assert history[0]["value_1"] == pytest.approx(0.1 * 25 + 2 * 4) and len(history) == 101
    assert score(model, run, data, history)["value_2"] == history[-1]["train_loss"] < history[-1]["value_1"]
    assert outputs(model, run, data)["function"] == list(PROBLEMS).index("quadratic")


def test_newton_goes_to_a_saddle_and_gradient_descent_past_it():
    start = torch.tensor([-2.0, 0.01], dtype=torch.float64)
    assert descend(saddle, start, "newton", [1.0], 1)[0, -1].abs().max() < 1e-12
    assert saddle(descend(saddle, start, "sgd", [0.3], 30)[0, -1]) < -100


def test_a_singular_hessian_is_one_clear_line():
    with pytest.raises(UserError, match="newton: the Hessian at .* is singular"):
        descend(lambda x: x[0] ** 2, START, "newton", [1.0], 1)


@pytest.mark.parametrize(
    ("found", "order"), [([10.0**-k for k in range(6)], 1), ([10.0 ** -(2**k) for k in range(4)], 2)]
)
def test_the_order_of_convergence(found, order):
    assert convergence_order(found) == pytest.approx(order)


def test_the_factor_of_convergence_is_that_of_the_end():
    assert convergence_factor([100.0, 1.0, 8.0, 4.0, 2.0, 1.0]) == pytest.approx(0.5)


def test_a_start_has_as_many_numbers_as_the_function_variables():
    with pytest.raises(UserError, match=r"start = \[1.0\] must have 2 numbers"):
        validate(Start, {"function": "saddle", "start": [1.0]}, "params")
