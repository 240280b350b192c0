"""Optimizers, each as its paper's equations: x_t -> x_{t+1} from the gradient g_t, or the Hessian H_t too.

An optimizer is a function of the point `x`, the gradient `g` (the same shape) and `state`, a dict that is empty before
the first step and belongs to one tensor. `learning_rate` is a number, or a tensor that `x` can be multiplied by, so
that several rates descend side by side. Constants have torch.optim's defaults. Nothing is changed in place but `state`.
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor

FirstOrder = Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw"]
SecondOrder = Literal["newton", "damped_newton"]
FIRST_ORDER: tuple[str, ...] = get_args(FirstOrder)
SECOND_ORDER: tuple[str, ...] = get_args(SecondOrder)

Rate = float | Tensor
State = dict[str, Any]

DECREASE, SHRINK, MOST_HALVINGS = 1e-4, 0.5, 40  # of the backtracking line search
ROUNDING = 1e-15  # of a value, as a share: near a minimum what a step gains is less, and no step would do


def sgd(x: Tensor, g: Tensor, state: State, learning_rate: Rate) -> Tensor:
    """Gradient descent, on all examples, a mini-batch or a single one: x - eta g (document 002, Task06, section 3)."""
    return x - learning_rate * g


def momentum(x: Tensor, g: Tensor, state: State, learning_rate: Rate, beta: float = 0.9) -> Tensor:
    """Heavy ball: v = beta v + g, x - eta v (Polyak 1964; Sutskever et al. 2013, equations 1 and 2)."""
    state["v"] = beta * state["v"] + g if state else g
    return x - learning_rate * state["v"]


def nesterov(x: Tensor, g: Tensor, state: State, learning_rate: Rate, beta: float = 0.9) -> Tensor:
    """Nesterov's momentum by the gradient at the looked-ahead point, which is the `x` that is kept.

    v = beta v + g, x - eta (g + beta v): Sutskever et al. 2013, equations 3 and 4, in the variable of Bengio et al.
    2013 (Advances in Optimizing Recurrent Networks, equation 7).
    """
    state["v"] = beta * state["v"] + g if state else g
    return x - learning_rate * (g + beta * state["v"])


def adagrad(x: Tensor, g: Tensor, state: State, learning_rate: Rate, epsilon: float = 1e-10) -> Tensor:
    """Squares of gradients are summed: s = s + g^2, x - eta g / sqrt(s) (Duchi et al. 2011, section 1.1)."""
    state["s"] = state.get("s", 0) + g.square()
    return x - learning_rate * g / (state["s"].sqrt() + epsilon)


def rmsprop(
    x: Tensor, g: Tensor, state: State, learning_rate: Rate, alpha: float = 0.99, epsilon: float = 1e-8
) -> Tensor:
    """Squares decay: s = alpha s + (1 - alpha) g^2, x - eta g / sqrt(s) (Tieleman and Hinton 2012, slide 29).

    The slide's alpha is 0.9; 0.99 is torch's.
    """
    state["s"] = alpha * state.get("s", 0) + (1 - alpha) * g.square()
    return x - learning_rate * g / (state["s"].sqrt() + epsilon)


def adadelta(
    x: Tensor, g: Tensor, state: State, learning_rate: Rate, rho: float = 0.9, epsilon: float = 1e-6
) -> Tensor:
    """A step's size is that of earlier steps: Zeiler 2012, algorithm 1, whose learning rate is 1."""
    s, u = state.get("s", torch.zeros_like(g)), state.get("u", torch.zeros_like(g))
    state["s"] = rho * s + (1 - rho) * g.square()
    delta = (u + epsilon).sqrt() / (state["s"] + epsilon).sqrt() * g
    state["u"] = rho * u + (1 - rho) * delta.square()
    return x - learning_rate * delta


def adam(
    x: Tensor,
    g: Tensor,
    state: State,
    learning_rate: Rate,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Tensor:
    """Means of gradients and of squares, both without the bias of their start at 0: Kingma and Ba 2015, algorithm 1."""
    state["t"] = t = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * g.square()
    m_hat, v_hat = state["m"] / (1 - beta1**t), state["v"] / (1 - beta2**t)
    return x - learning_rate * m_hat / (v_hat.sqrt() + epsilon)


def adamw(x: Tensor, g: Tensor, state: State, learning_rate: Rate, weight_decay: float = 0.01) -> Tensor:
    """Adam, and weights that decay apart from the gradient: Loshchilov and Hutter 2019, algorithm 2.

    The decay is multiplied by the learning rate, as torch does it; the paper's only by the schedule.
    """
    return adam(x * (1 - learning_rate * weight_decay), g, state, learning_rate)


def newton(x: Tensor, g: Tensor, hessian: Tensor, learning_rate: float = 1.0) -> Tensor:
    """Newton's method: x - eta H^{-1} g, with x and g (n,), H (n, n) (Boyd and Vandenberghe 2004, section 9.5).

    Raises:
        torch.linalg.LinAlgError: the Hessian is singular.
    """
    return x - learning_rate * torch.linalg.solve(hessian, g)


def damped_newton(x: Tensor, g: Tensor, hessian: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Newton's method with a backtracking line search from eta = 1 (Boyd and Vandenberghe 2004, algorithms 9.2, 9.5).

    Where the function is not convex, Newton's direction may lead upwards: then the gradient's is taken.

    Raises:
        torch.linalg.LinAlgError: the Hessian is singular.
    """
    direction = -torch.linalg.solve(hessian, g)
    if direction @ g >= 0:
        direction = -g
    value, slope, eta = function(x), direction @ g, 1.0
    for _ in range(MOST_HALVINGS):
        if function(x + eta * direction) <= value + DECREASE * eta * slope + ROUNDING * value.abs():
            break
        eta *= SHRINK
    return x + eta * direction
