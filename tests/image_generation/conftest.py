"""A folder with a classifier, generators and what has none, trained on bright squares."""

import shutil
from pathlib import Path

import pytest

from stages.core.data import PREPARED, write_data
from stages.core.run import PARAMS, load_family
from stages.evaluate import evaluate
from stages.image_generation import evaluate as scores
from stages.train import train
from tests.conftest import ROOT, yaml
from tests.image_generation.small import EXTRACTOR, small_images

NETWORK = {"num_latents": 3, "num_epochs": 1, "batch_size": 16, "learning_rate": 0.001, "layer_sizes": [8]}
OTHER = {"layer_sizes": [784, 16, 4], "num_epochs": 5, "batch_size": 16, "learning_rate": 0.1}
SHARED = {"data": "squares", "preset": "none", "seeds": 2}
COMPARED = {"data": "squares", "extractor": "extractor", "held_out_extractor": "other"}
FAMILIES = {
    "image_classification": {
        "presets": {"none": {}},
        "data": {},
        "runs": {
            name: SHARED | {"model": "lenet", "args": EXTRACTOR.model_dump(exclude_defaults=True)}
            for name in ("extractor", "untrained")
        }
        | {"other": SHARED | {"model": "mlp", "args": OTHER}},
    },
    "image_generation": {
        "presets": {"none": {}},
        "sample_quality": dict.fromkeys(("copies", "noise", "autoencoder"), COMPARED)
        | {"blind": COMPARED | {"extractor": "untrained"}},
        "runs": {
            "copies": SHARED | {"model": "training_images", "args": {"num_images": 60}},
            "noise": SHARED | {"model": "uniform_noise", "args": {}},
            "blind": SHARED | {"model": "uniform_noise", "args": {}},
            "autoencoder": SHARED | {"model": "autoencoder", "args": NETWORK},
            "vae": SHARED | {"model": "vae", "args": NETWORK},
        },
    },
}


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder, with models and samples of all rows but `untrained`; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    yaml.dump({"device": "cpu"}, folder / PARAMS)
    for family, params in FAMILIES.items():
        shutil.copytree(ROOT / "stages" / family, folder / "stages" / family)
        yaml.dump(params, folder / "stages" / family / "params.yaml")
    data = folder / PREPARED / "image_classification/squares"
    data.mkdir(parents=True)
    write_data(data, small_images())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("STAGES_WORKERS", "1")
        patch.setattr(scores, "NUM_SAMPLES", 60)
        train("image_classification/extractor")
        train("image_classification/other")
        for row in load_family("image_generation").runs:
            train(f"image_generation/{row}")
            evaluate(f"image_generation/{row}")
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder; the current directory."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
