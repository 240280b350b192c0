"""Variances of what layers read, by hand, and that watching changes no training."""

import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from stages.core.data import Split
from stages.core.run import Run
from stages.image_classification import resnet
from stages.image_classification import train as classifiers
from stages.network_depth.evaluate import _drift
from stages.network_depth.train import WATCHED, fit, watch_layers
from tests.image_classification.contract import small_data

ARGS = resnet.Args(
    num_epochs=2, batch_size=32, learning_rate=0.05, precision="float32", blocks=[1], num_channels=4, shortcuts=False
)
RUN = Run("network_depth/small", "network_depth", "resnet", "small", ARGS, [1], "cpu")


def test_variances_are_those_of_what_layers_read_and_its_gradient():
    model = resnet.build(ARGS, {"classes": ["a", "b"]})
    draws = torch.Generator().manual_seed(0)
    split = Split(torch.randn(WATCHED + 5, 1, 28, 28, generator=draws), torch.arange(WATCHED + 5) % 2)
    before = copy.deepcopy(model.state_dict())
    found = watch_layers(model, split)()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    images, targets = split.inputs[:WATCHED], split.targets[:WATCHED]
    first = model.maps[0](images)
    block = model.maps[1]
    second = block.residual[0](first)
    third = model.output[:2](block.relu(block.residual[1](second)))
    values = [first, second, third]
    assert [found[f"activation_variance_{number}"] for number in (1, 2, 3)] == pytest.approx(
        [value.var().item() for value in values], rel=1e-4
    )
    gradients = torch.autograd.grad(functional.cross_entropy(model.output[2](third), targets), values)
    assert [found[f"gradient_variance_{number}"] for number in (1, 2, 3)] == pytest.approx(
        [gradient.var().item() for gradient in gradients], rel=1e-3
    )
    assert len(found) == 6


def test_watching_changes_no_weight():
    data = small_data(replace(RUN))
    torch.manual_seed(1)
    watched, history = fit(RUN, data, 1)
    torch.manual_seed(1)
    plain, _ = classifiers.fit(RUN, data, 1)
    assert all(map(torch.equal, watched.state_dict().values(), plain.state_dict().values()))
    assert "gradient_variance_3" in history[-1]


def test_a_variance_that_doubles_and_halves_drifts_by_ln_2():
    history = [{"epoch": 1.0, "activation_variance_1": value} for value in (1.0, 2.0, 1.0)]
    assert _drift(history, "activation_variance_") == pytest.approx(0.6931, abs=1e-4)
