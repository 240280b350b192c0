"""Small colour pictures as tensors: emoji of two designers, and CIFAR-10 in its binary format."""

import json
import tarfile
import zlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from pydantic import AfterValidator, Field
from torch import Tensor
from torch.nn import functional

from stages.colour_pictures.data import Pictures, write_pictures
from stages.core.data import RAW, Split, split_randomly
from stages.core.errors import UserError
from stages.core.schema import Strict, distinct
from stages.image_classification.prepare import pixel_statistics

SIZE, CHANNELS = 32, 3
CELL, MARGIN = 64, 1  # pixels of an emoji in its sheet, and of the gap around it
JOINERS = {"200D", "FE0F"}  # code points that join others, or ask for a picture in place of a letter
# A man, a woman, a person; the signs of the two sexes; an arrow to the right: what variants of an emoji differ by.
VARIANTS = {"1F468", "1F469", "1F9D1", "2642", "2640", "27A1"}


def _distinct_values(classes: dict[str, str]) -> dict[str, str]:
    distinct(list(classes.values()))
    return classes


class Emoji(Strict):
    """Emoji of two designers by their Unicode category: the first one's in all splits, the other's in a further test.

    Inputs are uint8 of shape (n, 3, SIZE, SIZE), targets int64 of shape (n,). An emoji, with its variants, is on one
    side of the split whoever draws it. `info` keeps the pixel mean and standard deviation of the training split, over
    all channels, on the scale from 0 to 1, `background`, and `test_ids`, the names of the test split's emoji.

    Attributes:
        raw: data set of the designer to train on.
        other_designer: data set of the designer whose test emoji are scored too.
        classes: the name of each class, and its category in emoji.json; other categories are left out.
        validation: share of the emoji that settings are chosen on.
        test: share of the emoji that are tested.
        background: grey value, from black to white, that transparent pixels let through.
        seed: of the split.
    """

    raw: str
    other_designer: str
    classes: Annotated[dict[str, str], Field(min_length=2), AfterValidator(_distinct_values)]
    validation: float = Field(gt=0, lt=0.5)
    test: float = Field(gt=0, lt=0.5)
    background: int = Field(ge=0, le=255)
    seed: int = Field(ge=0)

    has_validation: ClassVar[bool] = True
    shape: ClassVar[tuple[int, int, int]] = (CHANNELS, SIZE, SIZE)

    def make(self, folder: Path, where: str) -> None:
        """Write the emoji that both designers have into `folder`.

        Raises:
            UserError: a file is missing or damaged, a category has no emoji, or none is left to choose on.
        """
        write_pictures(folder, self.read(RAW / self.raw, RAW / self.other_designer, where))

    def read(self, own: Path, other: Path, where: str) -> Pictures:
        """Return the emoji of two folders; raises as `make` does."""
        names = {category: name for name, category in self.classes.items()}
        theirs = {one.unified: one for one in read_emoji(other)}
        emoji = [one for one in read_emoji(own) if one.category in names and one.unified in theirs]
        for category in names:
            if not any(one.category == category for one in emoji):
                found = sorted({one.category for one in theirs.values()})
                raise UserError(f"{where}.classes: no emoji is of '{category}'; must be of {', '.join(found)}")
        targets = torch.tensor([list(names).index(one.category) for one in emoji])
        pictures = read_pictures(own / "sheet.png", emoji, self.background)
        parts = self._split([base_of(one.unified) for one in emoji])
        if not parts["validation"]:
            raise UserError(f"{where}.validation = {self.validation}: is less than one of {len(emoji)} emoji")
        splits = {name: Split(pictures[part], targets[part]) for name, part in parts.items()}
        tested = [emoji[index] for index in parts["test"]]
        others = read_pictures(other / "sheet.png", [theirs[one.unified] for one in tested], self.background)
        info = information(list(self.classes), splits["train"].inputs)
        info |= {"background": self.background, "test_ids": [one.name for one in tested]}
        return Pictures(
            splits["train"], splits["validation"], splits["test"], info, Split(others, splits["test"].targets)
        )

    def _split(self, bases: list[str]) -> dict[str, list[int]]:
        """Return the places of the emoji of each split, in random order, where emoji of the same base stay together."""
        kinds = list(dict.fromkeys(bases))
        order = torch.randperm(len(kinds), generator=torch.Generator().manual_seed(self.seed)).tolist()
        rank = {kinds[index]: place / len(kinds) for place, index in enumerate(order)}
        places = sorted(range(len(bases)), key=lambda index: rank[bases[index]])
        limits = {"test": (0, self.test), "validation": (self.test, self.test + self.validation)}
        limits["train"] = (self.test + self.validation, 1)
        return {
            name: [index for index in places if low <= rank[bases[index]] < high]
            for name, (low, high) in limits.items()
        }


