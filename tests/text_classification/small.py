"""Texts of a few made-up words, some of which are praise and some blame, for tests."""

import torch

from stages.core.vocabulary import Vocabulary
from stages.text_classification.data import RatedTexts, Split, Texts
from stages.text_classification.prepare import Folds, splits

EOS = "</s>"
NEUTRAL = [f"thing{number}" for number in range(30)]
PRAISE, BLAME = [f"fine{number}" for number in range(8)], [f"poor{number}" for number in range(8)]
WORDS = ["<unk>", EOS, *NEUTRAL, *PRAISE, *BLAME]
FOLDS = Folds(raw="r", reader="movie_reviews", tokens="t", vocab="v", eos=EOS, num_folds=3, num_repeats=9, seed=0)


def small_texts(number: int = 96, *, vectors: bool = False, validation: float = 0.0, noise: float = 0.3) -> RatedTexts:
    """Texts of 3 to 12 words, one to three of them praise or blame, rated by their balance and a little chance."""
    draws = torch.Generator().manual_seed(0)
    index = {word: place for place, word in enumerate(WORDS)}
    strings, ratings = [], []
    for text in range(number):
        length = int(torch.randint(3, 13, (), generator=draws))
        words = [NEUTRAL[place] for place in torch.randint(len(NEUTRAL), (length,), generator=draws)]
        strong = PRAISE if text % 5 < 2 else BLAME
        for place in torch.randperm(length, generator=draws)[: 1 + text % 3].tolist():
            words[place] = strong[int(torch.randint(len(strong), (), generator=draws))]
        strings.append(" ".join(words))
        chance = noise * torch.randn((), generator=draws).item()
        ratings.append((1 if text % 5 < 2 else -1) * (1.0 + text % 3 / 2) + chance)
    tokens = torch.tensor([index[word] for text in strings for word in text.split()])
    found = torch.tensor(ratings, dtype=torch.float64)
    recipe = FOLDS.model_copy(update={"validation": validation})
    parts = splits(found > 0, recipe)
    counts = torch.bincount(tokens, minlength=len(WORDS)).tolist()
    given = {}
    if vectors:
        given["vectors"] = torch.randn(len(WORDS), 6, generator=draws)
        given["has_vector"] = torch.arange(len(WORDS)) % 5 != 0
    return RatedTexts(
        texts=Texts(tokens, torch.tensor([len(text.split()) for text in strings]), strings),
        ratings=found,
        splits={
            place: Split(*(parts[f"{part}_{place}"] for part in Split._fields))
            for place in range(1, recipe.num_folds * recipe.num_repeats + 1)
        },
        vocabulary=Vocabulary(WORDS, counts),
        num_folds=recipe.num_folds,
        eos=EOS,
        **given,
    )
