"""The stage that compares samples with real images by the features that a classifier extracts."""

import json
from pathlib import Path

import pytest

from stages.core.data import PREDICTIONS, read_tensors, write_tensors
from stages.core.errors import UserError
from stages.core.run import EVALUATIONS, METRICS
from stages.image_generation.sample_quality import sample_quality
from tests.conftest import ROOT, yaml

COMMITTED = ROOT / METRICS / "image_generation/sample_quality"


def scored(row: str) -> dict:
    sample_quality(row)
    return json.loads((METRICS / f"image_generation/sample_quality/{row}.json").read_text())


def test_training_images_are_scored_better_than_noise(trained):
    """By every score, with a number a seed and the extractor's name beside them."""
    copies, noise = scored("copies"), scored("noise")
    assert set(copies["frechet_distance"]["seeds"]) == {"1", "2"}
    assert copies["frechet_distance"]["mean"] < noise["frechet_distance"]["mean"] / 10
    for metric in ("classifier_score", "precision", "recall", "rarest_class_share"):
        assert copies[metric]["mean"] > noise[metric]["mean"]
    assert copies["settings"]["extractor"] == "extractor"
    assert scored("copies") == copies


def test_samples_without_a_selection_are_scored_too(trained):
    """By their Frechet distance: here those of noise."""
    copies, noise = (EVALUATIONS / f"image_generation/{row}" / PREDICTIONS for row in ("copies", "noise"))
    before = {f"unchosen_{seed}": read_tensors(noise)[f"samples_{seed}"] for seed in (1, 2)}
    write_tensors(copies, read_tensors(copies) | before)
    assert scored("copies")["frechet_without_selection"] == scored("noise")["frechet_distance"]
    assert "frechet_without_selection" not in scored("noise")


def test_another_extractor_reruns_nothing_but_these_stages_and_the_report():
    """These alone read which extractor it is, and the report alone reads their scores: in the pipeline as committed."""
    stages = {}
    for path in (ROOT / "dvc.yaml", *sorted(ROOT.glob("stages/*/dvc.yaml"))):
        family = path.parent.name
        for name, stage in yaml.load(path.read_text().replace("${family}", family))["stages"].items():
            stages[name if path.parent == ROOT else f"{family}:{name}"] = stage.get("do", stage)
    compare = "image_generation:sample_quality"
    assert {name for name, stage in stages.items() if "sample_quality." in str(stage.get("params"))} == {compare}
    (scores,) = (path for output in stages[compare]["metrics"] for path in output)
    assert scores.startswith("metrics/image_generation/sample_quality/")
    reads = {name: [f"{dep}/" for dep in stage.get("deps", [])] for name, stage in stages.items()}
    assert {name for name, deps in reads.items() if any(scores.startswith(dep) for dep in deps)} == {"report"}


def test_bad_entries_are_named(trained):
    """An extractor that was not trained, a row without a generator, a row without an entry: one line, no file."""
    with pytest.raises(UserError, match="data/models/image_classification/untrained/1.safetensors is missing"):
        sample_quality("blind")
    with pytest.raises(UserError, match=r"sample_quality\.autoencoder: must be a row with a generator"):
        sample_quality("autoencoder")
    with pytest.raises(UserError, match="sample_quality has no 'vae'; it has: copies"):
        sample_quality("vae")
    Path("data/evaluations/image_generation/noise/predictions.safetensors").unlink()
    Path("data/evaluations/image_generation/noise/test.safetensors").unlink()
    Path("data/evaluations/image_generation/noise").rmdir()
    with pytest.raises(UserError, match="noise/predictions.safetensors is missing or damaged"):
        sample_quality("noise")
    assert not list(Path("metrics/image_generation").glob("sample_quality/*"))


def test_committed_generators_come_in_the_order_of_honest_training():
    """In every seed: noise, pixels drawn alone, GAN, DCGAN, training images; DCGAN forgets no class."""
    names = ("uniform_noise", "pixel_gaussian", "gan", "dcgan", "training_images")
    noise, pixels, gan, dcgan, training = [json.loads((COMMITTED / f"{name}.json").read_text()) for name in names]
    for seed in dcgan["frechet_distance"]["seeds"]:
        distances = [row["frechet_distance"]["seeds"]["1"] for row in (noise, pixels)]  # which no seed changes
        distances += [row["frechet_distance"]["seeds"][seed] for row in (gan, dcgan, training)]
        assert distances == sorted(distances, reverse=True)
        assert dcgan["rarest_class_share"]["seeds"][seed] >= 0.04
    assert dcgan["frechet_distance"]["mean"] <= pixels["frechet_distance"]["mean"] / 10
    assert dcgan["classifier_score"]["mean"] >= 7
