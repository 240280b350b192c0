"""Rates side by side are trainings alone by torch's optimizer; which is chosen, and how many are good."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.run import Run, load_family, load_run
from stages.core.schema import validate
from stages.image_classification.train import scale_pixels
from stages.tuned_optimizers import tuned_mlp
from stages.tuned_optimizers.evaluate import good_decades, outputs
from stages.tuned_optimizers.figures import draw_table
from stages.tuned_optimizers.train import FAR, fit
from tests.conftest import ROOT
from tests.image_classification.contract import PLANTED, noisy_images

DATA = Data(noisy_images(120, 1), noisy_images(60, 3), noisy_images(60, 2), PLANTED.data.info)
ARGS = tuned_mlp.Args(
    optimizer="adam", rates=[0.001, 0.01, 0.1], layer_sizes=[196, 12, 10], num_epochs=3, batch_size=50, close=0.01
)
RUN = Run("tuned_optimizers/small", "tuned_optimizers", "tuned_mlp", "small", ARGS, [1], "cpu")


def trained(run: Run = RUN):
    torch.manual_seed(1)
    return fit(run, DATA, 1)


def test_each_rate_learns_as_alone_with_torchs_optimizer():
    _, history = trained()
    torch.manual_seed(1)
    first = RUN.build(DATA.info)
    scaled = scale_pixels(DATA.train, DATA.info, ARGS)
    for number, rate in enumerate(ARGS.rates, 1):
        network = nn.Sequential(nn.Flatten(), nn.Linear(196, 12), nn.ReLU(), nn.Linear(12, 10))
        with torch.no_grad():
            for layer, weight, bias in zip(network[1::2], first.weights, first.biases, strict=True):
                layer.weight.copy_(weight[0].T)
                layer.bias.copy_(bias[0, 0])
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        order = torch.Generator().manual_seed(1)
        for record in history:
            total = 0.0
            for batch in torch.randperm(120, generator=order).split(50):
                loss = functional.cross_entropy(network(scaled.inputs[batch]), scaled.targets[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            assert record[f"train_loss_{number}"] == pytest.approx(total / 120, rel=1e-3)


def test_the_rate_with_the_least_validation_loss_is_kept():
    model, history = trained()
    last = history[-1]
    ends = [last[f"validation_loss_{number}"] for number in (1, 2, 3)]
    assert last["learning_rate"] == ARGS.rates[ends.index(min(ends))] and last["validation_loss"] == min(ends)
    validation = scale_pixels(DATA.validation, DATA.info, ARGS)
    assert functional.cross_entropy(model(validation.inputs), validation.targets).item() == pytest.approx(min(ends))


def test_a_rate_that_diverges_harms_no_other():
    alone = trained(replace(RUN, args=ARGS.model_copy(update={"optimizer": "sgd", "rates": [0.01, 0.1]})))[1]
    wild = trained(replace(RUN, args=ARGS.model_copy(update={"optimizer": "sgd", "rates": [0.01, 0.1, 1e30]})))[1]
    assert wild[-1]["train_loss_3"] == FAR and wild[-1]["learning_rate"] == alone[-1]["learning_rate"]
    assert wild[-1]["train_loss_1"] == pytest.approx(alone[-1]["train_loss_1"], rel=1e-5)


def test_good_decades_by_hand():
    rates = [0.001, 0.01, 0.1, 1.0]
    assert good_decades(rates, [0.80, 0.805, 0.79, 0.2], 0.01) == pytest.approx(1.0)
    assert good_decades(rates, [0.80, 0.805, 0.796, 0.2], 0.01) == pytest.approx(2.0)
    assert good_decades(rates, [0.80, 0.1, 0.796, 0.805], 0.01) == pytest.approx(1.0)  # beyond a bad one nothing counts


def test_no_recorded_choice_is_the_first_or_last_rate():
    """Else a better rate may lie outside, and optimizers are compared that are not tuned."""
    rows = load_family("tuned_optimizers").runs
    for name in rows:
        grid = load_run(f"tuned_optimizers/{name}").args.rates
        metrics = json.loads((ROOT / f"metrics/tuned_optimizers/{name}.json").read_text(encoding="utf-8"))
        chosen = metrics["chosen_rate"]["seeds"].values()
        assert not {min(grid), max(grid)} & {*chosen}, name


def test_rates_ascend():
    with pytest.raises(UserError, match="rates must be in ascending order"):
        validate(tuned_mlp.Args, ARGS.model_dump() | {"rates": [0.1, 0.01]}, "args")


def test_figures_show_the_loss_of_each_rate_and_the_time_of_one():
    import pandas as pd

    model, history = trained()
    found = outputs(model, RUN, DATA)
    drawn = draw_table("A table", {"adam": pd.DataFrame(history)}, {"adam": found}, {"adam": 6.0})
    (axes,) = drawn["rates"].figure.axes
    (line,) = axes.lines
    assert list(line.get_xdata()) == ARGS.rates
    assert list(line.get_ydata()) == [history[-1][f"validation_loss_{number}"] for number in (1, 2, 3)]
    (axes,) = drawn["time"].figure.axes
    assert list(axes.lines[0].get_xdata()) == [2.0, 4.0, 6.0]  # three epochs of a third of six seconds
    assert math.isclose(axes.lines[0].get_ydata()[-1], history[-1]["train_loss"])
    assert "time" not in draw_table("A table", {"adam": pd.DataFrame(history)}, {"adam": found}, {"adam": None})
