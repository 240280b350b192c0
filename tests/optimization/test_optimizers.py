"""Each optimizer beside torch's, and Newton's method beside scipy's."""

import itertools

import numpy as np
import pytest
import scipy.optimize
import torch

from stages.optimization import optimizers

TORCH = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (torch.optim.Adagrad, {}),
    "rmsprop": (torch.optim.RMSprop, {}),
    "adadelta": (torch.optim.Adadelta, {}),
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
}
START = torch.tensor([-1.2, 1.0, 0.5, 2.0], dtype=torch.float64)


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def test_every_optimizer_is_compared():
    assert TORCH.keys() == set(optimizers.FIRST_ORDER)


@pytest.mark.parametrize("name", TORCH)
def test_a_hundred_steps_equal_torchs(name):
    rate = 1.0 if name == "adadelta" else 1e-4 if name in ("sgd", "momentum", "nesterov") else 0.01
    kind, options = TORCH[name]
    theirs = START.clone().requires_grad_()
    optimizer = kind([theirs], lr=rate, **options)
    ours, state = START, {}
    for _ in range(100):
        optimizer.zero_grad()
        rosenbrock(theirs).backward()
        optimizer.step()
        gradient = torch.func.grad(rosenbrock)(ours)
        ours = getattr(optimizers, name)(ours, gradient, state, rate)
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-6)
    assert (ours - START).abs().max() > 0.01  # it went somewhere


@pytest.mark.parametrize("name", TORCH)
def test_rates_side_by_side_are_those_alone(name):
    rates = torch.tensor([1e-5, 1e-3], dtype=torch.float64)
    step = getattr(optimizers, name)
    together, states = START.repeat(2, 1), [{}, {}, {}]
    alone = [START, START]
    for _ in range(5):
        gradients = torch.func.vmap(torch.func.grad(rosenbrock))(together)
        together = step(together, gradients, states[2], rates[:, None])
        alone = [
            step(x, torch.func.grad(rosenbrock)(x), state, rate)
            for x, state, rate in zip(alone, states, rates.tolist(), strict=False)
        ]
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-10, atol=1e-12)


def test_newton_finds_scipys_minimum_in_one_step_of_a_quadratic_and_in_a_few_elsewhere():
    matrix = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    target = torch.tensor([1.0, -4.0], dtype=torch.float64)
    start = torch.zeros(2, dtype=torch.float64)
    solved = scipy.optimize.minimize(
        lambda x: x @ matrix.numpy() @ x / 2 - target.numpy() @ x, np.zeros(2), method="BFGS", tol=1e-10
    )
    found = optimizers.newton(start, matrix @ start - target, matrix)
    assert found.numpy() == pytest.approx(solved.x, abs=1e-6)
    half = optimizers.newton(start, matrix @ start - target, matrix, learning_rate=0.5)
    torch.testing.assert_close(half, found / 2)


def test_damped_newton_goes_down_at_each_step_to_scipys_minimum():
    x, values = START, [rosenbrock(START).item()]
    for _ in range(60):
        gradient, hessian = torch.func.grad(rosenbrock)(x), torch.func.hessian(rosenbrock)(x)
        x = optimizers.damped_newton(x, gradient, hessian, rosenbrock)
        values.append(rosenbrock(x).item())
    theirs = scipy.optimize.minimize(
        scipy.optimize.rosen,
        START.numpy(),
        method="Newton-CG",
        jac=scipy.optimize.rosen_der,
        hess=scipy.optimize.rosen_hess,
    )
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(values))
    assert values[-1] == pytest.approx(theirs.fun, abs=1e-8)


def test_newtons_steps_are_those_of_an_independent_solve():
    """Ten steps on Rosenbrock's function with scipy's derivatives and numpy's solve, whole and damped by 0.7."""
    for rate in (1.0, 0.7):
        ours, theirs = START, START.numpy()
        for _ in range(10):
            derivatives = torch.func.grad(rosenbrock)(ours), torch.func.hessian(rosenbrock)(ours)
            ours = optimizers.newton(ours, *derivatives, rate)
            gradient, hessian = scipy.optimize.rosen_der(theirs), scipy.optimize.rosen_hess(theirs)
            theirs = theirs - rate * np.linalg.solve(hessian, gradient)
            assert ours.numpy() == pytest.approx(theirs, rel=1e-9)


def test_damped_newton_takes_the_first_halving_that_armijos_rule_allows():
    """The rule (Nocedal and Wright 2006, algorithm 3.1) with scipy's function and constants written out once more."""
    for start in (START, torch.tensor([3.0, -1.0, 0.3, -2.0], dtype=torch.float64)):
        gradient, hessian = torch.func.grad(rosenbrock)(start), torch.func.hessian(rosenbrock)(start)
        direction = -np.linalg.solve(hessian.numpy(), gradient.numpy())
        direction = direction if direction @ gradient.numpy() < 0 else -gradient.numpy()
        eta, value = 1.0, scipy.optimize.rosen(start.numpy())
        while scipy.optimize.rosen(start.numpy() + eta * direction) > value + 1e-4 * eta * direction @ gradient.numpy():
            eta /= 2
        ours = optimizers.damped_newton(start, gradient, hessian, rosenbrock)
        assert ours.numpy() == pytest.approx(start.numpy() + eta * direction, rel=1e-9)
