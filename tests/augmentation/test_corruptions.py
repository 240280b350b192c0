"""Corruptions: the same for every model, each image its own, and what each does."""

import pytest
import torch

from stages.augmentation.corruptions import BRIGHTNESS, CORRUPTIONS, DEGREES, PIXELS, covered, darker, moved, turned


def images(count: int = 300) -> torch.Tensor:
    return torch.randint(1, 256, (count, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_model_sees_the_same_corrupted_images(name):
    change = CORRUPTIONS[name]
    torch.manual_seed(1)
    first = change(images())
    torch.manual_seed(2)
    second = change(images())
    assert torch.equal(first, second)
    assert first.dtype == torch.uint8 and first.shape == images().shape
    assert not (first == images()).flatten(1).all(1).any() or name == "moved"


def test_darker_is_a_share_of_the_light():
    assert torch.equal(darker(images()), (images() * BRIGHTNESS).round().to(torch.uint8))


def test_images_move_by_at_most_four_pixels():
    kept = (moved(images())[:, :, PIXELS : 28 - PIXELS, PIXELS : 28 - PIXELS] != 0).flatten(1).all(1)
    assert kept.all()
    dots = torch.zeros(300, 1, 28, 28, dtype=torch.uint8)
    dots[:, :, 14, 14] = 1
    places = moved(dots).nonzero()
    assert {*places[:, 2].tolist()} == {*places[:, 3].tolist()} == {*range(14 - PIXELS, 14 + PIXELS + 1)}


def test_images_turn_by_at_most_thirty_degrees_to_either_side():
    bars = torch.zeros(300, 1, 28, 28, dtype=torch.uint8)
    bars[:, :, 13:15, 20:24] = 250
    after = turned(bars).double()
    rows, columns = torch.arange(28.0), torch.arange(28.0)
    down = (after.sum(3)[:, 0] * rows).sum(1) / after.sum((1, 2, 3)) - 13.5
    right = (after.sum(2)[:, 0] * columns).sum(1) / after.sum((1, 2, 3)) - 13.5
    angles = torch.rad2deg(torch.atan2(down, right))
    assert angles.abs().max() < DEGREES + 1
    assert angles.min() < -0.8 * DEGREES and angles.max() > 0.8 * DEGREES


def test_a_quarter_is_covered_by_a_square_anywhere():
    hidden = covered(images()) == 0
    assert torch.equal(hidden.sum((1, 2, 3)), torch.full((300,), 196))
    assert len({tuple(mask.nonzero()[0].tolist()) for mask in hidden}) > 100
