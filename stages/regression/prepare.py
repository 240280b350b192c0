"""Data of the small experiments: drawn at random by a stated rule, or read from a CSV file.

Each class is the type of an entry under `data` in stages/regression/params.yaml; its `read()` returns the prepared
data, with `info["task"]` one of `regression`, `binary` and `multiclass`.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from stages.core.data import RAW, Data, Split, split_randomly, write_data
from stages.core.errors import UserError
from stages.core.schema import Strict

Count = Annotated[int, Field(ge=1)]


class Recipe(Strict):
    """A data set of two or three splits."""

    has_validation: ClassVar[bool] = False

    def make(self, folder: Path, where: str) -> None:
        """Write the data into `folder`.

        Raises:
            UserError: see `read`.
        """
        write_data(folder, self.read())


class Drawn(Recipe):
    """Data drawn from a random generator with its own seed, the same for every run."""

    num_train: Count
    num_test: Count
    seed: int = Field(ge=0)

    def generator(self) -> torch.Generator:
        """Return the generator that every draw comes from."""
        return torch.Generator().manual_seed(self.seed)

    def divide(self, inputs: Tensor, targets: Tensor, info: dict) -> Data:
        """Return the first `num_train` examples as the training split, the rest as the test split."""
        cut = self.num_train
        return Data(Split(inputs[:cut], targets[:cut]), None, Split(inputs[cut:], targets[cut:]), info)


class Linear(Drawn):
    """y = w x + b + noise with standard normal x (document 002, section 1): inputs (n, features), targets (n, 1)."""

    rule: Literal["linear"]
    weights: list[float] = Field(min_length=1)
    bias: float
    noise: float = Field(ge=0, description="standard deviation")

    def read(self) -> Data:
        """Draw the data."""
        draws, count = self.generator(), self.num_train + self.num_test
        inputs = torch.randn(count, len(self.weights), generator=draws)
        exact = inputs @ torch.tensor(self.weights)[:, None] + self.bias
        targets = exact + self.noise * torch.randn(count, 1, generator=draws)
        truth = {f"weight_{i}": weight for i, weight in enumerate(self.weights, 1)} | {"bias": self.bias}
        return self.divide(inputs, targets, {"task": "regression", "truth": truth})


class Polynomial(Drawn):
    """y = w_1 x + w_2 x^2 + … + b + noise with x uniform in [-1, 1] (document 004, section 1.2.2): (n, 1), (n, 1)."""

    rule: Literal["polynomial"]
    weights: list[float] = Field(min_length=1)
    bias: float
    noise: float = Field(ge=0, description="standard deviation")

    def read(self) -> Data:
        """Draw the data."""
        draws, count = self.generator(), self.num_train + self.num_test
        inputs = 2 * torch.rand(count, 1, generator=draws) - 1
        powers = torch.cat([inputs**power for power in range(1, len(self.weights) + 1)], dim=1)
        exact = powers @ torch.tensor(self.weights)[:, None] + self.bias
        targets = exact + self.noise * torch.randn(count, 1, generator=draws)
        truth = {f"weight_{i}": weight for i, weight in enumerate(self.weights, 1)} | {"bias": self.bias}
        return self.divide(inputs, targets, {"task": "regression", "truth": truth})


class TwoClouds(Drawn):
    """Two normal clouds in the plane, unit variance, means `distance` apart (document 004, section 1.3.1).

    Inputs (n, 2); targets (n, 1), 0 or 1 with equal chance. No classifier beats the accuracy
    Phi(distance / 2), kept as `best_possible_accuracy`.
    """

    rule: Literal["two_clouds"]
    distance: float = Field(gt=0)

    def read(self) -> Data:
        """Draw the data."""
        draws, count = self.generator(), self.num_train + self.num_test
        targets = torch.randint(2, (count, 1), generator=draws).float()
        direction = torch.full((2,), 0.5**0.5)
        inputs = torch.randn(count, 2, generator=draws) + (targets - 0.5) * self.distance * direction
        best = 0.5 * (1 + torch.erf(torch.tensor(self.distance / 2 / 2**0.5, dtype=torch.float64))).item()
        info = {"task": "binary", "classes": ["0", "1"], "best_possible_accuracy": best}
        return self.divide(inputs, targets, info)


class RandomPairs(Drawn):
    """Standard normal inputs and targets that are independent of each other (document 003, item 4).

    Nothing but memorisation is possible: inputs (n, num_inputs), targets (n, num_outputs).
    """

    rule: Literal["random_pairs"]
    num_inputs: Count
    num_outputs: Count

    def read(self) -> Data:
        """Draw the data."""
        draws, count = self.generator(), self.num_train + self.num_test
        inputs = torch.randn(count, self.num_inputs, generator=draws)
        targets = torch.randn(count, self.num_outputs, generator=draws)
        return self.divide(inputs, targets, {"task": "regression"})


class FizzBuzz(Recipe):
    """The game of document 003, item 5: the binary digits of a number, and which of four words is said.

    Trained on `first_train` … 2**num_digits - 1, tested on 1 … first_train - 1. Inputs (n, num_digits)
    of 0 and 1, least significant first; targets (n,) int64.
    """

    rule: Literal["fizzbuzz"]
    num_digits: int = Field(ge=1, le=20)
    first_train: int = Field(ge=2)

    def read(self) -> Data:
        """List the numbers.

        Raises:
            UserError: no number is left for training.
        """
        end = 2**self.num_digits
        if self.first_train >= end:
            raise UserError(f"first_train = {self.first_train} must be below 2**num_digits = {end}")
        numbers = torch.arange(1, end)
        digits = ((numbers[:, None] >> torch.arange(self.num_digits)) & 1).float()
        words = (numbers % 3 == 0).long() + 2 * (numbers % 5 == 0).long()
        cut = self.first_train - 1
        train, test = Split(digits[cut:], words[cut:]), Split(digits[:cut], words[:cut])
        return Data(train, None, test, {"task": "multiclass", "classes": ["number", "fizz", "buzz", "fizzbuzz"]})


class Csv(Recipe):
    """A table read by pandas (document 004, section 1.1.2): a head line, then inputs and, last, a class 0 or 1.

    Inputs (n, columns) are standardised with the training split's
    mean and standard deviation; targets (n, 1).
    """

    raw: str
    file: str
    classes: list[str] = Field(min_length=2, max_length=2)
    num_train: Count
    num_validation: Count
    num_test: Count
    seed: int = Field(ge=0)

    has_validation: ClassVar[bool] = True

    def read(self) -> Data:
        """Read `file` of data set `raw`, divide it at random and standardise.

        Raises:
            UserError: a cell is not a number, a class is not 0 or 1, or the sizes do not add up.
        """
        import pandas as pd  # takes its time, and drawn data do without

        path = RAW / self.raw / self.file
        try:
            table = pd.read_csv(path, header=None, skiprows=1).apply(pd.to_numeric)
        except (OSError, ValueError) as error:
            raise UserError(f"{path}: cannot be read as a table of numbers: {error}") from error
        values = torch.tensor(table.to_numpy(dtype="float64"))
        inputs, targets = values[:, :-1], values[:, -1:].float()
        if not inputs.isfinite().all() or not ((targets == 0) | (targets == 1)).all():
            raise UserError(f"{path}: every cell must hold a number, and the last column 0 or 1")
        sizes = {"train": self.num_train, "validation": self.num_validation, "test": self.num_test}
        splits = split_randomly(inputs, targets, sizes, self.seed)
        mean, deviation = splits["train"].inputs.mean(0), splits["train"].inputs.std(0)
        scaled = {name: Split(((x - mean) / deviation).float(), y) for name, (x, y) in splits.items()}
        return Data(scaled["train"], scaled["validation"], scaled["test"], {"task": "binary", "classes": self.classes})


RECIPES = {
    "drawn": Annotated[Linear | Polynomial | TwoClouds | RandomPairs | FizzBuzz, Field(discriminator="rule")],
    "csv": Csv,
}
