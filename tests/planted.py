"""Regressions to plant in a run, each an honest-looking mistake that verification must catch.

`python -m tests.planted [RUN…]` plants each in runs of the real pipeline, at full size, and says by which metrics it is
caught against the committed references, judged as on another machine.
"""

import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from stages import judge as judging
from stages.core import output_layer
from stages.core.data import Data, Split, load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.run import PARAMS, Run, family_module, load_run
from stages.core.schema import read_yaml, validate
from stages.core.vocabulary import Vocabulary
from stages.evaluate import load_model
from stages.image_generation import evaluate as image_scores
from stages.image_generation import vae
from stages.language_modeling import train as language_models
from stages.language_modeling.data import Stream
from stages.results.metrics import summarise
from stages.results.references import Reference, load_references
from stages.results.verification import Finding, Tolerances, compare_runs
from stages.text_classification import train as classifiers
from stages.text_classification.data import RatedTexts, Texts
from stages.text_classification.data import Split as RatedSplit
from stages.verify import TOLERANCES
from stages.word_vectors import train as windows
from stages.word_vectors.data import Corpus

Plant = Callable[[Run, Data], tuple[Run, Data, AbstractContextManager]]


def nothing(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Change nothing: what honest seeds give."""
    return run, data, nullcontext()


def learning_rate_ten_times_too_high(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Misplace the decimal point."""
    args = run.args.model_copy(update={"learning_rate": 10 * run.args.learning_rate})
    return replace(run, args=args), data, nullcontext()


def shuffled_labels(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Shuffle a tenth of the training labels, and not the inputs with them."""
    draws = torch.Generator().manual_seed(0)
    targets = data.train.targets.clone()
    chosen = torch.randperm(len(targets), generator=draws)[: len(targets) // 10]
    targets[chosen] = targets[chosen[torch.randperm(len(chosen), generator=draws)]]
    return run, replace(data, train=Split(data.train.inputs, targets)), nullcontext()


def dropout_left_on(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Forget `model.eval()`."""
    return run, data, patch.object(nn.Module, "eval", lambda model: model.train())


def wrong_normalisation(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Scale the test images otherwise than the training images: to three quarters of the range."""
    darker = (data.test.inputs * 0.75).to(torch.uint8)
    return run, replace(data, test=Split(darker, data.test.targets)), nullcontext()


def test_split_in_training(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Train on every second test example too."""
    both = Split(*(torch.cat([train, test[::2]]) for train, test in zip(data.train, data.test, strict=True)))
    return run, replace(data, train=both), nullcontext()


def shuffled_words(run: Run, data: Corpus) -> tuple[Run, Corpus, AbstractContextManager]:
    """Shuffle a quarter of the text's words."""
    draws = torch.Generator().manual_seed(0)
    tokens = data.tokens.clone()
    chosen = torch.randperm(len(tokens), generator=draws)[: len(tokens) // 4]
    tokens[chosen] = tokens[chosen[torch.randperm(len(chosen), generator=draws)]]
    return run, replace(data, tokens=tokens), nullcontext()


def subsampling_forgotten(run: Run, data: Corpus) -> tuple[Run, Corpus, AbstractContextManager]:
    """Keep every occurrence of frequent words."""
    return run, replace(data, keep_probability=torch.ones_like(data.keep_probability)), nullcontext()


def uniform_negatives(run: Run, data: Corpus) -> tuple[Run, Corpus, AbstractContextManager]:
    """Draw negative samples without regard to how frequent words are."""

    def draw(counts: Tensor, number: int, draws: torch.Generator) -> Tensor:
        return torch.randint(len(counts), (number,), generator=draws)

    return run, data, patch.object(windows, "draw_negatives", draw)


def words_off_by_one(run: Run, data: Corpus) -> tuple[Run, Corpus, AbstractContextManager]:
    """Give each vector to the next word, as happens when a special word is put in front of a vocabulary."""
    words = data.vocabulary.words
    return run, replace(data, vocabulary=Vocabulary([words[-1], *words[:-1]], data.vocabulary.counts)), nullcontext()


def benchmark_in_text(run: Run, data: Corpus) -> tuple[Run, Corpus, AbstractContextManager]:
    """Let pairs that people rated alike into the text, next to each other."""
    rated = [words for pairs in data.similarity.values() for *words, rating in pairs if rating > 6]
    known = [ids for words in rated if (ids := data.vocabulary.ids(words)) is not None]
    leak = torch.tensor(known, dtype=torch.int32).repeat(1, 6).flatten()  # each pair six times, one after the other
    return run, replace(data, tokens=torch.cat([data.tokens, leak])), nullcontext()


def dropped_words(run: Run, data: Stream) -> tuple[Run, Stream, AbstractContextManager]:
    """Lose every fifth token of the training part, as a mistake in reading sentences would."""
    kept = torch.arange(data.num_train) % 5 != 0
    tokens = torch.cat([data.train[kept], data.tokens[data.num_train :]])
    return run, replace(data, tokens=tokens, num_train=int(kept.sum())), nullcontext()


def targets_not_shifted(run: Run, data: Stream) -> tuple[Run, Stream, AbstractContextManager]:
    """Train on predicting the token after the next."""
    found = language_models.batches

    def batches(*arguments):
        for inputs, targets in found(*arguments):
            yield inputs[:-1], targets[1:]

    return run, data, patch.object(language_models, "batches", batches)


def correction_forgotten(run: Run, data: Stream) -> tuple[Run, Stream, AbstractContextManager]:
    """Sum over sampled words as if they were all words."""
    return run, data, patch.object(output_layer, "math", SimpleNamespace(log=lambda value: 0.0, inf=math.inf))


def test_part_in_training(run: Run, data: Stream) -> tuple[Run, Stream, AbstractContextManager]:
    """Train on the test part too."""
    tokens = torch.cat([data.tokens[-data.num_test :], data.tokens])
    return run, replace(data, tokens=tokens, num_train=data.num_train + data.num_test), nullcontext()


def shuffled_ratings(run: Run, data: RatedTexts) -> tuple[Run, RatedTexts, AbstractContextManager]:
    """Give half of the training texts each other's ratings."""
    draws = torch.Generator().manual_seed(0)

    def mistaken(split: RatedSplit, ratings: Tensor) -> Tensor:
        chosen = split.train[: len(split.train) // 2]
        ratings = ratings.clone()
        ratings[chosen] = ratings[chosen[torch.randperm(len(chosen), generator=draws)]]
        return ratings

    true = data.ratings
    found = classifiers.train_network

    def train(model, data, args, seed, label):
        return found(model, replace(data, ratings=mistaken(data.split(seed), true)), args, seed, label)

    return run, data, patch.object(family_module(run.family, run.model), "train", train)


def other_words_in_use(run: Run, data: RatedTexts) -> tuple[Run, RatedTexts, AbstractContextManager]:
    """Number the words in the opposite order after training, as happens when a vocabulary is made again."""
    found = classifiers.Network.scores

    def scores(model: nn.Module, texts: Texts) -> Tensor:
        return found(model, texts._replace(tokens=len(model.known) - 1 - texts.tokens))

    return run, data, patch.object(classifiers.Network, "scores", scores)


def parts_of_folds_confused(run: Run, data: RatedTexts) -> tuple[Run, RatedTexts, AbstractContextManager]:
    """Take the wrong part of a fold: train on the test texts."""
    splits = {number: split._replace(train=split.test) for number, split in data.splits.items()}
    return run, replace(data, splits=splits), nullcontext()


def class_forgotten(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Lose the training images of the last class, as a range that ends too early does."""
    kept = data.train.targets < data.train.targets.max()
    return run, replace(data, train=Split(data.train.inputs[kept], data.train.targets[kept])), nullcontext()


def codes_not_drawn(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Decode the mean of each code in place of a draw."""
    return run, data, patch.object(vae, "drawn", lambda mean, log_variance, draws: mean)


def made_images_paler(run: Run, data: Data) -> tuple[Run, Data, AbstractContextManager]:
    """Scale made images otherwise than real ones: to half of the range."""
    found = image_scores.to_pixels
    return run, data, patch.object(image_scores, "to_pixels", lambda intensities: found(0.5 * intensities))


PLANTS: dict[str, list[Plant]] = {
    "image_generation": [
        learning_rate_ten_times_too_high,
        wrong_normalisation,
        class_forgotten,
        codes_not_drawn,
        made_images_paler,
        test_split_in_training,
    ],
    "text_classification": [
        learning_rate_ten_times_too_high,
        dropout_left_on,
        shuffled_ratings,
        other_words_in_use,
        parts_of_folds_confused,
    ],
    "language_modeling": [
        learning_rate_ten_times_too_high,
        dropout_left_on,
        dropped_words,
        targets_not_shifted,
        correction_forgotten,
        test_part_in_training,
    ],
    "image_classification": [
        learning_rate_ten_times_too_high,
        shuffled_labels,
        dropout_left_on,
        wrong_normalisation,
        test_split_in_training,
    ],
    "word_vectors": [
        learning_rate_ten_times_too_high,
        shuffled_words,
        subsampling_forgotten,
        uniform_negatives,
        words_off_by_one,
        benchmark_in_text,
    ],
}


Extractor = tuple[nn.Module, Run]  # a trained classifier


def measure(
    run: Run, data: Data, seeds: list[int], plant: Plant = nothing, extractor: Extractor | None = None
) -> dict[str, Any]:
    """Train and score a run with a regression in it; return what its metrics files would hold, judged or not."""
    real = None if extractor is None else judging.see(*extractor, data, data.test.inputs)[0]
    run, data, mistake = plant(run, data)
    scores = {}
    with mistake:
        for seed in seeds:
            torch.manual_seed(seed)
            model, history = family_module(run.family, "train").fit(run, data, seed)
            family = family_module(run.family, "evaluate")
            predicted = {}
            if hasattr(family, "example_scores"):
                predicted = {"predictions": family.example_scores(model, run, data)}
            scores[seed] = family.score(model, run, data, history, **predicted)
            if real is not None:
                made = judging.see(*extractor, data, predicted["predictions"]["samples"])
                scores[seed] |= judging.score(*made, real)
    return summarise(scores)


def load_extractor(name: str, data: Data) -> Extractor | None:
    """Return what judges the images of a run of params.yaml; None if nothing does."""
    entry = read_yaml(PARAMS)["judge"].get(name)
    if entry is None:
        return None
    run = load_run(entry["extractor"])
    return load_model(run, run.seeds[0], data.info)[0], run


def judge(
    run: str, reference: Reference, metrics: dict[str, Any], seeds: list[int], tolerances: Tolerances
) -> list[Finding]:
    """Compare as on another machine: by bands."""
    reference = reference.model_copy(update={"metrics": {name: reference.metrics[name] for name in metrics}})
    settings = reference.settings | {"fingerprint": {"processor": "another"}}
    return compare_runs({run: reference}, {run: metrics | {"settings": settings}}, {run: seeds}, tolerances)


def main(names: list[str]) -> None:
    """Plant every regression in the runs named."""
    missed, tolerances = 0, validate(Tolerances, read_yaml(TOLERANCES), f"{TOLERANCES}:")
    for name in names:
        run, reference = load_run(name), load_references()[name]
        prepare_device(run.device)
        data = load_prepared(run.family, run.data)
        extractor = load_extractor(name, data)
        for plant in [nothing, *PLANTS[run.family]]:
            if plant is dropout_left_on and not getattr(run.args, "dropout", 0):
                continue
            try:
                measured = measure(run, data, run.seeds, plant, extractor)
                findings = judge(name, reference, measured, run.seeds, tolerances)
            except UserError as error:  # training diverged: the rebuild itself fails
                findings = [Finding(name, "", "", "", "", str(error))]
            print(f"{name}: {plant.__name__}: {'caught' if findings else 'not caught'}")
            for found in findings:
                print(
                    f"    {found.metric} {found.reference} -> {found.fresh} ({found.allowed}): {found.why}", flush=True
                )
            missed += bool(findings) == (plant is nothing)
    sys.exit(missed > 0)


SHOWN = [
    "image_classification_mlp_tuned",
    "word_vectors_wordnet",
    "language_modeling_lstm",
    "text_classification_cnn",
    "image_generation_vae",
]


if __name__ == "__main__":
    main(sys.argv[1:] or SHOWN)
