"""What moves in training and what does not, which network is kept, scores by hand, and what the figures show."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from stages.core.errors import UserError
from stages.core.schema import validate
from stages.initialisation import initialised_mlp
from stages.initialisation.evaluate import outputs, score
from stages.initialisation.figures import draw_table, test_examples
from stages.initialisation.rules import initialise
from stages.initialisation.train import accuracies, fit, watched_images
from tests.initialisation.small import DATA, SETTINGS, small_run

test_examples.__test__ = False  # for pytest
NETWORKS = ["tanh_1", "tanh_3", "relu_1", "relu_3"]


def first_weights(run, name: str):
    network = run.build(DATA.info)[name]
    initialise(network, run.args.rule, run.args.sd, torch.Generator().manual_seed(1))
    return network


@pytest.mark.parametrize("rule", ["xavier", "kaiming", "pytorch", "orthogonal"])
def test_all_weights_move_where_the_rule_breaks_the_symmetry(rule):
    run = small_run(rule=rule)
    model, _ = fit(run, DATA, 1)
    assert list(model) == NETWORKS
    for name, network in model.items():
        for after, before in zip(network.parameters(), first_weights(run, name).parameters(), strict=True):
            assert (after != before).float().mean() > 0.5


def test_with_zeros_nothing_moves_but_the_last_biases():
    model, _ = fit(small_run(rule="zeros"), DATA, 1)
    for network in model.values():
        assert all((weight == 0).all() for weight in network.weights)
        assert [bool((bias != 0).any()) for bias in network.biases] == [False] * (len(network.biases) - 1) + [True]


def test_the_rate_with_the_highest_validation_accuracy_is_kept():
    """At a rate of 1e-9 nothing is learned, at 1e9 the network overflows: of three the middle one is kept."""
    model, history = fit(small_run(rates=[1e-9, 0.03, 1e9], num_epochs=6), DATA, 1)
    last = history[-1]
    assert {last[f"learning_rate_{name}"] for name in NETWORKS} == {0.03}
    assert {last[f"overflowed_{name}"] for name in ("relu_1", "relu_3")} == {1}
    assert [record["epoch"] for record in history] == [0, 1, 2, 3, 4, 5, 6]
    watched = watched_images(small_run(), DATA)
    for name in NETWORKS:
        right = accuracies(model[name], watched).item()
        assert right == pytest.approx((model[name](watched.inputs).argmax(1) == watched.targets).float().mean().item())
        for rate in (1e-9, 0.03):
            alone, _ = fit(small_run(rates=[rate], num_epochs=6), DATA, 1)
            assert accuracies(alone[name], watched).item() <= right


def test_a_sure_network_that_is_mostly_right_goes_before_a_blind_one():
    """By loss it would be the other way round, as it is where all accuracies count as equal."""
    rates = [1e-4, 0.3]
    changes = {"rule": "normal", "sd": 1.0, "activations": ["relu"], "depths": [2], "num_epochs": 8}

    def last(**more: object) -> dict[str, float]:
        return fit(small_run(**changes, **more), DATA, 1)[1][-1]

    sure, blind = (last(rates=[rate])["validation_loss_relu_2"] for rate in rates)
    assert blind < sure
    assert last(rates=rates)["learning_rate_relu_2"] == rates[0]
    assert last(rates=rates, accuracy_margin=0.99)["learning_rate_relu_2"] == rates[1]


def test_weights_that_explode_leave_finite_networks():
    run = small_run(rule="normal", sd=1e3, depths=[1, 8])
    model, history = fit(run, DATA, 1)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    scores = score(model, run, DATA, history)
    assert scores["loss_relu_8"] == 10.0 and scores["learns_relu_8"] == 0
    assert scores["gradient_ratio_relu_8"] > 1e12
    assert scores["overflowed_relu_8"] == 2  # of two rates: the network is what it was before training
    first = first_weights(run, "relu_8")
    assert all(map(torch.equal, model["relu_8"].parameters(), first.parameters()))


def test_scores_are_of_each_network_on_the_test_images():
    run = small_run(num_epochs=8, rates=[0.03])
    model, history = fit(run, DATA, 1)
    scores = score(model, run, DATA, history)
    pixels = (DATA.test.inputs.float() / 255 - 0.5) / 0.26
    for name in NETWORKS:
        assert scores[f"chosen_rate_{name}"] == 0.03 and scores[f"overflowed_{name}"] == 0
        logits = model[name](pixels)
        right = (logits.argmax(1) == DATA.test.targets).float().mean().item()
        assert scores[f"accuracy_{name}"] == pytest.approx(right)
        assert scores[f"loss_{name}"] == pytest.approx(functional.cross_entropy(logits, DATA.test.targets).item())
    for limit, learns in ((scores["accuracy_tanh_1"], 1), (scores["accuracy_tanh_1"] + 0.01, 0)):
        assert score(model, small_run(learns_at=limit), DATA, history)["learns_tanh_1"] == learns


def test_outputs_are_the_signals_before_training():
    run = small_run()
    model, history = fit(run, DATA, 1)
    found = outputs(model, run, DATA)
    for name in NETWORKS:
        above, below = found[f"activation_sd_{name}"][[-1, 0]]
        assert (above / below).item() == pytest.approx(history[0][f"activation_ratio_{name}"])
        first, last = found[f"gradient_sd_{name}"][[0, -1]]
        assert (first / last).item() == pytest.approx(history[-1][f"gradient_ratio_{name}"])
    of_two = outputs(model, replace(run, seeds=[1, 2]), DATA)
    of_second = outputs(model, replace(run, seeds=[2]), DATA)
    for name in ("activation_sd_tanh_3", "gradient_sd_relu_1"):
        torch.testing.assert_close(of_two[name], (found[name] * of_second[name]).sqrt())
    pixels = (DATA.test.inputs.float() / 255 - 0.5) / 0.26
    assert torch.equal(found["predicted"], model["relu_3"](pixels).argmax(1))
    assert test_examples(run, "accuracy_relu_3", found).statistic(range(100)) == pytest.approx(
        (found["predicted"] == DATA.test.targets).float().mean().item()
    )
    with pytest.raises(UserError, match="accuracy_relu_3"):
        test_examples(run, "accuracy_relu_1", found)


def test_figures_show_every_depth_and_leave_out_what_is_exactly_zero():
    found = {}
    for name in NETWORKS:
        sd = torch.tensor([1.0, 0.0] if name.endswith("1") else [1.0, 0.5, 0.0, 0.25], dtype=torch.float64)
        found |= {f"activation_sd_{name}": sd, f"gradient_sd_{name}": sd}
    columns = {"epoch": [0, 1], "validation_loss_tanh_3": [3.0, 2.0], "validation_loss_relu_3": [2.5, 1.5]}
    labels = [f"rule {number}" for number in range(8)]
    curves = {label: pd.DataFrame(columns) for label in labels}
    drawn = draw_table("A table", curves, dict.fromkeys(labels, found), {})
    for signal, first_layer in (("activations", 0), ("gradients", 1)):
        panels = drawn[signal].figure.axes
        titles = ["tanh, 1 layers", "tanh, 3 layers", "relu, 1 layers", "relu, 3 layers"]
        assert [axes.get_title() for axes in panels] == titles
        line = panels[3].lines[-1]
        assert list(line.get_xdata()) == [first_layer + step for step in range(4)]
        np.testing.assert_array_equal(line.get_ydata(), [1.0, 0.5, np.nan, 0.25])
        np.testing.assert_array_equal(panels[2].lines[-1].get_ydata(), [1.0, np.nan])
        assert len({(line.get_color(), line.get_linestyle()) for line in panels[0].lines}) == 8
    assert [list(axes.lines[0].get_ydata()) for axes in drawn["losses"].figure.axes] == [[3.0, 2.0], [2.5, 1.5]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rule": "normal"}, "sd = None must be there for rule = 'normal'"),
        ({"sd": 0.1}, "sd = 0.1 must be there for rule = 'normal', and for no other"),
        ({"depths": [6, 2]}, "ascending"),
        ({"depths": [2, 2]}, "differ"),
        ({"rates": []}, "rates"),
        ({"learns_at": 1.0}, "learns_at"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        validate(initialised_mlp.Args, SETTINGS | changes, "runs.x.args")


def test_data_without_a_validation_split_are_refused():
    with pytest.raises(UserError, match="initialisation/small: data = 'noisy_images' must have a validation split"):
        fit(small_run(), replace(DATA, validation=None), 1)
