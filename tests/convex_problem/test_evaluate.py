"""How descents on the convex problem are scored, and which of their rates counts."""

from dataclasses import replace

import pytest
import torch

from stages.convex_problem.evaluate import outputs, progress, score, tuned
from stages.core.data import Split
from stages.optimization.train import fit
from tests.optimization.contract import PLANTED


def fitted(**args: object) -> tuple:
    run = replace(PLANTED.run, args=PLANTED.run.args.model_copy(update=args))
    return *fit(run, PLANTED.data, 1), run


def test_newton_on_a_convex_problem_converges_quadratically_and_momentum_linearly():
    run = PLANTED.run
    model, history = fit(run, PLANTED.data, 1)
    newton = score(model, run, PLANTED.data, history)
    assert newton["convergence_order"] > 1.8 and newton["objective_gap"] < 1e-12 and newton["num_steps_to_goal"] < 10
    args = run.args.model_copy(update={"optimizer": "momentum", "learning_rates": [0.1, 0.5], "num_steps": 200})
    slow = replace(run, args=args)
    model, history = fit(slow, PLANTED.data, 1)
    momentum = score(model, slow, PLANTED.data, history)
    assert momentum["convergence_order"] < 1.5 and momentum["num_steps_to_goal"] > newton["num_steps_to_goal"]


def test_a_goal_that_is_not_reached_counts_one_step_more():
    args = PLANTED.run.args.model_copy(update={"optimizer": "sgd", "learning_rates": [1e-6], "num_steps": 3})
    run = replace(PLANTED.run, args=args)
    model, history = fit(run, PLANTED.data, 1)
    assert score(model, run, PLANTED.data, history)["num_steps_to_goal"] == 4


def test_the_goal_is_reached_where_the_gap_stays_below_it():
    """A path that passes the minimum and comes back up has not arrived."""
    model, _, run = fitted(optimizer="sgd", learning_rates=[0.1, 0.2], num_steps=4)
    minimum = progress(model, run, PLANTED.data).minimum
    with torch.no_grad():
        model.paths[0] = minimum + torch.tensor([1.0, 0.0, 1.0, 0.0, 0.0], dtype=torch.float64)[:, None]
        model.paths[1] = minimum + torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0], dtype=torch.float64)[:, None]
    found = progress(model, run, PLANTED.data)
    assert found.num_steps.tolist() == [3, 5] and found.fastest == 0


def test_the_tuned_rate_has_the_least_validation_loss_and_its_classifier_is_tested():
    model, _, run = fitted(optimizer="sgd", learning_rates=[1e-9, 0.5], num_steps=50)
    data = PLANTED.data
    assert tuned(model, data) == 1
    # The same examples with the classes exchanged: now the rate that learns is the worse one.
    swapped = replace(data, validation=Split(data.validation.inputs, 1 - data.validation.targets))
    assert tuned(model, swapped) == 0
    right = [
        (found["predicted"] == found["actual"]).double().mean().item()
        for found in (outputs(model, run, data), outputs(model, run, swapped))
    ]
    assert right[0] > right[1]
    assert score(model, run, data, [])["test_accuracy"] == pytest.approx(right[0])


def test_a_path_that_runs_away_is_told_to():
    model, history, run = fitted(optimizer="sgd", learning_rates=[1e6], num_steps=5)
    assert score(model, run, PLANTED.data, history)["diverged"] == 1
