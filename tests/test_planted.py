"""Verification catches each planted regression on small problems that take a fraction of a second to learn."""

from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.vocabulary import Vocabulary
from stages.image_classification import lenet, mlp
from stages.image_classification.train import fit
from stages.image_generation import evaluate, vae
from stages.language_modeling import lstm
from stages.language_modeling.data import Stream
from stages.results.references import Reference
from stages.results.verification import Finding, Tolerances
from stages.text_classification import text_cnn
from stages.texts.subsampling import keep_probability
from stages.word_vectors import skip_gram
from stages.word_vectors.data import Corpus
from tests import planted
from tests.conftest import ROOT
from tests.image_generation.runs import SEER
from tests.image_generation.small import small_images
from tests.language_modeling.small import small_stream, small_tokens
from tests.text_classification.small import small_texts

IMAGE_ARGS = mlp.Args(
    layer_sizes=[784, 128, 10],
    dropout=0.3,
    batch_size=50,
    learning_rate=0.005,
    momentum=0.9,
    num_epochs=4,
    initialisation="kaiming",
    pixels="standardised",
    schedule="cosine",
)
VECTOR_ARGS = skip_gram.Args(dimensions=10, num_epochs=3, learning_rate=0.02, window=3, num_negatives=5)
LANGUAGE_ARGS = lstm.Args(
    embedding_size=48,
    num_hiddens=48,
    num_epochs=12,
    batch_size=4,
    num_steps=16,
    learning_rate=0.02,
    min_improvement=0.1,
    clip_norm=1.0,
    dropout=0.3,
    num_frequent=20,
    num_sampled=3,
)
TEXT_ARGS = text_cnn.Args(
    embedding_size=40,
    widths=[1, 3],
    num_filters=60,
    num_epochs=12,
    batch_size=50,
    learning_rate=0.03,
    vector_learning_rate=0.05,
    vector_sd=0.5,
    vector_dropout=0.5,
    dropout=0.6,
)
IMAGE_MAKER_ARGS = vae.Args(num_latents=4, layer_sizes=[64], num_epochs=30, batch_size=20, learning_rate=0.01)
RUNS = {
    "image_generation": Run("small", "image_generation", "vae", "squares", IMAGE_MAKER_ARGS, [1], "cpu"),
    "text_classification": Run("small", "text_classification", "text_cnn", "opinions", TEXT_ARGS, [1], "cpu"),
    "language_modeling": Run("small", "language_modeling", "lstm", "genres", LANGUAGE_ARGS, [1], "cpu"),
    "image_classification": Run("small", "image_classification", "mlp", "blobs", IMAGE_ARGS, [1], "cpu"),
    "word_vectors": Run("small", "word_vectors", "skip_gram", "topics", VECTOR_ARGS, [1], "cpu"),
}
VECTOR_METRICS = [
    *(f"{name}{kind}" for name in ("wordsim353", "simlex999") for kind in ("", "_output", "_sum", "_missing")),
    *("analogy_accuracy", "analogy_missing", "flops_per_pair"),
]
TEXT_METRICS = ["test_f1", "test_roc_auc", "rating_correlation"]
IMAGE_MAKER_METRICS = [
    *("nearest_ratio", "reconstruction_error", "turned_error", "shuffled_error", "code_divergence", "negative_bound"),
]
JUDGED_METRICS = ["frechet_distance", "classifier_score", "precision", "recall", "least_class"]
LANGUAGE_METRICS = ["validation_perplexity", "test_perplexity", "inverse_probability", "diverged"]
TOLERANCES = Tolerances.model_validate(
    {
        "confidence": 0.99,
        "same_fingerprint": {"relative": 1e-6, "absolute": 1e-9},
        "better": {"train_loss": "lower", "test_loss": "lower", "test_accuracy": "higher"}
        | dict.fromkeys([*VECTOR_METRICS, *TEXT_METRICS], "higher")
        | dict.fromkeys(JUDGED_METRICS, "higher")
        | dict.fromkeys([*LANGUAGE_METRICS, *IMAGE_MAKER_METRICS, "frechet_distance"], "lower"),
        "metrics": {
            "train_loss": {"floor": 1e-4, "max_width": 0.2},
            "test_loss": {"floor": 1e-4, "max_width": 0.2},
            "test_accuracy": {"floor": 1e-3, "max_width": 0.1},
        }
        | {name: {"floor": 1e-3, "max_width": 0.1} for name in [*VECTOR_METRICS, *TEXT_METRICS]}
        | {name: {"floor": 1e-3, "max_width": 0.1, "max_share": 0.2} for name in LANGUAGE_METRICS}
        | {name: {"floor": 1e-4, "max_width": 0.1, "max_share": 0.5} for name in IMAGE_MAKER_METRICS}
        | {name: {"floor": 1e-4, "max_width": 1.0, "max_share": 0.9} for name in JUDGED_METRICS},
    }
)


