"""Prepare one data set of a family: fetched or tokenized texts and images, or a rule to draw from, become tensors."""

from typing import Any

from stages.core.data import PREPARED
from stages.core.family import family_module
from stages.core.files import atomic_folder
from stages.core.run import FamilyParams, choose, family_file, load_family, one_of, split_name
from stages.core.schema import validate


def prepare(name: str) -> None:
    """Write data/prepared/<name>, of a full name `family/name`.

    Raises:
        UserError: there is no such data set, its recipe is wrong, or what it is made of is missing or damaged.
    """
    family, key = split_name(name)
    recipes, where = load_recipes(family)
    recipe = choose(recipes, key, f"{family_file(family)}: data")
    with atomic_folder(PREPARED / name) as folder:
        recipe.make(folder, where[key])


def load_recipes(family: str, params: FamilyParams | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the recipes of a family by name, checked, and where each stands, for messages.

    Raises:
        UserError: a kind is unknown, a recipe wrong, or two have the same name.
    """
    path = family_file(family)
    types = family_module(family, "prepare").RECIPES
    recipes: dict[str, Any] = {}
    where: dict[str, str] = {}
    for kind, entries in (load_family(family) if params is None else params).data.items():
        one_of(kind, list(types), f"{path}: data")
        for name, entry in entries.items():
            one_of(name, [name] if name not in recipes else [], f"{path}: data.{kind}: a name used twice")
            where[name] = f"{path}: data.{kind}.{name}"
            recipes[name] = validate(types[kind], entry, where[name])
    return recipes, where
