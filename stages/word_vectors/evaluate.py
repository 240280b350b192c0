"""Scores of word vectors: agreement with human judgements of similarity, analogies, and what a pair costs."""

from collections.abc import Sequence
from pathlib import Path

import torch
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.files import atomic_file
from stages.core.run import Run
from stages.core.training import History
from stages.core.vocabulary import Vocabulary
from stages.word_vectors.data import TextData

Pair = tuple[str, str, float]  # two words, and how similar humans find them
HALVES_SEED = 0
RATED = "_rated"  # ends the names of outputs
ANALOGY_WORDS = 30_000  # questions with a rarer word are left out, and no rarer word is an answer (word2vec's program)

# What the report shows: groups of words in a plane, and single words with their nearest neighbours.
_GROUPS = {
    "animals": "dog cat horse cow sheep pig goat wolf fox bear lion tiger mouse rabbit bird fish snake eagle",
    "colours": "red blue green yellow white black brown purple orange pink gray scarlet",
    "body": "head hand foot arm leg eye ear nose mouth neck finger knee shoulder tongue",
    "family": "father mother son daughter brother sister uncle aunt wife husband child nephew",
    "numbers": "one two three four five six seven eight nine ten twelve hundred",
    "months": "january february march april june july august september october november december",
    "countries": "france germany england italy spain russia china japan india egypt greece sweden",
}
GROUPS = {group: words.split() for group, words in _GROUPS.items()}
PROBES = ("king", "water", "music", "green", "doctor", "january", "france", "run", "beautiful", "computer")
NEIGHBOURS = 8


def score(model: nn.Module, run: Run, data: TextData, history: History) -> dict[str, float]:
    """Return the metrics of one trained model.

    For each similarity benchmark: Spearman's correlation of cosines with human ratings, for the vectors that the model
    stands for, for the output vectors alone and for the sum of both; the same for the two `halves` of the pairs,
    `validation_…`, which is for choosing hyperparameters, and `test_…`; and the share of pairs with an
    out-of-vocabulary word, which are left out. Analogies: the share answered rightly, and the share of questions left
    out. `flops_per_pair` are floating-point operations of products in the loss of a pair and its gradient, counted,
    for models with windows.

    Raises:
        UserError: fewer than three pairs of a benchmark are in the vocabulary.
    """
    kinds = {
        "": model.vectors(),
        "_output": model.output.weight.detach(),
        "_sum": (model.input.weight + model.output.weight).detach(),
    }
    metrics = {"train_loss": history[-1]["train_loss"]}
    for name, pairs in data.similarity.items():
        for kind, vectors in kinds.items():
            metrics[f"{name}{kind}"], missing = spearman(vectors, data.vocabulary, pairs, name)
        for part, chosen in halves(pairs).items():
            metrics[f"{part}_{name}"], _ = spearman(model.vectors(), data.vocabulary, chosen, f"{name}, {part}")
        metrics[f"{name}_missing"] = missing
    metrics["analogy_accuracy"], metrics["analogy_missing"] = answer(model.vectors(), data.vocabulary, data.analogies)
    flops = pair_flops(run, model)
    return metrics if flops is None else metrics | {"flops_per_pair": flops}


def halves(pairs: Sequence[Pair]) -> dict[str, list[Pair]]:
    """Return the pairs of a benchmark drawn at random into two halves, `validation` and `test`: the same every time."""
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(HALVES_SEED)).tolist()
    middle = len(pairs) // 2
    return {
        "validation": [pairs[number] for number in order[:middle]],
        "test": [pairs[number] for number in order[middle:]],
    }


def spearman(vectors: Tensor, vocabulary: Vocabulary, pairs: Sequence[Pair], benchmark: str) -> tuple[float, float]:
    """Return Spearman's correlation of cosines with ratings over the in-vocabulary pairs, and the share of others.

    Args:
        vectors: float32 (words, dimensions).
        vocabulary: the words.
        pairs: two words and a rating each.
        benchmark: its name, for the message.

    Raises:
        UserError: fewer than three pairs are in the vocabulary.
    """
    rated = cosines_and_ratings(vectors, vocabulary, pairs)
    if len(rated) < 3:
        raise UserError(
            f"{benchmark}: {len(rated)} of {len(pairs)} pairs are in the vocabulary: three are needed; take more text"
        )
    return float(stats.spearmanr(rated.cpu().numpy()).statistic), 1 - len(rated) / len(pairs)


def cosines_and_ratings(vectors: Tensor, vocabulary: Vocabulary, pairs: Sequence[Pair]) -> Tensor:
    """Return the cosine of the vectors and the human rating of each in-vocabulary pair, float64 (pairs, 2)."""
    known = [(*ids, rating) for *words, rating in pairs if (ids := vocabulary.ids(words)) is not None]
    first, second, ratings = torch.tensor(known, dtype=torch.float64, device=vectors.device).view(-1, 3).T
    cosines = functional.cosine_similarity(vectors[first.long()].double(), vectors[second.long()].double())
    return torch.stack([cosines, ratings], 1)


