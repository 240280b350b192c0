"""Every row of every family: it builds, learns, and gives the same numbers for the same seed."""

import json
import math

import pytest
import safetensors.torch
import torch

from stages.core.run import METRICS, load_run
from stages.core.schema import read_yaml
from stages.core.training import History
from stages.evaluate import measure
from stages.results.references import load_references
from tests.conftest import FAMILIES, ROOT
from tests.planted import fit, load_contract, small_evaluation

MODELS = {  # by row
    f"{family}/{row}": (family, entry["model"])
    for family in FAMILIES
    for row, entry in read_yaml(ROOT / "stages" / family / "params.yaml")["runs"].items()
}
FIRST_ROWS = {model: row for row, model in reversed(MODELS.items())}.values()  # of each architecture


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def check_learning(row: str) -> tuple[bytes, History]:
    """Check that a short training moves every tensor and gives finite numbers; return the weights and the history."""
    run = load_run(row)
    contract = load_contract(run.family)
    run, data = contract.shortened(run), contract.small_data(run)
    torch.manual_seed(1)
    before = run.build(data.info).state_dict()
    model, history = fit(run, data, seed=1)
    with small_evaluation(run.family):
        scores, _ = measure(run, model, data, history)
    for key, tensor in model.state_dict().items():
        assert not torch.equal(tensor, before[key]), f"{key} did not move"
        assert not tensor.is_floating_point() or tensor.isfinite().all(), key
    assert scores and all(math.isfinite(value) for value in scores.values()), scores
    return safetensors.torch.save({key: tensor.contiguous() for key, tensor in model.state_dict().items()}), history


def check_repetition(row: str) -> None:
    """Check that a second training gives the same bytes; `check_learning` holds for both."""
    assert check_learning(row) == check_learning(row)


@pytest.mark.parametrize("row", MODELS)
def test_a_run_learns(row):
    """And one row of each architecture repeats itself."""
    (check_repetition if row in FIRST_ROWS else check_learning)(row)


@pytest.mark.parametrize("row", MODELS)
def test_the_committed_metrics_are_of_this_model(row):
    """The number of parameters pins the architecture; a changed model with old metrics is caught."""
    settings = json.loads((METRICS / f"{row}.json").read_text())["settings"]
    run = load_run(row)
    model = run.build(load_contract(run.family).small_data(run).info | settings)
    if all(parameter.numel() for parameter in model.parameters()):  # else the text decides, such as its n-grams
        assert settings["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert settings.get("num_train", settings.get("num_tokens")) > 0


def test_what_is_compared_with_a_document_has_five_recorded_seeds():
    """Fewer have an interval so wide that almost any number lies in it: of two seeds the quantile of t is 12.7."""
    compared = {
        f"{family}/{row}"
        for family in FAMILIES
        for row, text in read_yaml(ROOT / "stages" / family / "tables.yaml")["rows"].items()
        if text.get("document")
    }
    references = load_references()
    seeds = {run: len(next(iter(references[run].metrics.values()))) for run in compared}
    assert len(compared) >= 10 and min(seeds.values()) >= 5, seeds
