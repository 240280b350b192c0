"""Images: the IDX format and the split."""

import shutil
import struct

import pytest
import torch

from stages.core.data import RAW, load_data, write_data
from stages.core.errors import UserError
from stages.image_classification.prepare import IdxImages, pixel_statistics, read_idx

CLASSES = [str(i) for i in range(10)]


def write_idx(path, values: torch.Tensor) -> None:
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.to(torch.uint8).numpy().tobytes())


@pytest.fixture
def raw(tmp_path):
    draws = torch.Generator().manual_seed(0)
    for part, count in (("train", 20), ("t10k", 6)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", torch.randint(256, (count, 4, 5), generator=draws))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", torch.arange(count) % 10)
    return tmp_path


def recipe(num_validation: int) -> IdxImages:
    return IdxImages(raw="images", num_validation=num_validation, seed=0, classes=CLASSES)


def test_without_validation_all_training_images_stay_in_order(raw):
    data = recipe(0).read(raw)
    assert data.validation is None
    assert torch.equal(data.train.targets, torch.arange(20) % 10)
    assert data.train.inputs.shape == (20, 1, 4, 5)
    assert data.test.inputs.shape == (6, 1, 4, 5)


def test_validation_is_held_out_of_the_training_images_alone(raw):
    """Every training image is in exactly one of the two splits, no test image in either."""
    data, whole = recipe(8).read(raw), recipe(0).read(raw)
    both = torch.cat([data.train.inputs, data.validation.inputs]).flatten(1).tolist()
    assert sorted(both) == sorted(whole.train.inputs.flatten(1).tolist())
    assert len(data.validation.inputs) == 8
    assert torch.equal(data.test.inputs, whole.test.inputs)


def test_pixel_statistics_come_from_the_training_split_only(raw):
    data = recipe(8).read(raw)
    pixels = data.train.inputs.double() / 255
    assert data.info["pixel_mean"] == pytest.approx(pixels.mean().item(), rel=1e-12)
    assert data.info["pixel_sd"] == pytest.approx(pixels.std().item(), rel=1e-12)


def test_pixel_statistics_do_not_depend_on_the_number_of_threads():
    """Tensor.std of as many images has other last digits with two threads than with one."""
    images = torch.randint(256, (5000, 1, 10, 10), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    statistics = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        statistics.append(pixel_statistics(images))
    torch.set_num_threads(1)
    assert statistics[0] == statistics[1]


def test_prepared_data_survive_the_disk(raw, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(raw, RAW / "images", ignore=shutil.ignore_patterns("data"))
    data, out = recipe(8).read(raw), tmp_path / "out"
    out.mkdir()
    recipe(8).make(out, "")
    loaded = load_data(out)
    assert torch.equal(loaded.train.inputs, data.train.inputs)
    assert torch.equal(loaded.validation.targets, data.validation.targets)
    assert loaded.info == data.info


def test_damaged_prepared_data_are_named(raw, tmp_path):
    write_data(tmp_path, recipe(0).read(raw))
    path = tmp_path / "test.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"test.safetensors is missing or damaged"):
        load_data(tmp_path)


def test_truncated_or_foreign_idx_is_refused(tmp_path):
    path = tmp_path / "images"
    write_idx(path, torch.zeros(3, 4, 5))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="truncated"):
        read_idx(path)
    path.write_bytes(b"PNG")
    with pytest.raises(UserError, match="IDX"):
        read_idx(path)


def test_more_validation_than_there_are_images_is_refused(raw):
    with pytest.raises(UserError, match="num_validation = 20 must be below the 20"):
        recipe(20).read(raw)
