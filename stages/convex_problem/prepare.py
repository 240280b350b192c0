"""A table read from a file, as the small experiments read it."""

from typing import Any

from stages.regression.prepare import Csv

RECIPES: dict[str, Any] = {"csv": Csv}
