"""Shares of units by direct count, which rate is chosen, and what is kept of it."""

from dataclasses import replace
from statistics import NormalDist, mean

import pytest
import torch
from torch.nn import functional

from stages.activations import activation_mlp
from stages.activations.activation_functions import LEAK
from stages.activations.stacked_mlp import StackedMLP
from stages.activations.train import epochs_to, fit
from stages.activations.unit_shares import unit_shares
from stages.core.errors import UserError
from stages.core.run import load_run
from stages.core.schema import validate
from stages.core.training import predict
from stages.image_classification.train import scale_pixels
from tests.activations.small import DATA, SETTINGS, small_run
from tests.conftest import ROOT


def is_silent(name: str, z: float) -> bool:
    """Say it of one unit and one image, from the equations."""
    if name == "sigmoid":
        s = torch.tensor(z).sigmoid().item()
        return s * (1 - s) < 0.05 * 0.25
    if name == "tanh":
        return 1 - torch.tensor(z).tanh().item() ** 2 < 0.05
    if name == "gelu":  # whose slope is below zero, too, and 1.129 at most
        normal = NormalDist()
        return abs(normal.cdf(z) + z * normal.pdf(z)) < 0.05 * 1.12890
    return z <= 0  # ReLU; leaky ReLU, whose slope of 0.01 is below 0.05; PReLU, with a leak of 0.02


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "gelu"])
def test_silent_and_dead_units_are_those_of_a_direct_count(name):
    torch.manual_seed(0)
    stack = StackedMLP([12, 9, 8, 5], name, copies=2)
    with torch.no_grad():
        stack.weights[0][1] *= 20  # saturates
        stack.biases[0][1, 0, :3] = -1e4  # dead, or saturated for all images
        for leak in stack.leaks:
            leak.fill_(0.02)
    images = torch.randn(30, 1, 3, 4)
    silent, dead = unit_shares(stack, images, 0.05)
    for copy in range(2):
        h = images.flatten(1)
        for layer, units in enumerate((9, 8)):
            z = h @ stack.weights[layer][copy] + stack.biases[layer][copy]
            counted = [[is_silent(name, z[image, unit].item()) for image in range(30)] for unit in range(units)]
            assert silent[layer, copy].item() == pytest.approx(sum(map(sum, counted)) / (30 * units))
            assert dead[layer, copy].item() == pytest.approx(sum(map(all, counted)) / units)
            functions = {
                "leaky_relu": lambda z: torch.where(z > 0, z, LEAK * z),
                "prelu": lambda z: torch.where(z > 0, z, 0.02 * z),
                "gelu": functional.gelu,
            }
            h = functions.get(name, getattr(torch, name, None))(z)
    assert dead[0, 1] >= 3 / 9 and dead[0, 0] < 3 / 9


def test_a_prelu_that_leaks_enough_is_never_silent():
    torch.manual_seed(0)
    silent, _ = unit_shares(StackedMLP([12, 9, 5], "prelu"), torch.randn(30, 1, 3, 4), 0.05)
    assert silent[0, 0] == 0


def test_a_piece_of_maxout_that_is_never_taken_is_dead():
    torch.manual_seed(0)
    stack = StackedMLP([12, 4, 5], "maxout")
    with torch.no_grad():
        stack.biases[0][0, 0, 0] = -1e4  # the first piece of the first unit
    silent, dead = unit_shares(stack, torch.randn(200, 1, 3, 4), 0.05)
    assert dead[0, 0] == 1 / 8 and silent[0, 0] == 0.5  # of two pieces one is taken


def test_the_rate_with_the_least_mean_validation_loss_is_kept():
    torch.manual_seed(1)
    model, history = fit(small_run(), DATA, 1)
    singles = {}
    for rate in SETTINGS["rates"]:
        torch.manual_seed(1)
        _, records = fit(small_run(rates=[rate, rate * 1.0001]), DATA, 1)
        singles[rate] = mean(record["validation_loss"] for record in records[1:])
    assert history[-1]["learning_rate"] == min(singles, key=singles.get) == 0.03
    watched = scale_pixels(DATA.validation, DATA.info, small_run().args)
    logits = predict(model, watched.inputs[:60])
    loss = functional.cross_entropy(logits, watched.targets[:60]).item()
    assert history[-1]["validation_loss"] == pytest.approx(loss, rel=1e-5)


def test_records_are_of_every_epoch_and_layer():
    torch.manual_seed(1)
    model, history = fit(small_run(num_layers=3), DATA, 1)
    assert [record["epoch"] for record in history] == [0, 1, 2, 3]
    watched = scale_pixels(DATA.validation, DATA.info, small_run().args).inputs[:60]
    silent, dead = unit_shares(model, watched, SETTINGS["silent_slope"])
    for layer in range(3):
        assert history[-1][f"silent_{layer + 1}"] == silent[layer, 0]
        assert history[-1][f"dead_{layer + 1}"] == dead[layer, 0]


