"""Augmentation: what each kind may do to an image, and that each image of a batch has draws of its own."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stages.core.data import Split
from stages.image_classification import mlp
from stages.image_classification.augmentation import (
    ERASED,
    NAMES,
    OF_PIXELS,
    PADDING,
    augment_pixels,
    augment_values,
    crop,
    erase,
    flip,
    jitter,
)
from stages.image_classification.train import augmenter, scale_pixels

INFO = {"classes": ["a", "b", "c"], "pixel_mean": 0.4, "pixel_sd": 0.3}


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def images(count: int = 64) -> Tensor:
    return torch.randint(1, 256, (count, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_half_of_the_images_are_mirrored():
    before = images(400)
    after = flip(before, draws())
    same = (after == before).flatten(1).all(1)
    assert torch.equal(after[~same], before[~same].flip(-1))
    assert 0.4 < same.float().mean() < 0.6


def test_a_crop_moves_each_image_by_its_own_offset():
    before = images(400)
    after = crop(before, draws())
    padded = functional.pad(before, (PADDING,) * 4)
    offsets = []
    for image, whole in zip(after, padded, strict=True):
        windows = whole.unfold(1, 28, 1).unfold(2, 28, 1)[0]
        offsets.append(tuple((windows == image[0]).all(-1).all(-1).nonzero()[0].tolist()))
    assert {*offsets} == {(y, x) for y in range(2 * PADDING + 1) for x in range(2 * PADDING + 1)}


def test_a_crop_moves_in_the_background_that_the_data_name():
    args = mlp.Args(num_epochs=1, batch_size=64, learning_rate=0.1, layer_sizes=[784, 3], augmentation=["crop"])
    black = Split(torch.zeros(64, 1, 28, 28, dtype=torch.uint8), torch.arange(64) % 3)
    values = augmenter(args, INFO | {"background": 255}, 1)(*black)[0]
    middle = values[:, :, PADDING : 28 - PADDING, PADDING : 28 - PADDING]
    assert values.unique().tolist() == [0, 1] and (middle == 0).all()
    assert (augmenter(args, INFO, 1)(*black)[0] == 0).all()


@pytest.mark.parametrize("name", OF_PIXELS)
def test_the_channels_of_a_colour_picture_change_together(name):
    """Grey pictures of three equal channels stay grey, and each picture is changed as it would be alone in grey."""
    grey = images()
    colour = grey.expand(-1, 3, -1, -1).contiguous()
    torch.manual_seed(5)
    after = augment_pixels(colour, [name], draws())
    assert (after.shape, after.dtype) == (colour.shape, torch.uint8)
    assert torch.equal(after[:, 0], after[:, 1]) and torch.equal(after[:, 1], after[:, 2])
    if name in ("flip", "crop", "jitter"):
        assert torch.equal(after[:, :1], augment_pixels(grey, [name], draws()))


def test_jitter_multiplies_brightness_and_contrast():
    """Of grey images without black and white, so that nothing is cut off: a line maps old to new values."""
    before = images(200) // 4 + 90
    after = jitter(before, draws()).double().flatten(1)
    old = before.double().flatten(1)
    contrast = after.std(1) / old.std(1)
    brightness = after.mean(1) / old.mean(1)
    assert 0.6 < brightness.min() < 0.7 and 1.3 < brightness.max() < 1.4
    assert contrast.min() < 0.6 and contrast.max() > 1.4
    line = brightness[:, None] * old.mean(1, keepdim=True) + contrast[:, None] * (old - old.mean(1, keepdim=True))
    assert (after - line).abs().max() < 2  # rounded


def test_erasing_fills_one_rectangle_of_half_of_the_images():
    before = torch.full((400, 1, 28, 28), 9.0)
    changed = (erase(before, draws()) != before)[:, 0]
    touched = changed.flatten(1).any(1)
    assert 0.4 < touched.float().mean() < 0.6
    for mask in changed[touched]:
        rows, columns = mask.any(1), mask.any(0)
        assert torch.equal(mask, rows[:, None] & columns[None])
        assert 0.5 * ERASED[0] < mask.float().mean() < 1.3 * ERASED[1]


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixed_images_have_the_classes_of_both_by_their_shares(name):
    torch.manual_seed(1)
    values = torch.arange(6.0)[:, None, None, None].expand(6, 1, 28, 28)
    mixed, targets = augment_values(values, torch.tensor([0, 1, 2, 0, 1, 2]), [name], 3, draws())
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    own = targets[torch.arange(1, 6), torch.tensor([1, 2, 0, 1, 2])]  # the neighbour's class is another one
    expected = values[1:, 0, 0, 0] * own + values[:-1, 0, 0, 0] * (1 - own)
    torch.testing.assert_close(mixed[1:].mean((1, 2, 3)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_changes_training_images_and_repeats_itself(name):
    args = mlp.Args(num_epochs=1, batch_size=64, learning_rate=0.1, layer_sizes=[784, 3], augmentation=[name])
    targets = torch.arange(64) % 3
    found = []
    for _ in range(2):
        torch.manual_seed(5)
        found.append(augmenter(args, INFO, 1)(images(), targets))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    plain = scale_pixels(Split(images(), targets), INFO, args).inputs
    assert found[0][0].shape == plain.shape and found[0][0].dtype == torch.float32
    assert not torch.equal(found[0][0], plain)


@pytest.mark.parametrize("name", ["autoaugment", "augmix"])
def test_a_policy_is_drawn_anew_for_a_few_images(name):
    torch.manual_seed(5)
    alike = images(1).expand(64, 1, 28, 28)
    after = augment_pixels(alike, [name], draws())
    assert after.dtype == torch.uint8 and name in OF_PIXELS
    assert len({image.numpy().tobytes() for image in after}) > 3
