"""Pipeline step: a corpus as numbers of tokens, divided into training, validation and test."""

import numpy as np

from stages.core.data import PREPARED
from stages.core.errors import UserError
from stages.core.files import atomic_folder, write_json
from stages.core.run import PARAMS
from stages.core.vocabulary import UNKNOWN
from stages.texts.corpus import encoded_corpus
from stages.texts.recipes import Divide, load_text_recipe, part_size


def divide(name: str) -> None:
    """Write data/prepared/<name>: the tokens, the vocabulary, and where the parts begin.

    Raises:
        UserError: the entry is wrong, what it needs is missing, or a part is empty.
    """
    recipe: Divide = load_text_recipe("divide", name)
    vocabulary, tokens = encoded_corpus(recipe.vocab)
    for special in (UNKNOWN, recipe.mark):
        if special not in vocabulary.index:
            raise UserError(f"{PARAMS}: divide.{name}: '{special}' is not in the vocabulary '{recipe.vocab}'")
    train, validation = (part_size(part, len(tokens)) for part in (recipe.train, recipe.validation))
    sizes = {"num_train": train, "num_validation": validation, "num_test": len(tokens) - train - validation}
    if min(sizes.values()) < 1:
        raise UserError(
            f"{PARAMS}: divide.{name}: train = {recipe.train}, validation = {recipe.validation}: of {len(tokens):,} "
            f"tokens each part, the rest for test included, must have at least one"
        )
    with atomic_folder(PREPARED / name) as folder:
        np.save(folder / "tokens.npy", tokens)
        vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"unit": recipe.unit, "mark": recipe.mark, **sizes})
    print(f"{PREPARED / name}: {len(tokens):,} tokens, {len(vocabulary):,} different ones; {sizes}")
