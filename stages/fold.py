"""Pipeline step: rated texts as numbers of words, divided into training, validation and test texts again and again."""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedShuffleSplit
from torch import Tensor

from stages.core.data import PREPARED, write_tensors
from stages.core.errors import UserError
from stages.core.files import atomic_folder, write_json, write_text
from stages.core.run import PARAMS
from stages.core.vocabulary import UNKNOWN
from stages.texts.corpus import encoded_corpus
from stages.texts.rated import RATED
from stages.texts.recipes import Fold, load_text_recipe


def fold(name: str) -> None:
    """Write data/prepared/<name>: the texts, as they are and as numbers, their ratings, the vocabulary and the splits.

    Raises:
        UserError: the entry is wrong, what it needs is missing, or there are fewer texts of a class than folds.
    """
    recipe: Fold = load_text_recipe("fold", name)
    where = f"{PARAMS}: fold.{name}"
    rated = list(RATED[recipe.reader](Path("data/raw") / recipe.raw))
    ratings = torch.tensor([rating for rating, _ in rated], dtype=torch.float64)
    vocabulary, stream = encoded_corpus(recipe.vocab)
    if vocabulary.words[0] != UNKNOWN or recipe.mark not in vocabulary.index:
        raise UserError(f"{where}.vocab = '{recipe.vocab}': must begin with {UNKNOWN} and have {recipe.mark}")
    tokens = torch.from_numpy(stream).long()
    ends = (tokens == vocabulary.index[recipe.mark]).nonzero()[:, 0]
    if len(ends) != len(rated):
        raise UserError(
            f"{where}: '{recipe.vocab}' has {len(ends):,} texts that end with {recipe.mark}, and {recipe.raw} has "
            f"{len(rated):,}: its corpus must be these texts alone"
        )
    rarer = min((ratings > 0).sum().item(), (ratings <= 0).sum().item())
    if rarer < recipe.num_folds:
        raise UserError(
            f"{where}.num_folds = {recipe.num_folds}: must be at most {rarer}, the texts of the rarer class"
        )
    with atomic_folder(PREPARED / name) as folder:
        lengths = ends.diff(prepend=torch.tensor([-1])) - 1
        texts = {"tokens": tokens[tokens != vocabulary.index[recipe.mark]], "lengths": lengths, "ratings": ratings}
        write_tensors(folder / "texts.safetensors", texts)
        write_tensors(folder / "splits.safetensors", splits(ratings > 0, recipe))
        write_text(folder / "texts.json", json.dumps([text for _, text in rated], ensure_ascii=False))
        vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"num_folds": recipe.num_folds, "mark": recipe.mark})
    print(f"{PREPARED / name}: {len(rated):,} texts, {rarer:,} of the smaller class, in {recipe.num_folds} folds")


def splits(positive: Tensor, recipe: Fold) -> dict[str, Tensor]:
    """Return the numbers of the texts of each part of each split: `train_1`, `validation_1`, `test_1` and so on.

    Each part has nearly the same share of positive texts. Training texts are in random order, so that the first
    thousand of them are a sample.

    Args:
        positive: bool (texts,).
        recipe: how.
    """
    labels = positive.numpy()
    folds = RepeatedStratifiedKFold(n_splits=recipe.num_folds, n_repeats=recipe.num_repeats, random_state=recipe.seed)
    parts = {}
    for number, (train, test) in enumerate(folds.split(labels, labels), 1):
        held_out = np.zeros(0, dtype=train.dtype)
        if recipe.validation:
            holding = StratifiedShuffleSplit(1, test_size=recipe.validation, random_state=recipe.seed + number)
            ((kept, held),) = holding.split(labels[train], labels[train])
            train, held_out = train[kept], train[held]
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(recipe.seed + number))
        parts[f"train_{number}"] = torch.from_numpy(train)[order]
        parts[f"validation_{number}"], parts[f"test_{number}"] = torch.from_numpy(held_out), torch.from_numpy(test)
    return parts
