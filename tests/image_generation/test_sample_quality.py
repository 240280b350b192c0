"""The stage that compares samples with real images by the features that a classifier extracts."""

import json
from pathlib import Path

import pytest

from stages.core.data import PREDICTIONS, PREPARED, load_prepared, write_tensors
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
    for metric in ("frechet_distance", "frechet_distance_held_out"):
        assert copies[metric]["mean"] < noise[metric]["mean"] / 10
    for metric in ("classifier_score", "precision", "recall", "rarest_class_share"):
        assert copies[metric]["mean"] > noise[metric]["mean"]
    assert copies["settings"]["extractor"] == "extractor"
    assert scored("copies") == copies


def test_the_second_judge_compares_with_held_out_images_by_other_features(trained):
    """Samples that are the held-out images themselves have no distance to those, whatever the first judge says."""
    path = EVALUATIONS / "image_generation/copies" / PREDICTIONS
    data = load_prepared("image_classification", "squares")
    held_out, test = data.validation.inputs, data.test.inputs
    write_tensors(path, {"samples_1": held_out})
    negatives = data.test._replace(inputs=255 - test)._asdict()
    write_tensors(PREPARED / "image_classification/squares/test.safetensors", negatives)
    scores = scored("copies")
    assert scores["frechet_distance_held_out"]["mean"] == pytest.approx(0.0, abs=1e-4)
    assert scores["frechet_distance"]["mean"] > 1
    assert scores["settings"]["held_out_extractor"] == "other"


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
    """No trained extractor, held-out images, generator, entry: one line, no file."""
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
    (PREPARED / "image_classification/squares/validation.safetensors").unlink()
    with pytest.raises(UserError, match=r"sample_quality\.copies\.data = squares: must be data with held-out images"):
        sample_quality("copies")
    assert not list(Path("metrics/image_generation").glob("sample_quality/*"))


def test_committed_generators_come_in_the_order_of_honest_training():
    """In every seed: noise, pixels drawn alone, GAN, DCGAN, R1 GAN, the same with a selection, training images.

    The R1 GAN forgets no class.
    """
    names = ("uniform_noise", "pixel_gaussian", "gan", "dcgan", "r1_gan", "r1_gan_selected", "training_images")
    rows = {name: json.loads((COMMITTED / f"{name}.json").read_text()) for name in names}
    for seed in rows["r1_gan"]["frechet_distance"]["seeds"]:
        distances = [row["frechet_distance"]["seeds"] for row in rows.values()]
        distances = [seeds.get(seed, seeds["1"]) for seeds in distances]  # noise and pixels have one seed
        assert distances == sorted(distances, reverse=True)
        for name in ("r1_gan", "r1_gan_selected"):
            assert rows[name]["rarest_class_share"]["seeds"][seed] >= 0.04
    best = rows["r1_gan_selected"]
    assert best["frechet_distance"]["mean"] <= rows["pixel_gaussian"]["frechet_distance"]["mean"] / 5
    assert best["classifier_score"]["mean"] >= 7
