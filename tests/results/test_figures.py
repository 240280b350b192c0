"""What a picture must show, seen in its pixels."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors, image

from stages.results.figures import COLOURS, learning_curves, to_png


def curve(num_epochs: int) -> pd.DataFrame:
    epochs = np.arange(1, num_epochs + 1)
    return pd.DataFrame({"epoch": epochs, "train_loss": 1 / epochs})


def pixels(curves: dict[str, pd.DataFrame], colour: str) -> int:
    """Count the pixels of a colour above the legend."""
    picture = image.imread(io.BytesIO(to_png(learning_curves("Title", curves).figure)))[:, :, :3]
    plot = picture[: int(0.8 * len(picture))]
    return int((np.abs(plot - colors.to_rgb(colour)).max(axis=-1) < 0.01).sum())


@pytest.mark.parametrize("order", [(20, 30), (30, 20)])
def test_a_training_that_goes_on_does_not_hide_the_shorter_one(order):
    """The first 20 epochs of both rows are the same: each row is seen along its whole length."""
    curves = {f"{num_epochs} epochs": curve(num_epochs) for num_epochs in order}
    assert pixels(curves, COLOURS[order.index(20)]) > 300
    on_white = [0.5 + 0.5 * part for part in colors.to_rgb(COLOURS[order.index(30)])]
    assert pixels(curves, colors.to_hex(on_white)) > 300


def test_of_two_equal_trainings_both_ends_are_seen():
    curves = {"one": curve(20), "other": curve(20)}
    assert pixels(curves, COLOURS[0]) > 10
    assert pixels(curves, COLOURS[1]) > 300
