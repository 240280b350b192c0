"""Prepared data sets: tensors in memory, one safetensors file a split."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.files import write_json

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
PREDICTIONS = "predictions.safetensors"  # in the folder of an evaluation


class Split(NamedTuple):
    """Examples: `inputs` of shape (examples, …) and `targets` of shape (examples, …)."""

    inputs: Tensor
    targets: Tensor

    def to(self, device: str) -> "Split":
        """Return a copy on `device`."""
        return Split(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Data:
    """A prepared data set; `info` holds what the tensors do not say (task, class names, true weights).

    `validation` is None where the whole training set is trained on, as in the documents' tables.
    """

    train: Split
    validation: Split | None
    test: Split
    info: dict[str, Any]

    def sizes(self) -> dict[str, int]:
        """Return the number of examples in each split."""
        validation = 0 if self.validation is None else len(self.validation.inputs)
        return {"num_train": len(self.train.inputs), "num_validation": validation, "num_test": len(self.test.inputs)}


def write_data(folder: Path, data: Data) -> None:
    """Write `data` into an existing folder."""
    for name, split in (("train", data.train), ("validation", data.validation), ("test", data.test)):
        if split is not None:
            write_tensors(folder / f"{name}.safetensors", split._asdict())
    write_json(folder / "info.json", data.info)


def load_data(folder: Path, device: str = "cpu") -> Data:
    """Read a folder written by `write_data` onto `device`.

    Raises:
        UserError: the folder is missing or damaged.
    """
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:
        message = f"{folder} is missing or damaged; `dvc repro` makes it again"
        raise UserError(message) from error
    paths = {name: folder / f"{name}.safetensors" for name in ("train", "validation", "test")}
    splits = {
        name: Split(**read_tensors(path)).to(device)
        for name, path in paths.items()
        if path.exists() or name != "validation"
    }
    return Data(splits["train"], splits.get("validation"), splits["test"], info)


def load_prepared(family: str, name: str, device: str = "cpu") -> Any:
    """Read the prepared data `name` of a family as the `load` of its `data.py` does.

    Raises:
        UserError: the folder is missing or damaged.
    """
    module = family_module(family, "data")
    return module.load(PREPARED / (module.PREPARED_BY or family) / name, device)


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write tensors as safetensors; a full disk raises OSError, which the atomic writers turn into one line."""
    path.write_bytes(safetensors.torch.save({k: v.contiguous().cpu() for k, v in tensors.items()}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; nothing is unpickled.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        message = f"{path} is missing or damaged ({error}); delete it, then `dvc repro` makes it again"
        raise UserError(message) from error


def split_randomly(inputs: Tensor, targets: Tensor, sizes: dict[str, int], seed: int) -> dict[str, Split]:
    """Deal examples into splits of the given sizes, drawn without replacement.

    Raises:
        UserError: the sizes do not add up to the number of examples.
    """
    if sum(sizes.values()) != len(inputs):
        raise UserError(f"split sizes {sizes} must add up to the {len(inputs)} examples there are")
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
    parts = order.split(list(sizes.values()))
    return {name: Split(inputs[part], targets[part]) for name, part in zip(sizes, parts, strict=True)}
