"""Points around a straight line: drawn at random, or read from a CSV file with a column x and a column y."""

from pathlib import Path
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from stages.core.data import RAW, Data, Split, write_data
from stages.core.errors import UserError
from stages.core.schema import Strict

Count = Annotated[int, Field(ge=1)]


class Points(Strict):
    """Points of two splits."""

    num_train: Count
    has_validation: ClassVar[bool] = False

    def write(self, folder: Path, x: Tensor, y: Tensor, info: dict) -> None:
        """Write points, both (n, 1), of which the first `num_train` are for training."""
        cut = self.num_train
        write_data(folder, Data(Split(x[:cut], y[:cut]), None, Split(x[cut:], y[cut:]), info))


class Drawn(Points):
    """y = slope x + intercept + noise with standard normal x."""

    slope: float
    intercept: float
    noise: float = Field(ge=0, description="standard deviation")
    num_test: Count
    seed: int = Field(ge=0)

    def make(self, folder: Path, where: str) -> None:
        """Draw the points."""
        draws, count = torch.Generator().manual_seed(self.seed), self.num_train + self.num_test
        x = torch.randn(count, 1, generator=draws)
        y = self.slope * x + self.intercept + self.noise * torch.randn(count, 1, generator=draws)
        self.write(folder, x, y, {"slope": self.slope})


class Table(Points):
    """The lines of a file of a fetched data set, "x,y" each."""

    raw: str
    file: str

    def make(self, folder: Path, where: str) -> None:
        """Read the points.

        Raises:
            UserError: the file cannot be read, or has too few lines.
        """
        path = RAW / self.raw / self.file
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            points = torch.tensor([[float(number) for number in line.split(",")] for line in lines])
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read as a table of numbers: {error}") from error
        if len(points) <= self.num_train:
            raise UserError(f"{where}.num_train = {self.num_train}: {path} has {len(points)} points; some must be left")
        self.write(folder, points[:, :1], points[:, 1:], {})


class Residuals(Strict):
    """An entry of `residuals`, whose key is a row.

    Attributes:
        data: the row's.
        count: how many of the largest distances are looked at; their mean is the metric.
    """

    data: str
    count: Count


RECIPES = {"drawn": Drawn, "table": Table}
SECTIONS = {"residuals": Residuals}
