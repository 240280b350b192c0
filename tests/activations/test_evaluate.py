"""What the scores are of, and what the figures show."""

import pandas as pd
import pytest
import torch

from stages.activations.evaluate import score
from stages.activations.figures import draw_table
from stages.activations.train import fit
from tests.activations.small import DATA, small_run


def test_scores_are_of_the_last_record_and_of_the_test_images():
    run = small_run()
    torch.manual_seed(1)
    model, history = fit(run, DATA, 1)
    last = history[-1] | {"silent_1": 0.2, "silent_2": 0.4, "dead_1": 0.0, "dead_2": 0.5}
    scores = score(model, run, DATA, [*history[:-1], last])
    assert scores["silent_share"] == pytest.approx(0.3) and scores["dead_share"] == 0.25
    assert scores["num_parameters"] == 196 * 12 + 12 + 12 * 12 + 12 + 12 * 10 + 10
    assert scores["chosen_rate"] == last["learning_rate"]
    assert {name: scores[name] for name in ("reached", "epochs_to_loss", "highest_rate")} == {
        name: last[name] for name in ("reached", "epochs_to_loss", "highest_rate")
    }
    assert scores["dead_share_highest_rate"] == last["dead_highest_rate"]
    pixels = (DATA.test.inputs.float() / 255 - 0.5) / 0.26
    right = (model(pixels).argmax(1) == DATA.test.targets).float().mean().item()
    assert scores["test_accuracy"] == pytest.approx(right)


def test_figures_show_every_layer_and_activation():
    columns = ["epoch", "validation_loss", "silent_1", "dead_1", "silent_2", "dead_2"]
    curve = pd.DataFrame([[0, 2.0, 0.1, 0.0, 0.2, 0.05], [1, 1.0, 0.3, 0.0, 0.4, 0.15]], columns=columns)
    labels = [f"activation {number}, two layers" for number in range(9)]
    drawn = draw_table("A table", dict.fromkeys(labels, curve), {}, {})
    (axes,) = drawn["losses"].figure.axes
    assert [line.get_label() for line in axes.lines] == labels
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 9
    shown = [axes for axes in drawn["units"].figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [f"activation {number}" for number in range(9)]
    assert [list(line.get_ydata()) for line in shown[-1].lines] == [[0.1, 0.3], [0.0, 0.0], [0.2, 0.4], [0.05, 0.15]]
