"""Errors by hand, and the figures of them."""

import pandas as pd
import pytest
import torch
from torch import nn

from stages.core.errors import UserError
from stages.generalisation.evaluate import outputs, score
from stages.generalisation.figures import draw_table, test_examples
from tests.generalisation.small import DATA, small_run

test_examples.__test__ = False  # for pytest
LAST = {"train_error": 0.1, "validation_error": 0.35}
CHOICE = {"chosen_decay": 0.03, "estimated_error": 0.2, "estimate_sd": 0.02, "num_trainings": 7}


class Always(nn.Module):
    """Says one class of every image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[3].expand(len(images), 10)


def test_errors_and_their_gap():
    scores = score(Always(), small_run(), DATA, [{"train_error": 1.0, "validation_error": 1.0}, LAST])
    test_error = (DATA.test.targets != 3).float().mean().item()
    expected = LAST | {"generalisation_gap": 0.25, "test_error": test_error}
    assert scores == pytest.approx(expected)


def test_an_estimate_misses_the_test_error_by_so_much():
    run = small_run()
    scores = score(Always(), run, DATA, [LAST | CHOICE | {"estimated_error_1": 0.3}])
    assert scores.keys() == {*CHOICE, "test_error", "estimate_distance"} and CHOICE.items() <= scores.items()
    assert scores["estimate_distance"] == pytest.approx(scores["test_error"] - 0.2)
    too_high = score(Always(), run, DATA, [LAST | CHOICE | {"estimated_error": 0.99}])
    assert too_high["estimate_distance"] == pytest.approx(0.99 - scores["test_error"])


def lines(drawing) -> dict[str, tuple[list, list]]:
    (axes,) = drawing.figure.axes
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


@pytest.mark.parametrize(("size", "other"), [("num_hiddens", "num_images"), ("num_images", "num_hiddens")])
def test_errors_are_drawn_by_what_the_rows_differ_in(size, other):
    found = {f"row {value}": {size: torch.tensor(value), other: torch.tensor(5)} for value in (1, 10, 100)}
    frame = {"epoch": [1, 2], "train_loss": [2.0, 1.0], "train_error": [0.9, 0.1], "validation_error": [0.9, 0.2]}
    curves = {label: pd.DataFrame(frame) * (index + 1) for index, label in enumerate(found)}
    drawn = draw_table("A table", curves, found, {})
    assert drawn.keys() == {"curves", "errors"}
    for name, end in {"training images": 0.1, "validation images": 0.2}.items():
        places, errors = lines(drawn["errors"])[name]
        assert places == [1, 10, 100] and errors == pytest.approx([end, 2 * end, 3 * end])


def test_estimates_are_drawn_by_weight_decay():
    found = {label: outputs(Always(), small_run(), DATA) for label in ("single split", "5 folds")}
    frame = pd.DataFrame({"epoch": [1, 2], "estimated_error_1": [0.2, 0.2], "estimated_error_2": [0.4, 0.4]})
    drawn = draw_table("A table", {"single split": frame, "5 folds": frame / 2}, found, {})
    assert lines(drawn["estimates"]) == {
        "single split": ([0, 1], [0.2, 0.4]),
        "5 folds": ([0, 1], [0.1, 0.2]),
    }
    labels = [text.get_text() for text in drawn["estimates"].figure.axes[0].get_xticklabels()]
    assert labels == ["0", "5"]


def test_the_headline_is_the_share_of_wrong_test_images():
    found = outputs(Always(), small_run(), DATA)
    assert found["num_images"] == 60 and found["num_hiddens"] == 16
    examples = test_examples(small_run(), "test_error", found)
    wrong = (DATA.test.targets != 3).numpy()
    assert examples.sizes == (100,) and examples.statistic(range(50)) == pytest.approx(wrong[:50].mean())
    with pytest.raises(UserError, match="test_accuracy"):
        test_examples(small_run(), "test_accuracy", found)
