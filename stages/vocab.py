"""Pipeline step: choose the words of a corpus that count, by torchtext."""

from collections import Counter, OrderedDict

import numpy as np
import torchtext

from stages.core.errors import UserError
from stages.core.run import PARAMS
from stages.core.vocabulary import UNKNOWN, Vocabulary
from stages.texts.corpus import VOCABULARIES
from stages.texts.recipes import Vocab, load_text_recipe, part_size
from stages.texts.tokens import TOKENS, read_tokens

torchtext.disable_torchtext_deprecation_warning()
from torchtext.vocab import vocab as build_vocabulary  # noqa: E402  warns when it is imported


def vocab(name: str) -> None:
    """Write data/vocabularies/<name>.json.

    Raises:
        UserError: the entry is wrong, its text is not tokenized, or fewer than two words remain.
    """
    recipe: Vocab = load_text_recipe("vocab", name)
    words, ids = read_tokens(TOKENS / recipe.tokens)
    counted_part = ids if recipe.first is None else ids[: part_size(recipe.first, len(ids))]
    counted = np.bincount(counted_part, minlength=len(words))
    counts = Counter({word: count for word, count in zip(words, counted.tolist(), strict=True) if count})
    vocabulary = choose_words(counts, recipe)
    if len(vocabulary) - len(recipe.specials) < 2:
        found = len(vocabulary) - len(recipe.specials)
        raise UserError(
            f"{PARAMS}: vocab.{name}: {found} words occur min_count = {recipe.min_count} times: it needs two"
        )
    vocabulary.save(VOCABULARIES / f"{name}.json")
    print(f"{VOCABULARIES / name}.json: {len(vocabulary):,} of {len(counts):,} words")


def choose_words(counts: Counter[str], recipe: Vocab) -> Vocabulary:
    """Return the words that the recipe admits, the most frequent first, words of equal counts by the alphabet.

    `<unk>`, where it is among the special words, counts all others together.
    """
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: recipe.max_size]
    built = build_vocabulary(OrderedDict(ranked), min_freq=recipe.min_count, specials=recipe.specials)
    words = built.get_itos()
    kept = {word: counts[word] for word in words}
    if UNKNOWN in recipe.specials:
        kept[UNKNOWN] = counts.total() - sum(kept.values())
    return Vocabulary(words, [kept[word] for word in words])
