"""Emoji of two designers from small sheets, and CIFAR-10 from a small archive in its binary format."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from stages.colour_pictures.data import load
from stages.colour_pictures.prepare import CELL, MARGIN, SIZE, Cifar10, Emoji, OneEmoji, base_of, read_pictures
from stages.core.errors import UserError
from stages.core.schema import validate

PITCH, COLUMNS, COUNT = CELL + 2 * MARGIN, 8, 40
SHAPES, BEASTS = "Symbols", "Animals & Nature"
VALUES = {
    "raw": "own",
    "other_designer": "other",
    "classes": {"shapes": SHAPES, "beasts": BEASTS},
    "validation": 0.2,
    "test": 0.3,
    "background": 255,
    "seed": 0,
}


def code(number: int) -> str:
    """Return the code points of the emoji of a number: every fourth is a woman's variant of the one before."""
    return f"1F469-200D-{number - 1:05X}" if number % 4 == 3 else f"{number:05X}"


def write_designer(folder: Path, red: int, left_out: int | None = None) -> Path:
    """Write a sheet and a list of emoji whose green says which they are, half of them opaque, on a dirty margin."""
    folder.mkdir()
    sheet = np.full((COUNT // COLUMNS * PITCH, COLUMNS * PITCH, 4), 99, dtype=np.uint8)
    entries = []
    for number in range(COUNT):
        row, column = divmod(number, COLUMNS)
        top, left = row * PITCH + MARGIN, column * PITCH + MARGIN
        sheet[top : top + CELL, left : left + CELL] = [red, number, 0, 255]
        sheet[top + CELL // 2 : top + CELL, left : left + CELL, 3] = 0
        category = ("Flags", SHAPES, BEASTS)[number % 3]
        entry = {"short_name": f"emoji_{number}", "category": category, "unified": code(number)}
        if number != left_out:
            entries.append(entry | {"sheet_x": column, "sheet_y": row})
    Image.fromarray(sheet).save(folder / "sheet.png")
    (folder / "emoji.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def designers(tmp_path: Path) -> tuple[Path, Path]:
    return write_designer(tmp_path / "own", 10), write_designer(tmp_path / "other", 200, left_out=1)


def read(designers: tuple[Path, Path], **values):
    return validate(Emoji, VALUES | values, "w").read(*designers, "w")


def numbers(images: torch.Tensor) -> list[int]:
    """Return which emoji the images are of, by their green."""
    return images[:, 1, 0, 0].tolist()


def test_a_picture_is_laid_over_the_background_and_averaged_by_area(tmp_path):
    """Of noise, against the mean over blocks of 2 by 2 of colours that were weighted by hand."""
    cell = np.random.default_rng(0).integers(256, size=(CELL, CELL, 4), dtype=np.uint8)
    sheet = np.zeros((PITCH, 2 * PITCH, 4), dtype=np.uint8)
    sheet[MARGIN:-MARGIN, PITCH + MARGIN : -MARGIN] = cell
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    one = OneEmoji("one", SHAPES, "1F600", column=1, row=0)
    for background in (255, 128):
        found = read_pictures(tmp_path / "sheet.png", [one], background)
        alpha = cell[..., 3:] / 255
        blended = alpha * cell[..., :3] + (1 - alpha) * background
        expected = blended.reshape(SIZE, 2, SIZE, 2, 3).mean((1, 3)).transpose(2, 0, 1)
        assert (found.shape, found.dtype) == ((1, 3, SIZE, SIZE), torch.uint8)
        assert np.abs(found[0].numpy() - expected).max() <= 0.5 + 1e-9


def test_pictures_come_from_their_cells_and_transparent_halves_show_the_background(designers):
    data = read(designers)
    for split, red in ((data.train, 10), (data.validation, 10), (data.test, 10), (data.other_designer, 200)):
        assert (split.inputs[:, 0, : SIZE // 2] == red).all() and (split.inputs[:, :, SIZE // 2 :] == 255).all()
        assert split.targets.tolist() == [number % 3 - 1 for number in numbers(split.inputs)]


def test_every_emoji_of_both_designers_is_in_one_split_and_its_variants_with_it(designers):
    data = read(designers)
    splits = [numbers(split.inputs) for split in (data.train, data.validation, data.test)]
    chosen = [number for number in range(COUNT) if number % 3 and number != 1]  # the other designer has no emoji_1
    assert sorted(number for split in splits for number in split) == chosen
    assert all(len(split) > 2 for split in splits)
    side = {number: index for index, split in enumerate(splits) for number in split}
    pairs = [number for number in chosen if number % 4 == 3 and number - 1 in side]
    assert len(pairs) >= 3 and all(side[number] == side[number - 1] for number in pairs)


def test_the_other_designers_pictures_are_of_the_test_emoji_in_their_order(designers):
    data = read(designers)
    assert numbers(data.other_designer.inputs) == numbers(data.test.inputs)
    assert data.info["test_ids"] == [f"emoji_{number}" for number in numbers(data.test.inputs)]
    assert torch.equal(data.other_designer.targets, data.test.targets)


def test_the_seed_decides_the_split(designers):
    first, again, other = (numbers(read(designers, seed=seed).test.inputs) for seed in (0, 0, 1))
    assert first == again != other


def test_statistics_are_of_the_training_split(designers):
    data = read(designers)
    pixels = data.train.inputs.double() / 255
    assert data.info["pixel_mean"] == pytest.approx(pixels.mean().item())
    assert data.info["pixel_sd"] == pytest.approx(pixels.std().item())
    assert (data.info["channels"], data.info["size"], data.info["background"]) == (3, SIZE, 255)


@pytest.mark.parametrize(
    ("unified", "base"),
    [
        ("1F600", "1F600"),
        ("1F468-200D-1F4BB", "1F4BB"),
        ("1F469-200D-1F4BB", "1F4BB"),
        ("1F3C3-200D-2640-FE0F-200D-27A1-FE0F", "1F3C3"),
        ("1F468", "1F468"),
        ("2640-FE0F", "2640"),
        ("1F1E9-1F1EA", "1F1E9-1F1EA"),
    ],
)
def test_variants_share_their_base(unified, base):
    assert base_of(unified) == base


def test_prepared_emoji_survive_the_disk(designers, tmp_path, monkeypatch):
    monkeypatch.setattr("stages.colour_pictures.prepare.RAW", tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    recipe = validate(Emoji, VALUES, "w")
    recipe.make(out, "w")
    data, loaded = recipe.read(*designers, "w"), load(out, "cpu")
    assert loaded.info == data.info
    for name in ("train", "validation", "test", "other_designer"):
        for written, read_back in zip(getattr(data, name), getattr(loaded, name), strict=True):
            assert torch.equal(written, read_back)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"validation": 0.6}, r"w.validation = 0.6: Input should be less than 0.5"),
        ({"validation": 1e-9, "test": 0.31}, r"w.validation = 1e-09: is less than one of 25 emoji"),
        ({"background": 256}, r"w.background = 256: Input should be less than or equal to 255"),
        ({"classes": {"a": SHAPES}}, r"w.classes = \{'a': 'Symbols'\}: Dictionary should have at least 2 items"),
        ({"classes": {"a": SHAPES, "b": SHAPES}}, r"w.classes = .*: Value error, entries must differ"),
        (
            {"classes": {"a": SHAPES, "b": "Foods"}},
            r"w.classes: no emoji is of 'Foods'; must be of Animals & Nature, F",
        ),
    ],
)
def test_a_wrong_recipe_is_named(designers, values, problem):
    with pytest.raises(UserError, match=f"^{problem}"):
        read(designers, **values)


def test_a_missing_or_foreign_list_or_sheet_is_named(designers):
    own, _ = designers
    sheet, content = own / "sheet.png", (own / "sheet.png").read_bytes()
    sheet.write_bytes(content[:500])
    with pytest.raises(UserError, match=r"own/sheet.png: cannot be read as a picture"):
        read(designers)
    Image.new("RGBA", (COLUMNS * PITCH, PITCH)).save(sheet)
    with pytest.raises(UserError, match=r"own/sheet.png: is 528 by 66 pixels, too small"):
        read(designers)
    for text in ("{}x", '[{"short_name": "a"}]'):
        (own / "emoji.json").write_text(text)
        with pytest.raises(UserError, match=r"own/emoji.json: cannot be read as a list of emoji"):
            read(designers)
    (own / "emoji.json").unlink()
    with pytest.raises(UserError, match=r"own/emoji.json: cannot be read as a list of emoji"):
        read(designers)


def write_cifar10(path: Path, per_batch: int = 4) -> np.ndarray:
    """Write an archive of five training batches and one of test; return its records, uint8 (6, per_batch, 3073)."""
    records = np.random.default_rng(0).integers(256, size=(6, per_batch, 3073), dtype=np.uint8)
    records[..., 0] = np.arange(6 * per_batch).reshape(6, per_batch) % 10
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    with tarfile.open(path, "w:gz") as archive:
        for name, batch in zip(names, records, strict=True):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = batch.size
            archive.addfile(member, io.BytesIO(batch.tobytes()))
    return records


def cifar10(path: Path, num_validation: int = 5):
    return Cifar10(raw="cifar10", num_validation=num_validation, seed=0).read(path, "w")


def test_cifar10_is_read_by_its_authors_format(tmp_path):
    """A record is the class, then all of red, all of green, all of blue, each row by row."""
    records = write_cifar10(tmp_path / "c.tar.gz")
    data = cifar10(tmp_path / "c.tar.gz")
    assert data.sizes() == {"num_train": 15, "num_validation": 5, "num_test": 4}
    assert data.other_designer is None and len(data.info["classes"]) == 10
    image, record = data.test.inputs[2], records[5, 2]
    assert (image.shape, image.dtype) == ((3, 32, 32), torch.uint8)
    for channel, row, column in ((0, 0, 1), (1, 2, 3), (2, 31, 31)):
        assert image[channel, row, column] == record[1 + channel * 1024 + row * 32 + column]
    assert data.test.targets.tolist() == [0, 1, 2, 3]
    trained = torch.cat([data.train.inputs, data.validation.inputs]).flatten(1).tolist()
    assert sorted(trained) == sorted(records[:5, :, 1:].reshape(20, -1).tolist())
    known = {bytes(record[1:].tolist()): record[0] for batch in records for record in batch}
    assert all(known[bytes(x.flatten().tolist())] == y for x, y in zip(*data.train, strict=True))


def test_a_wrong_archive_or_too_many_held_out_images_are_named(tmp_path):
    path = tmp_path / "c.tar.gz"
    write_cifar10(path)
    with pytest.raises(UserError, match=r"^w.num_validation = 20: must be below the 20 training images$"):
        cifar10(path, 20)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"text"):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"c.tar.gz: cannot be read as CIFAR-10"):
            cifar10(path)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(tmp_path, "cifar-10-batches-bin", recursive=False)
    with pytest.raises(UserError, match=r"c.tar.gz: cannot be read as CIFAR-10"):
        cifar10(path)
    path.unlink()
    with pytest.raises(UserError, match=r"c.tar.gz: cannot be read as CIFAR-10"):
        cifar10(path)