class Cifar10(Strict):
    """CIFAR-10 as its authors divide it (Krizhevsky 2009); `num_validation` of the 50,000 training images are held out.

    Inputs are uint8 of shape (n, 3, 32, 32), targets int64 of shape (n,); `info` as of `Emoji`, without `test_ids`.
    """

    raw: str
    num_validation: int = Field(ge=1)
    seed: int = Field(ge=0)

    has_validation: ClassVar[bool] = True
    shape: ClassVar[tuple[int, int, int]] = (CHANNELS, SIZE, SIZE)
    classes: ClassVar[list[str]] = [
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ]

    def make(self, folder: Path, where: str) -> None:
        """Write the images of the authors' archive into `folder`.

        Raises:
            UserError: the archive is missing or damaged, or more images are held out than there are.
        """
        write_pictures(folder, self.read(RAW / self.raw / "cifar-10-binary.tar.gz", where))

    def read(self, archive: Path, where: str) -> Pictures:
        """Return the images of an archive; raises as `make` does."""
        batches = read_cifar10(archive)
        test = batches.pop("test_batch")
        inputs, targets = (torch.cat(tensors) for tensors in zip(*batches.values(), strict=True))
        num_train = len(inputs) - self.num_validation
        if num_train < 1:
            raise UserError(
                f"{where}.num_validation = {self.num_validation}: must be below the {len(inputs)} training images"
            )
        sizes = {"train": num_train, "validation": self.num_validation}
        splits = split_randomly(inputs, targets, sizes, self.seed)
        return Pictures(splits["train"], splits["validation"], test, information(self.classes, splits["train"].inputs))


RECIPES = {"emoji": Emoji, "cifar10": Cifar10}


class OneEmoji(NamedTuple):
    """An emoji: its name, category and code points as emoji.json says them, and its place in the sheet, from 0."""

    name: str
    category: str
    unified: str
    column: int
    row: int


def read_emoji(folder: Path) -> list[OneEmoji]:
    """Return the emoji that emoji.json of a folder lists, in its order.

    Raises:
        UserError: the file is missing, or is not emoji-data's.
    """
    path = folder / "emoji.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        keys = ("short_name", "category", "unified", "sheet_x", "sheet_y")
        return [OneEmoji(*(entry[key] for key in keys)) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: cannot be read as a list of emoji: {error!r}") from error


def read_pictures(sheet: Path, emoji: list[OneEmoji], background: int) -> Tensor:
    """Return the pictures of `emoji` from their sheet, uint8 (emoji, 3, SIZE, SIZE).

    Each is laid over a grey `background`, then resized by the mean of the area that becomes a pixel.

    Raises:
        UserError: the file is missing, is no picture, or ends before the last emoji.
    """
    try:
        with Image.open(sheet) as file:
            pixels = torch.from_numpy(np.array(file.convert("RGBA")))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise UserError(f"{sheet}: cannot be read as a picture: {error}") from error
    pitch = CELL + 2 * MARGIN
    places = [(one.row * pitch + MARGIN, one.column * pitch + MARGIN) for one in emoji]
    if max(top + CELL for top, _ in places) > len(pixels) or max(left + CELL for _, left in places) > pixels.shape[1]:
        raise UserError(f"{sheet}: is {pixels.shape[1]} by {len(pixels)} pixels, too small for its {len(emoji)} emoji")
    cells = torch.stack([pixels[top : top + CELL, left : left + CELL] for top, left in places])
    values = cells.permute(0, 3, 1, 2).double()  # (emoji, 4, CELL, CELL)
    alpha = values[:, 3:] / 255
    blended = alpha * values[:, :3] + (1 - alpha) * background
    return functional.adaptive_avg_pool2d(blended, SIZE).round().to(torch.uint8)


def base_of(unified: str) -> str:
    """Return the code points that an emoji shares with its variants by sex or direction; all if nothing else is left.

    So "1F468-200D-1F4BB" and "1F469-200D-1F4BB", a man and a woman at a computer, have the same base, "1F4BB".
    """
    points = [point for point in unified.split("-") if point not in JOINERS]
    return "-".join([point for point in points if point not in VARIANTS] or points)


def read_cifar10(archive: Path) -> dict[str, Split]:
    """Return the batches of CIFAR-10's binary version by name: images uint8 (n, 3, 32, 32), classes int64 (n,).

    A record is a byte with the class, then the red, green and blue values of the rows (the authors' page, "binary
    version").

    Raises:
        UserError: the archive is missing, damaged, or not this one.
    """
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    batches = {}
    try:
        with tarfile.open(archive) as opened:
            for name in names:
                member = opened.extractfile(f"cifar-10-batches-bin/{name}.bin")
                content = b"" if member is None else member.read()  # of a link or folder
                records = np.frombuffer(content, np.uint8).reshape(-1, 1 + CHANNELS * SIZE**2)
                images = torch.from_numpy(records[:, 1:].reshape(-1, CHANNELS, SIZE, SIZE).copy())
                batches[name] = Split(images, torch.from_numpy(records[:, 0].astype(np.int64)))
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError, ValueError) as error:
        raise UserError(f"{archive}: cannot be read as CIFAR-10 in its binary version: {error}") from error
    return batches


def information(classes: list[str], training: Tensor) -> dict[str, Any]:
    """Return what networks and figures must know of the pictures."""
    return {"task": "multiclass", "classes": classes, "channels": CHANNELS, "size": SIZE, **pixel_statistics(training)}
