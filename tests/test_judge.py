"""The stage that scores made images by what a classifier sees in them."""

import json
from pathlib import Path

import networkx
import pytest
from dvc.dependency.param import ParamsDependency
from dvc.repo import Repo

from stages.core.data import PREDICTIONS, read_tensors, write_tensors
from stages.core.errors import UserError
from stages.image_generation import evaluate
from stages.judge import judge
from tests.conftest import ROOT
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


def test_images_before_a_choice_are_judged_too(trained):
    """By their Frechet distance: here those of noise."""
    copies, noise = (Path(f"data/evaluations/{name}/{PREDICTIONS}") for name in ("copies", "noise"))
    before = {f"unchosen_{seed}": read_tensors(noise)[f"samples_{seed}"] for seed in (1, 2)}
    write_tensors(copies, read_tensors(copies) | before)
    assert judged("copies")["frechet_unchosen"] == judged("noise")["frechet_distance"]
    assert "frechet_unchosen" not in judged("noise")


def test_another_extractor_reruns_nothing_but_judges_and_the_report():
    """Judges alone read who is to judge, and the report alone reads what they say: in the pipeline as committed."""
    with Repo(ROOT) as repo:
        reads = {
            stage.addressing: {key for one in stage.deps if isinstance(one, ParamsDependency) for key in one.params}
            for stage in repo.index.stages
        }
        graph = repo.index.graph
        after = {
            stage.addressing
            for stage in graph
            if any(need.addressing.startswith("judge@") for need in networkx.descendants(graph, stage))
        }
    readers = {name for name, keys in reads.items() if any(key.split(".")[0] == "judge" for key in keys)}
    assert readers == {name for name in reads if name.startswith("judge@")} != set()
    assert after == {"report"}


def test_bad_entries_are_named(trained):
    """A judge that was not trained, a run that draws nothing, a run without an entry: one line each, no file."""
    with pytest.raises(UserError, match="data/models/untrained/1.safetensors is missing or damaged"):
        judge("blind")
    with pytest.raises(UserError, match=r"judge\.codes: must be the run of a generator"):
        judge("codes")
    with pytest.raises(UserError, match="judge has no 'vae'; it has: copies"):
        judge("vae")
    assert not Path("metrics/judged/blind.json").exists()