def answer(
    vectors: Tensor, vocabulary: Vocabulary, questions: Sequence[Sequence[str]], batch_size: int = 1000
) -> tuple[float, float]:
    """Return the share of analogy questions answered rightly, and the share that was left out.

    The answer to "a is to b as c to …" is the word whose vector has the greatest cosine with b - a + c, of vectors of
    length 1, other than a, b and c themselves (Mikolov et al. 2013, Efficient Estimation, section 4), among the
    `ANALOGY_WORDS` most frequent words. Without a question that can be asked the share answered is 0.
    """
    unit = functional.normalize(vectors[:ANALOGY_WORDS])
    asked = [ids for words in questions if (ids := vocabulary.ids(words)) is not None and max(ids) < ANALOGY_WORDS]
    right = 0
    for batch in torch.tensor(asked, dtype=torch.int64, device=vectors.device).reshape(-1, 4).split(batch_size):
        right += int((analogous(unit, batch[:, :3]).argmax(1) == batch[:, 3]).sum())
    return right / max(len(asked), 1), 1 - len(asked) / max(len(questions), 1)


def analogous(unit: Tensor, words: Tensor) -> Tensor:
    """Return how well each word answers questions: float32 (questions, words), higher is better.

    Args:
        unit: vectors of length 1, float32 (words, dimensions).
        words: a, b and c of each question, int64 (questions, 3); they themselves get minus infinity.
    """
    a, b, c = (unit[column] for column in words.T)
    return (functional.normalize(b - a + c) @ unit.T).scatter_(1, words, -torch.inf)


def nearest(unit: Tensor, words: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return cosine and number of the nearest words, each of shape (words asked, number), the nearest first.

    Args:
        unit: vectors of length 1, float32 (words, dimensions).
        words: words asked, int64 (n,); a word is not its own neighbour.
        number: how many.
    """
    cosines = (unit[words] @ unit.T).scatter_(1, words[:, None], -torch.inf)
    return cosines.topk(min(number, len(unit) - 1))


def outputs(model: nn.Module, run: Run, data: TextData) -> dict[str, Tensor]:
    """Return what the figures need.

    `grouped` (n,): ids of the in-vocabulary words of `GROUPS`, in order, and `vectors` (n, dimensions) of length 1 of
    them. `probes` (m,): the in-vocabulary words of `PROBES`; `neighbours` (m, NEIGHBOURS) and their `cosines`. Of
    the half of each similarity benchmark that is for testing `test_<name>_rated`, see `cosines_and_ratings`.
    """
    unit = functional.normalize(model.vectors())
    index = data.vocabulary.index
    grouped = torch.tensor([index[word] for words in GROUPS.values() for word in words if word in index]).long()
    probes = torch.tensor([index[word] for word in PROBES if word in index]).long()
    cosines, neighbours = nearest(unit, probes.to(unit.device), NEIGHBOURS)
    return {
        "grouped": grouped,
        "vectors": unit[grouped.to(unit.device)],
        "probes": probes,
        "neighbours": neighbours,
        "cosines": cosines,
    } | {
        f"test_{name}{RATED}": cosines_and_ratings(model.vectors(), data.vocabulary, halves(pairs)["test"])
        for name, pairs in data.similarity.items()
    }


def export(model: nn.Module, data: TextData, folder: Path) -> None:
    """Write vectors.txt: word2vec's text format, which gensim's `KeyedVectors.load_word2vec_format` reads.

    The first line has the number of words and of dimensions, each further one a word and its vector.
    """
    vectors = model.vectors().cpu()
    form = " ".join(["%.6g"] * vectors.shape[1])
    with atomic_file(folder / "vectors.txt") as path, path.open("w", encoding="utf-8") as file:
        file.write(f"{len(vectors)} {vectors.shape[1]}\n")
        for word, vector in zip(data.vocabulary.words, vectors.tolist(), strict=True):
            file.write(f"{word} {form % tuple(vector)}\n")


def pair_flops(run: Run, model: nn.Module) -> float | None:
    """Return floating-point operations of products in the loss of a pair and its gradient; None without windows.

    torch counts them in the model's own loss, of a place with as many pairs as places have on average, and not in the
    kernel that is trained with.
    """
    example = getattr(family_module(run.family, run.model), "example_loss", None)
    if example is None:
        return None
    with FlopCounterMode(display=False) as counter:
        loss, pairs = example(model, run.args)
        torch.autograd.grad(loss, list(model.parameters()))
    return counter.get_total_flops() / pairs
