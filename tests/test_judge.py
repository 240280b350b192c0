"""The stage that scores made images by what a classifier sees in them."""

import json
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.image_generation import evaluate
from stages.judge import judge
from tests.image_generation.runs import PARAMS, train_all


@pytest.fixture
def params() -> dict:
    return PARAMS


@pytest.fixture
def trained(workspace: Path, monkeypatch) -> Path:
    """The workspace with trained models and their images."""
    monkeypatch.setattr(evaluate, "NUM_SAMPLES", 60)
    train_all()
    return workspace


def judged(name: str) -> dict:
    judge(name)
    return json.loads(Path(f"metrics/judged/{name}.json").read_text())


def test_training_images_are_judged_better_than_noise(trained):
    """By every score, with a number a seed and the judge's name beside them."""
    copies, noise = judged("copies"), judged("noise")
    assert set(copies["frechet_distance"]["seeds"]) == {"1", "2"}
    assert copies["frechet_distance"]["mean"] < noise["frechet_distance"]["mean"] / 10
    for metric in ("classifier_score", "precision", "recall", "least_class"):
        assert copies[metric]["mean"] > noise[metric]["mean"]
    assert copies["settings"]["extractor"] == "seer"
    assert judged("copies") == copies


def test_bad_entries_are_named(trained):
    """A judge that was not trained, a run that draws nothing, a run without an entry: one line each, no file."""
    with pytest.raises(UserError, match="data/models/untrained/1.safetensors is missing or damaged"):
        judge("blind")
    with pytest.raises(UserError, match=r"judge\.codes: must be the run of a generator"):
        judge("codes")
    with pytest.raises(UserError, match="judge has no 'vae'; it has: copies"):
        judge("vae")
    assert not Path("metrics/judged/blind.json").exists()
