"""Texts of a few made-up words, for tests."""

import torch

from stages.core.vocabulary import Vocabulary
from stages.word_vectors.cooccurrence import count_cooccurrences
from stages.word_vectors.data import Cooccurrences, Corpus
from stages.word_vectors.subsampling import keep_probability

TOPICS, WORDS_OF_TOPIC = 5, 8
WORDS = TOPICS * WORDS_OF_TOPIC


def topical_tokens(length: int, seed: int) -> torch.Tensor:
    """A text that stays with one topic for ten words and then takes another: int32 (length,)."""
    draws = torch.Generator().manual_seed(seed)
    topics = torch.randint(TOPICS, (-(-length // 10),), generator=draws).repeat_interleave(10)[:length]
    return (topics * WORDS_OF_TOPIC + torch.randint(WORDS_OF_TOPIC, (length,), generator=draws)).int()


def benchmarks() -> dict:
    """Pairs rated 9 within a topic and 1 between topics, a few others in between by chance; two analogies."""
    draws = torch.Generator().manual_seed(0)
    pairs = torch.randint(WORDS, (200, 2), generator=draws).tolist()
    noise = torch.rand(len(pairs), generator=draws).tolist()
    rated = [
        (f"w{a}", f"w{b}", (9.0 if a // WORDS_OF_TOPIC == b // WORDS_OF_TOPIC else 1.0) + extra)
        for (a, b), extra in zip(pairs, noise, strict=True)
        if a != b
    ]
    similarity = {"wordsim353": [*rated, ("w0", "absent", 5.0)], "simlex999": rated[:100]}
    return {"similarity": similarity, "analogies": [["w0", "w1", "w2", "w3"], ["w0", "w1", "w8", "absent"]]}


def vocabulary_of(tokens: torch.Tensor) -> Vocabulary:
    counts = torch.bincount(tokens, minlength=WORDS).clamp(min=1)
    return Vocabulary([f"w{number}" for number in range(WORDS)], counts.tolist())


def small_corpus(length: int = 2000, seed: int = 0, threshold: float = 1.0) -> Corpus:
    tokens = topical_tokens(length, seed)
    vocabulary = vocabulary_of(tokens)
    keep = torch.from_numpy(keep_probability(torch.tensor(vocabulary.counts).numpy(), threshold))
    return Corpus(vocabulary, tokens=tokens, keep_probability=keep, **benchmarks())


def small_cooccurrences(length: int = 2000, seed: int = 0) -> Cooccurrences:
    tokens = topical_tokens(length, seed)
    counts = count_cooccurrences(tokens.numpy(), WORDS, 3)
    return Cooccurrences(
        vocabulary_of(tokens),
        row_starts=torch.from_numpy(counts.indptr.astype("int64")),
        columns=torch.from_numpy(counts.indices.astype("int32")),
        counts=torch.from_numpy(counts.data),
        **benchmarks(),
    )
