"""How one data set is made: its entry under `prepare` or `generate` in params.yaml."""

from typing import Any

from stages.core.errors import UserError
from stages.core.run import PARAMS, choose, family_module, family_names, one_of
from stages.core.schema import read_yaml, validate


def load_recipe(name: str, params: dict[str, Any] | None = None) -> tuple[str, Any]:
    """Return the name of the raw data set (empty if drawn at random) and the family's `Recipe` for data set `name`.

    Raises:
        UserError: there is no such data set, or its recipe is wrong.
    """
    params = read_yaml(PARAMS) if params is None else params
    section = "prepare" if name in (params.get("prepare") or {}) else "generate"
    entry = choose(params.get(section) or {}, name, f"{PARAMS}: {section}")
    where = f"{PARAMS}: {section}.{name}"
    family = one_of(entry.get("family"), family_names(), f"{where}.family")
    module = family_module(family, "data")
    if not hasattr(module, "Recipe"):
        raise UserError(f"{where}.family = {family!r}: its data are made under `subsample` or `cooccur`")
    recipe = validate(module.Recipe, entry.get("recipe"), f"{where}.recipe")
    return entry.get("raw", ""), recipe
