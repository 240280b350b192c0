"""Images of some classes, from small IDX files."""

from pathlib import Path

import pytest
import torch

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.schema import validate
from stages.similar_clothes.prepare import SomeClasses
from tests.image_classification.test_prepare import write_idx

NUM_TRAIN, NUM_TEST = 60, 20
VALUES = {"raw": "r", "classes": {"shirt": 6, "coat": 4}, "num_validation": 5, "seed": 0}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Images whose first pixel is their place in the file and whose second pixel is their label."""
    for part, count in (("train", NUM_TRAIN), ("t10k", NUM_TEST)):
        labels = torch.arange(count) % 10
        images = torch.zeros(count, 3, 3)
        images[:, 0, 0], images[:, 0, 1] = torch.arange(count), labels
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels)
    return tmp_path


def read(raw: Path, **values) -> Data:
    return validate(SomeClasses, VALUES | values, "w").read(raw, "w")


def test_the_images_of_these_classes_alone_with_their_names(raw):
    data = read(raw)
    assert data.sizes() == {"num_train": 7, "num_validation": 5, "num_test": 4}
    assert data.info["classes"] == ["shirt", "coat"]
    for split in (data.train, data.validation, data.test):
        assert [[6, 4][target] for target in split.targets] == split.inputs[:, 0, 0, 1].tolist()
        assert split.inputs.shape[1:] == (1, 3, 3)


def test_each_image_is_in_one_split(raw):
    data = read(raw)
    places = [place for split in (data.train, data.validation) for place in split.inputs[:, 0, 0, 0].tolist()]
    assert sorted(places) == [place for place in range(NUM_TRAIN) if place % 10 in (4, 6)]


def test_a_test_image_is_called_by_its_place_in_the_file(raw):
    data = read(raw)
    assert data.info["test_ids"] == data.test.inputs[:, 0, 0, 0].tolist() == [4, 6, 14, 16]


def test_statistics_are_of_the_training_split(raw):
    data = read(raw)
    pixels = data.train.inputs.double() / 255
    assert data.info["pixel_mean"] == pytest.approx(pixels.mean().item())
    assert data.info["pixel_sd"] == pytest.approx(pixels.std().item())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"num_validation": 12}, r"w.num_validation = 12: must be below the 12 training images of these classes"),
        ({"classes": {"shirt": 6, "hat": 77}}, r"w.classes.hat = 77: must be one of 0, 1, 2"),
        ({"classes": {"shirt": 6, "hat": 6}}, r"w.classes = .*: Value error, entries must differ"),
        ({"classes": {"shirt": 6}}, r"w.classes = .*at least 2 items"),
        ({"classes": {"shirt": "6", "coat": 4}}, r"w.classes.shirt = '6': Input should be a valid integer"),
    ],
)
def test_a_wrong_recipe_is_named(raw, values, problem):
    with pytest.raises(UserError, match=f"^{problem}"):
        read(raw, **values)


def test_a_missing_file_is_named(raw):
    (raw / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte: cannot be read as an IDX file"):
        read(raw)
