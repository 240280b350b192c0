"""Scores and figures of colour pictures, by a network that knows red from blue."""

import pytest
import torch
from torch import nn

from stages.colour_pictures.data import Pictures
from stages.colour_pictures.evaluate import DRAWS, SHOWN, outputs, score
from stages.colour_pictures.figures import draw
from stages.core.data import Split
from stages.core.run import Run
from stages.image_classification import lenet

HISTORY = [{"epoch": 1, "train_loss": 0.5}]


def pictures(reds: list[int], targets: list[int]) -> Split:
    inputs = torch.zeros(len(reds), 3, 32, 32, dtype=torch.uint8)
    inputs[:, 0], inputs[:, 2] = torch.tensor(reds)[:, None, None], 100
    return Split(inputs, torch.tensor(targets))


class RedOrBlue(nn.Module):
    """Logits: the mean of blue, then that of red."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = images.mean((2, 3))
        return torch.stack([means[:, 2], means[:, 0]], 1)


def run(augmentation: list[str]) -> Run:
    args = lenet.Args(
        num_epochs=1, batch_size=4, learning_rate=0.1, channels=[2], num_features=2, augmentation=augmentation
    )
    return Run("colour_pictures/x", "colour_pictures", "lenet", "small", args, [1], "cpu")


@pytest.fixture
def data() -> Pictures:
    train = pictures([0, 200] * SHOWN, [0, 1] * SHOWN)
    test, other = pictures([0, 0, 200, 200], [0, 0, 1, 1]), pictures([0, 200, 0, 200], [0, 0, 1, 1])
    info = {"classes": ["blue", "red"], "pixel_mean": 0.5, "pixel_sd": 0.25, "background": 77}
    return Pictures(train, test, test, info, other)


def test_each_designers_pictures_are_scored(data):
    scores = score(RedOrBlue(), run([]), data, HISTORY)
    assert (scores["test_accuracy"], scores["other_designer_accuracy"]) == (1.0, 0.5)


def test_without_another_designer_nothing_is_said_of_one(data):
    alone = Pictures(data.train, data.validation, data.test, data.info)
    assert "other_designer_accuracy" not in score(RedOrBlue(), run([]), alone, HISTORY)
    found = outputs(RedOrBlue(), run([]), alone)
    assert found.keys() == {"predicted", "actual"}
    assert draw("label", found, alone).keys() == {"examples", "confusion", "images"}


def test_figures_show_both_designers_and_what_augmentation_does(data):
    found = outputs(RedOrBlue(), run(["crop"]), data)
    assert found["predicted_of_other"].tolist() == [0, 1, 0, 1]
    shown = found["augmented"]
    assert (shown.shape, shown.dtype) == ((DRAWS, SHOWN, 3, 32, 32), torch.uint8)
    assert (shown == 77).any() and not torch.equal(shown[0], shown[1])
    assert torch.equal(shown, outputs(RedOrBlue(), run(["crop"]), data)["augmented"])
    drawings = draw("label", found, data)
    assert drawings.keys() == {"examples", "confusion", "images", "augmented", "designers", "other_confusion"}
    assert "of which 2 are classified right" in drawings["other_confusion"].caption
    for name, rows, filled in (("examples", 2, 20), ("augmented", 1 + DRAWS, 40), ("designers", 2, 8)):
        axes = drawings[name].figure.axes
        assert (len(axes), sum(bool(one.images) for one in axes)) == (10 * rows, filled), name
    first = drawings["designers"].figure.axes[0].images[0].get_array()
    assert first.shape == (32, 32, 3) and first[0, 0].tolist() == [0, 0, 100]
