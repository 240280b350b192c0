"""Which numbers of a history are metrics, and what the figures draw of them."""

import pandas as pd
import pytest
import torch
from torch import nn

from stages.core.errors import UserError
from stages.learning_rates.evaluate import outputs, score
from stages.learning_rates.figures import draw_table, test_examples
from tests.learning_rates.small import DATA, raced, scheduled

test_examples.__test__ = False  # for pytest


class Always(nn.Module):
    """Says one class of every image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[3].expand(len(images), 10)


def test_a_race_is_scored_by_its_last_level():
    first = {"epoch": 1, "reached": 1, "epochs": 0.5, "steps": 4, "validation_loss": 1.9, "chosen_rate": 0.1}
    last = {"epoch": 2, "reached": 0, "epochs": 6.0, "steps": 48, "validation_loss": 1.6, "chosen_rate": 0.1}
    scores = score(Always(), raced(), DATA, [first, last])
    assert scores == {"reached": 0, "epochs": 6.0, "steps": 48, "chosen_rate": 0.1}


@pytest.mark.parametrize(("rates", "error"), [([0.1, 0.2], 0.7), ([0.2, 0.1], 0.6)])
def test_a_schedule_is_scored_after_the_last_epoch(rates, error):
    """The error and the rise of the highest rate are found by the rate, not by its place."""
    said = {"final_train_loss": 0.3, "chosen_rate": 0.1, "validation_loss": 0.4, "train_loss": 0.35}
    said |= {"validation_error_1": 0.6, "validation_error_2": 0.7, "early_rise_1": 6.0, "early_rise_2": 7.0}
    scores = score(Always(), scheduled(learning_rates=rates), DATA, [{}, said])
    right = (DATA.test.targets == 3).double().mean().item()
    assert scores["test_accuracy"] == pytest.approx(right) and scores["train_loss"] == 0.3
    assert (scores["highest_rate_error"], scores["validation_loss"]) == (error, 0.4)
    assert scores["early_rise"] == pytest.approx(10 * error)


def lines(axes) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


@pytest.mark.parametrize("known", [True, False])
def test_a_race_is_drawn_by_epochs_steps_and_known_seconds(known):
    frame = {"epoch": [1, 2], "validation_loss": [2.0, 1.0], "epochs": [1.0, 4.0], "steps": [10, 40]}
    found = {"a row": outputs(Always(), raced(num_epochs=6), DATA)}
    drawn = draw_table("A table", {"a row": pd.DataFrame(frame)}, found, {"a row": 2.0 if known else None})
    expected = [[1.0, 4.0], [10, 40]] + ([[3.0, 12.0]] if known else [])  # 12 seconds are 6 epochs of 2
    assert [lines(axes) for axes in drawn["loss"].figure.axes] == [[(places, [2.0, 1.0])] for places in expected]


def test_schedules_are_drawn_by_epoch_and_by_rate():
    frame = {"epoch": [1, 2], "train_loss": [2.0, 1.0], "validation_loss": [2.0, 1.0], "learning_rate": [0.1, 0.05]}
    frame |= {"chosen_rate": [0.1, 0.1], "validation_error_1": [0.3, 0.3], "validation_error_2": [0.2, 0.2]}
    found = {"a row": outputs(Always(), scheduled(), DATA)}
    drawn = draw_table("A table", {"a row": pd.DataFrame(frame)}, found, {})
    assert drawn.keys() == {"curves", "rates", "errors"}
    assert lines(drawn["rates"].figure.axes[0]) == [([0.5, 1.0], [1.0, 0.5])]
    assert lines(drawn["errors"].figure.axes[0]) == [([0.0001, 0.1], [0.3, 0.2])]


def test_the_headline_is_the_share_of_right_test_images():
    found = outputs(Always(), raced(batch_size=None), DATA)
    assert found["batch_size"] == 0 and found["raced"] == 1
    examples = test_examples(scheduled(), "test_accuracy", found)
    right = (DATA.test.targets == 3).numpy()
    assert examples.sizes == (100,) and examples.statistic(range(50)) == pytest.approx(right[:50].mean())
    with pytest.raises(UserError, match="test_loss"):
        test_examples(scheduled(), "test_loss", found)
