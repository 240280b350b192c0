"""Training of image classifiers: the scaling of pixels."""

import pytest
import torch

from stages.core.data import Data, Split
from stages.image_classification.train import ImageArgs, scale_pixels


@pytest.fixture
def data() -> Data:
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(256, (20, 1, 4, 5), generator=draws, dtype=torch.uint8)
    images[0, 0, 0, :2] = torch.tensor([0, 255])
    split = Split(images, torch.arange(20) % 10)
    pixels = images.double() / 255
    info = {"pixel_mean": pixels.mean().item(), "pixel_sd": pixels.std().item()}
    return Data(split, None, split, info)


def scaled(data: Data, pixels: str) -> torch.Tensor:
    args = ImageArgs(num_epochs=1, batch_size=1, learning_rate=1.0, pixels=pixels)
    return scale_pixels(data.train, data.info, args).inputs


@pytest.mark.parametrize(("pixels", "low", "high"), [("unit", 0.0, 1.0), ("signed", -1.0, 1.0)])
def test_black_and_white_become_the_ends_of_the_range(data, pixels, low, high):
    assert scaled(data, pixels)[0, 0, 0, :2].tolist() == [low, high]


def test_standardised_training_pixels_have_mean_zero_and_deviation_one(data):
    inputs = scaled(data, "standardised")
    assert inputs.mean().item() == pytest.approx(0, abs=1e-6)
    assert inputs.std().item() == pytest.approx(1, abs=1e-5)


def test_the_prepared_images_stay_as_they_are(data):
    """They are shared by the workers of all seeds."""
    before = data.train.inputs.clone()
    scaled(data, "standardised")
    assert torch.equal(data.train.inputs, before)
