"""Images as tensors: read from IDX files, split once; a run scales them."""

import math
import struct
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from stages.core.data import RAW, Data, Split, split_randomly, write_data
from stages.core.errors import UserError
from stages.core.schema import Strict


class IdxImages(Strict):
    """Fashion-MNIST as its authors divide it; `num_validation` images of the training set are held out.

    With 0 the whole training set is trained on, as in document 002. Inputs are uint8 of shape
    (n, 1, 28, 28), targets int64 of shape (n,). `info` keeps the training split's pixel mean and
    standard deviation, on the scale from 0 to 1.
    """

    raw: str
    num_validation: int = Field(ge=0)
    seed: int = Field(ge=0)
    classes: list[str] = Field(min_length=2)

    @property
    def has_validation(self) -> bool:
        """Whether runs on this data can watch a validation loss."""
        return self.num_validation > 0

    def make(self, folder: Path, where: str) -> None:
        """Write the images of the four IDX files of data set `raw` into `folder`.

        Raises:
            UserError: a file is missing or is no IDX file, or more images are held out than there are.
        """
        write_data(folder, self.read(RAW / self.raw))

    def read(self, raw: Path) -> Data:
        """Return the images of the folder `raw`; raises as `make` does."""
        inputs = read_idx(raw / "train-images-idx3-ubyte")[:, None]
        targets = read_idx(raw / "train-labels-idx1-ubyte").long()
        num_train = len(inputs) - self.num_validation
        if num_train < 1:
            raise UserError(f"num_validation = {self.num_validation} must be below the {len(inputs)} training images")
        if self.has_validation:
            sizes = {"train": num_train, "validation": self.num_validation}
            splits = split_randomly(inputs, targets, sizes, self.seed)
        else:
            splits = {"train": Split(inputs, targets)}
        test = Split(read_idx(raw / "t10k-images-idx3-ubyte")[:, None], read_idx(raw / "t10k-labels-idx1-ubyte").long())
        info = {"task": "multiclass", "classes": self.classes} | pixel_statistics(splits["train"].inputs)
        return Data(splits["train"], splits.get("validation"), test, info)


RECIPES = {"idx_images": IdxImages}


def pixel_statistics(images: Tensor) -> dict[str, float]:
    """Return mean and standard deviation of bytes, scaled to the range from 0 to 1: `pixel_mean` and `pixel_sd`.

    From exact sums of whole numbers, because the last digits of `Tensor.std` depend on the number of threads.
    """
    counts = torch.bincount(images.flatten(), minlength=256).tolist()
    n = sum(counts)
    total, squares = (sum(count * value**power for value, count in enumerate(counts)) for power in (1, 2))
    return {
        "pixel_mean": total / (255 * n),
        "pixel_sd": math.sqrt((n * squares - total**2) / (n * (n - 1))) / 255,
    }


def read_idx(path: Path) -> Tensor:
    """Read an IDX file of unsigned bytes (format: LeCun's MNIST page): uint8, shape as the header says.

    Raises:
        UserError: the file is missing, truncated or of another format.
    """
    try:
        content = path.read_bytes()
        zeros, kind, ndim = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{ndim}I", content[4 : 4 + 4 * ndim])
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * ndim)
    except (OSError, struct.error, ValueError) as error:
        raise UserError(f"{path}: cannot be read as an IDX file: {error}") from error
    if zeros != 0 or kind != 8 or len(values) != np.prod(shape):
        raise UserError(f"{path}: not an IDX file of {shape} unsigned bytes, or truncated")
    return torch.from_numpy(values.copy()).reshape(shape)
