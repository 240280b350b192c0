"""Colour pictures in memory, with those of another designer beside the test split."""

from dataclasses import dataclass
from pathlib import Path

from stages.core.data import Data, Split, load_data, read_tensors, write_data, write_tensors

PREPARED_BY = ""  # this family itself
_OTHER_DESIGNER = "other_designer.safetensors"


@dataclass(frozen=True)
class Pictures(Data):
    """A prepared data set; `other_designer` has the emoji of `test` as another designer draws them, if there is one."""

    other_designer: Split | None = None


def write_pictures(folder: Path, data: Pictures) -> None:
    """Write `data` into an existing folder."""
    write_data(folder, data)
    if data.other_designer is not None:
        write_tensors(folder / _OTHER_DESIGNER, data.other_designer._asdict())


def load(folder: Path, device: str) -> Pictures:
    """Read a folder written by `write_pictures` onto `device`.

    Raises:
        UserError: the folder is missing or damaged.
    """
    data, path = load_data(folder, device), folder / _OTHER_DESIGNER
    other = Split(**read_tensors(path)).to(device) if path.exists() else None
    return Pictures(data.train, data.validation, data.test, data.info, other)