def test_units_die_at_a_rate_that_is_too_high_and_only_there():
    torch.manual_seed(1)
    _, history = fit(small_run(rates=[0.001, 0.01, 3.0]), DATA, 1)
    assert history[-1]["dead_lowest_rate"] < 0.2 < history[-1]["dead_highest_rate"]
    assert history[-1]["highest_rate"] == 3.0


def test_a_network_that_overflowed_is_reported_nowhere():
    """Back at its first weights it has no dead units, and its rate is no result."""
    torch.manual_seed(1)
    _, without = fit(small_run(rates=[0.001, 3.0]), DATA, 1)
    torch.manual_seed(1)
    _, with_one = fit(small_run(rates=[0.001, 3.0, 1e9]), DATA, 1)
    assert with_one[-1]["highest_rate"] == 3.0
    assert with_one[-1]["dead_highest_rate"] == without[-1]["dead_highest_rate"] > 0.2
    torch.manual_seed(1)
    _, history = fit(small_run(rates=[1e-9, 1e9], num_epochs=1), DATA, 1)
    assert history[-1]["learning_rate"] == history[-1]["highest_rate"] == 1e-9
    with pytest.raises(UserError, match="activations/small: no rate holds without an overflow"):
        fit(small_run(rates=[1e9, 1e10]), DATA, 1)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([(0.0, 0.9), (1.0, 0.8)], 0.0),  # at once
        ([(0.0, 3.0), (0.5, 2.0), (1.0, 0.5)], 0.5 + 0.5 / 1.5),
        ([(0.0, 3.0), (1.0, 1.0), (2.0, 2.0), (3.0, 0.5)], 1.0),  # the first time counts
        ([(0.0, 3.0), (1.0, 2.0), (2.0, 1.5)], 3.0),  # never: one more than there are
    ],
)
def test_epochs_to_a_loss_lie_on_the_line_between_two_looks(seen, expected):
    assert epochs_to(1.0, seen) == pytest.approx(expected)


def test_the_target_is_looked_for_within_epochs():
    torch.manual_seed(1)
    _, seldom = fit(small_run(), DATA, 1)
    target = (seldom[1]["validation_loss"] + seldom[2]["validation_loss"]) / 2
    found = []
    for changes in ({}, {"looks_per_epoch": 4}, {"target_loss": 1e-6}):
        torch.manual_seed(1)
        _, history = fit(small_run(**{"target_loss": target} | changes), DATA, 1)
        assert history[-1]["validation_loss"] == seldom[-1]["validation_loss"]  # looking changes nothing
        found.append((history[-1]["reached"], history[-1]["epochs_to_loss"]))
    assert found[0] == (1, pytest.approx(1.5)) and found[2] == (0, 4.0)
    assert found[1][0] == 1 and 0 < found[1][1] < 2 and found[1][1] != pytest.approx(1.5, abs=1e-3)


def test_parameters_are_as_many_as_the_rows_say(monkeypatch):
    """Maxout has twice the weights of the hidden layers; the row of equal parameters has within 6 % of ReLU's."""
    monkeypatch.chdir(ROOT)
    info = {"classes": ["c"] * 10}

    def count(row: str) -> int:
        return sum(parameter.numel() for parameter in load_run(f"activations/{row}").build(info).parameters())

    for layers in (2, 6):
        relu, output = count(f"relu_{layers}"), 64 * 10 + 10
        assert count(f"maxout_{layers}") - output == 2 * (relu - output)
        assert 0.94 * relu < count(f"maxout_equal_{layers}") <= relu
        assert count(f"prelu_{layers}") == relu + layers


def test_first_weights_have_the_gain_of_the_activation():
    torch.manual_seed(0)
    sds = {
        name: small_run(activation=name, num_hiddens=400).build(DATA.info).weights[1].std().item() * 20
        for name in ("sigmoid", "tanh", "relu", "maxout")
    }
    assert sds == pytest.approx({"sigmoid": 4, "tanh": 1, "relu": 2**0.5, "maxout": 1}, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": [0.1]}, "rates"),
        ({"rates": [0.1, 0.1]}, "differ"),
        ({"rates": [0.1, 0.01]}, "ascending"),
        ({"activation": "swish"}, "activation"),
        ({"silent_slope": 1.0}, "silent_slope"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        validate(activation_mlp.Args, SETTINGS | changes, "runs.x.args")


def test_data_without_a_validation_split_are_refused():
    with pytest.raises(UserError, match="activations/small: data = 'noisy_images' must have a validation split"):
        fit(small_run(), replace(DATA, validation=None), 1)
