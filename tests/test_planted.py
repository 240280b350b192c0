"""Verification catches each planted regression on a small problem that takes a fraction of a second to learn."""

import pytest
import torch

from stages.core.data import Data, Split
from stages.core.device import prepare_device
from stages.core.run import Run
from stages.image_classification.mlp import Args
from stages.results.references import Reference
from stages.results.verification import Tolerances
from tests import planted
from tests.conftest import ROOT

ARGS = Args(
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
RUN = Run("small", "image_classification", "mlp", "blobs", ARGS, [1], "cpu")
TOLERANCES = Tolerances.model_validate(
    {
        "confidence": 0.99,
        "same_fingerprint": {"relative": 1e-6, "absolute": 1e-9},
        "better": {"train_loss": "lower", "test_loss": "lower", "test_accuracy": "higher"},
        "metrics": {
            "train_loss": {"floor": 1e-4, "max_width": 0.2},
            "test_loss": {"floor": 1e-4, "max_width": 0.2},
            "test_accuracy": {"floor": 1e-3, "max_width": 0.1},
        },
    }
)


def images(num: int, seed: int) -> Split:
    """Draw a dim picture a class and much noise: what can be learned of it is far from all."""
    prototypes = torch.randint(100, (10, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(seed)
    targets = torch.randint(10, (num,), generator=draws)
    noise = torch.randint(226, (num, 1, 28, 28), generator=draws)
    return Split((prototypes[targets] * 0.3 + noise).to(torch.uint8), targets)


DATA = Data(images(4000, 1), None, images(1000, 2), {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.26})


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Ten honest seeds."""
    prepare_device("cpu")
    metrics = planted.measure(RUN, DATA, list(range(1, 11)))
    values = {name: summary["seeds"] for name, summary in metrics.items()}
    return Reference(settings={"fingerprint": {}}, metrics=values)


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def findings(reference, plant, seeds=(21, 22, 23)):
    return planted.judge("small", reference, planted.measure(RUN, DATA, list(seeds), plant), list(seeds), TOLERANCES)


def test_honest_seeds_pass(reference):
    assert findings(reference, planted.nothing) == []


@pytest.mark.parametrize("plant", planted.PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_regression_is_caught(reference, plant):
    caught = findings(reference, plant)
    assert caught
    assert not any("underpowered" in found.why for found in caught)
    if plant is planted.test_split_in_training:
        gains = {found.metric for found in caught if "look for a leak" in found.why}
        assert {"test_accuracy", "test_loss"} & gains
