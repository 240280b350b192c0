"""Prepare one data set: fetched files, or a rule to draw from, become tensors divided into splits."""

from pathlib import Path

from stages.core.data import PREPARED, save_data
from stages.core.recipe import load_recipe


def prepare(name: str) -> None:
    """Write data/prepared/<name>.

    Raises:
        UserError: the recipe is wrong, or the raw files are missing or damaged.
    """
    raw, recipe = load_recipe(name)
    save_data(PREPARED / name, recipe.make(Path("data/raw") / raw))
