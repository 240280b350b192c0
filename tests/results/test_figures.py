"""What a picture must show, seen in its pixels, and what its caption must say."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors, image

from stages.results.figures import COLOURS, confusion_matrix, learning_curves, to_png


def curve(num_epochs: int) -> pd.DataFrame:
    epochs = np.arange(1, num_epochs + 1)
    return pd.DataFrame({"epoch": epochs, "train_loss": 1 / epochs})


def plot(curves: dict[str, pd.DataFrame]) -> np.ndarray:
    """Return the pixels above the legend."""
    picture = image.imread(io.BytesIO(to_png(learning_curves("Title", curves).figure)))[:, :, :3]
    return picture[: int(0.8 * len(picture))]


def count(pixels: np.ndarray, colour: str) -> int:
    return int((np.abs(pixels - colors.to_rgb(colour)).max(axis=-1) < 0.01).sum())


@pytest.mark.parametrize("order", [(20, 30), (30, 20)])
def test_a_training_that_goes_on_does_not_hide_the_shorter_one(order):
    """The first 20 epochs of both rows are the same: each row is seen along its whole length."""
    pixels = plot({f"{num_epochs} epochs": curve(num_epochs) for num_epochs in order})
    assert count(pixels, COLOURS[order.index(20)]) > 300
    on_white = [0.5 + 0.5 * part for part in colors.to_rgb(COLOURS[order.index(30)])]
    assert count(pixels, colors.to_hex(on_white)) > 300


def test_of_two_equal_trainings_both_ends_are_seen():
    pixels = plot({"one": curve(20), "other": curve(20)})
    assert count(pixels, COLOURS[0]) > 10
    assert count(pixels, COLOURS[1]) > 300


def test_dashes_are_explained_where_there_are_some():
    plain, validated = curve(3), curve(3).assign(validation_loss=1.0)
    assert "Dashed" not in learning_curves("T", {"a": plain}).caption
    assert "Dashed lines: loss on the validation examples" in learning_curves("T", {"a": plain, "b": validated}).caption


def test_a_confusion_matrix_names_the_most_frequent_mistake():
    actual, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 1, 0, 2])
    caption = confusion_matrix("T", actual, predicted, ["a", "b", "c"]).caption
    assert caption.startswith("T: actual and predicted class of the 6 test examples, of which 3 are classified right")
    assert caption.endswith("The most frequent mistake: 2 of class a taken for b.")
    assert confusion_matrix("T", actual, actual, ["a", "b", "c"]).caption.endswith("There are no mistakes.")
