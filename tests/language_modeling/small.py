"""A made-up language, for tests: sentences of a few words in which each word decides what may come next."""

import torch

from stages.core.vocabulary import UNKNOWN, Vocabulary
from stages.language_modeling.data import Predictions, Stream

EOS = "</s>"
WORDS = 30  # besides <unk> and EOS


def small_tokens(length: int, seed: int, language: int = 0) -> torch.Tensor:
    """Draw a stream: after word w one of three words that w decides, now and then EOS; int64 (length,)."""
    draws = torch.Generator().manual_seed(seed)
    follow = torch.randint(2, WORDS + 2, (WORDS + 2, 3), generator=torch.Generator().manual_seed(language))
    choices = torch.randint(3, (length,), generator=draws).tolist()
    ends = torch.rand(length, generator=draws).tolist()
    tokens, word = [], 1
    for choice, end in zip(choices, ends, strict=True):
        word = 1 if end < 0.1 else 0 if end > 0.98 else int(follow[word, choice])
        tokens.append(word)
    return torch.tensor(tokens)


def small_stream(length: int = 3000, unit: str = "word", seed: int = 0) -> Stream:
    """The language in three parts, with words "w2", "w3", … or single letters."""
    tokens = small_tokens(length, seed)
    names = [chr(ord("a") + n) if unit == "character" else f"w{n}" for n in range(2, WORDS + 2)]
    train, validation = int(0.6 * length), int(0.2 * length)
    counts = torch.bincount(tokens[:train], minlength=WORDS + 2).tolist()
    vocabulary = Vocabulary([UNKNOWN, EOS, *names], counts)
    return Stream(tokens, vocabulary, unit, EOS, train, validation, length - train - validation)


def small_predictions(seeds: tuple[int, ...] = (1, 2)) -> Predictions:
    """What two models of different merit gave 500 tokens."""
    draws = torch.Generator().manual_seed(0)
    keys = [f"{part}_{seed}" for part in ("validation", "test") for seed in seeds]
    first = {key: torch.rand(500, generator=draws).log() for key in keys}
    second = {key: (0.8 * torch.rand(500, generator=draws)).log() for key in keys}
    sizes = {"num_words": WORDS + 2, "num_train": 500, "num_validation": 500, "num_test": 500}
    return Predictions(first, second, {"first": "one", "second": "another", **sizes})
