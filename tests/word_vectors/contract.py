"""What the generic tests need of this family: small data, a shortened run, and mistakes to plant."""

from dataclasses import replace
from unittest.mock import patch

import torch
from torch import Tensor

from stages.core.run import Run
from stages.core.vocabulary import Vocabulary
from stages.word_vectors import skip_gram
from stages.word_vectors import train as windows
from stages.word_vectors.data import Corpus, TextData
from stages.word_vectors.subsampling import keep_probability
from tests.planted import Planted, Planting, learning_rate_ten_times_too_high, nothing
from tests.word_vectors.small import small_cooccurrences, small_corpus


def small_data(run: Run) -> TextData:
    """Return a text of a few topics, thinned out where the row's is, or the counts of its co-occurrences."""
    if run.model == "glove":
        return small_cooccurrences()
    return small_corpus(threshold=1.0 if "whole" in run.data else 0.005)


def shortened(run: Run) -> Run:
    """Return the run with two epochs."""
    return replace(run, args=run.args.model_copy(update={"num_epochs": 2}))


def shuffled_words(run: Run, data: Corpus) -> Planting:
    """Shuffle a quarter of the text's words."""
    draws = torch.Generator().manual_seed(0)
    tokens = data.tokens.clone()
    chosen = torch.randperm(len(tokens), generator=draws)[: len(tokens) // 4]
    tokens[chosen] = tokens[chosen[torch.randperm(len(chosen), generator=draws)]]
    return nothing(run, replace(data, tokens=tokens))


def subsampling_forgotten(run: Run, data: Corpus) -> Planting:
    """Keep every occurrence of frequent words."""
    return nothing(run, replace(data, keep_probability=torch.ones_like(data.keep_probability)))


def uniform_negatives(run: Run, data: Corpus) -> Planting:
    """Draw negative samples without regard to how frequent words are."""

    def draw(counts: Tensor, number: int, draws: torch.Generator) -> Tensor:
        return torch.randint(len(counts), (number,), generator=draws)

    return run, data, patch.object(windows, "draw_negatives", draw)


def words_off_by_one(run: Run, data: Corpus) -> Planting:
    """Give each vector to the next word, as happens when a special word is put in front of a vocabulary."""
    words = data.vocabulary.words
    return nothing(run, replace(data, vocabulary=Vocabulary([words[-1], *words[:-1]], data.vocabulary.counts)))


def benchmark_in_text(run: Run, data: Corpus) -> Planting:
    """Let pairs that people rated alike into the text, next to each other."""
    rated = [words for pairs in data.similarity.values() for *words, rating in pairs if rating > 6]
    found = [ids for words in rated if (ids := data.vocabulary.ids(words)) is not None]
    leak = torch.tensor(found, dtype=torch.int32).repeat(1, 6).flatten()  # each pair six times, one after the other
    return nothing(run, replace(data, tokens=torch.cat([data.tokens, leak])))


def topics() -> Corpus:
    """Return a text that changes its topic every ten words; a third of them are five frequent ones without topic.

    People find words of one topic alike, and rate with some noise.
    """
    num_topics, size, frequent, length = 20, 15, 5, 60_000
    draws = torch.Generator().manual_seed(0)
    topic = torch.randint(num_topics, (length // 10,), generator=draws).repeat_interleave(10)
    tokens = frequent + topic * size + torch.randint(size, (length,), generator=draws)
    without = torch.rand(length, generator=draws) < 0.33
    tokens[without] = torch.randint(frequent, (int(without.sum()),), generator=draws)
    counts = torch.bincount(tokens)
    vocabulary = Vocabulary([f"w{number}" for number in range(len(counts))], counts.tolist())
    keep = torch.from_numpy(keep_probability(counts.numpy(), 0.004))

    pairs = torch.randint(frequent, len(counts), (1500, 2), generator=draws)
    pairs[::2, 1] = (pairs[::2, 0] - frequent) // size * size + frequent + pairs[::2, 1] % size  # half of one topic
    alike = ((pairs - frequent) // size).diff(dim=1).flatten() == 0
    ratings = 7.0 * alike + 3 * torch.rand(len(pairs), generator=draws)
    rated = [(f"w{a}", f"w{b}", rating) for (a, b), rating in zip(pairs.tolist(), ratings.tolist(), strict=True)]
    similarity = {"wordsim353": rated[:500], "simlex999": rated[500:]}
    return Corpus(vocabulary, similarity, [], tokens.int(), keep)


ARGS = skip_gram.Args(dimensions=10, num_epochs=3, learning_rate=0.02, window=3, num_negatives=5)
PLANTED = Planted(
    Run("word_vectors/small", "word_vectors", "skip_gram", "topics", ARGS, [1], "cpu"),
    topics(),
    [
        learning_rate_ten_times_too_high,
        shuffled_words,
        subsampling_forgotten,
        uniform_negatives,
        words_off_by_one,
        benchmark_in_text,
    ],
    gains={benchmark_in_text: {"train_loss"}},
)
