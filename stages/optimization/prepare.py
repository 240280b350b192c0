"""Where descent starts on a known function."""

from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator

from stages.core.data import Data, Split, write_data
from stages.core.schema import Strict
from stages.optimization.functions import PROBLEMS


class Start(Strict):
    """A function of `functions.py` and the point where descent starts."""

    function: Literal["parabola", "quadratic", "rosenbrock", "saddle"]
    start: list[float] = Field(min_length=1)
    has_validation: ClassVar[bool] = False

    @model_validator(mode="after")
    def _in_its_variables(self) -> "Start":
        if len(self.start) != (count := len(PROBLEMS[self.function].stationary)):
            raise ValueError(f"start = {self.start} must have {count} numbers, the variables of {self.function}")
        return self

    def make(self, folder: Path, where: str) -> None:
        """Write the start as the one training example, and the place where the gradient is zero as the test's."""
        write_data(folder, self.read())

    def read(self) -> Data:
        """Return both points, float64 (1, variables), and their values, float64 (1,)."""
        problem = PROBLEMS[self.function]
        points = (torch.tensor([point], dtype=torch.float64) for point in (self.start, problem.stationary))
        train, test = (Split(point, problem.function(point[0])[None]) for point in points)
        return Data(train, None, test, {"function": self.function})


RECIPES: dict[str, Any] = {"start": Start}