def images(num: int, seed: int) -> Split:
    """Draw a dim picture a class and much noise: what can be learned of it is far from all."""
    prototypes = torch.randint(100, (10, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(seed)
    targets = torch.randint(10, (num,), generator=draws)
    noise = torch.randint(226, (num, 1, 28, 28), generator=draws)
    return Split((prototypes[targets] * 0.3 + noise).to(torch.uint8), targets)


def topics() -> Corpus:
    """A text that changes its topic every ten words; a third of them are five frequent ones without topic.

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


def genres() -> Stream:
    """A text whose test part has, as Brown's, more of another genre than what comes before it: of another language."""
    data = small_stream(4000)
    other = small_tokens(2000, seed=5, language=1)
    train, rare, half = data.num_train, data.num_train // 4, data.num_test // 2
    parts = [data.tokens[: train - rare], other[:rare], data.tokens[train:-half], other[-half:]]
    return replace(data, tokens=torch.cat(parts))


DATA = {
    "image_generation": small_images(200),
    "text_classification": small_texts(1800, noise=1.6),
    "language_modeling": genres(),
    "image_classification": Data(
        images(4000, 1), None, images(1000, 2), {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.26}
    ),
    "word_vectors": topics(),
}


def train_extractor(family: str) -> planted.Extractor | None:
    """Return a classifier that judges made images, for the family that makes some."""
    if family != "image_generation":
        return None
    run = Run("seer", "image_classification", "lenet", "squares", lenet.Args(**SEER), [1], "cpu")
    torch.manual_seed(1)
    return fit(run, DATA[family], 1)[0], run


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(autouse=True, scope="module")
def few_samples():
    with patch.object(evaluate, "NUM_SAMPLES", 100):
        yield


@pytest.mark.parametrize("family", RUNS)
def test_honest_seeds_pass_and_planted_regressions_are_caught(family):
    """Against ten honest seeds; a test a family, because these take the longest."""
    run, data, extractor = RUNS[family], DATA[family], train_extractor(family)
    metrics = planted.measure(run, data, list(range(1, 11)), extractor=extractor)
    values = {name: summary["seeds"] for name, summary in metrics.items()}
    reference = Reference(settings={"fingerprint": {}}, metrics=values)

    def findings(plant: planted.Plant) -> list[Finding]:
        seeds = [21, 22, 23]
        try:
            measured = planted.measure(run, data, seeds, plant, extractor)
        except UserError as error:  # the rebuild itself fails
            return [Finding("small", "", "", "", "", str(error))]
        return planted.judge("small", reference, measured, seeds, TOLERANCES)

    assert findings(planted.nothing) == []
    caught = {plant: findings(plant) for plant in planted.PLANTS[family]}
    assert [plant.__name__ for plant, found in caught.items() if not found] == []
    assert [found for one in caught.values() for found in one if "underpowered" in found.why] == []
    for plant, found in caught.items():
        metrics = {one.metric for one in found}
        gains = {one.metric for one in found if "look for a leak" in one.why}
        if plant is planted.test_split_in_training:
            assert {"test_accuracy", "test_loss", "reconstruction_error"} & gains
        if plant is planted.made_images_paler:
            assert "frechet_distance" in metrics
        if plant is planted.test_part_in_training:
            assert "test_perplexity" in gains
