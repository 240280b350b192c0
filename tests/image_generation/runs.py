"""params.yaml with a classifier, generators and what has none; models trained on bright squares."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from stages.core.data import PREDICTIONS, save_data, write_tensors
from stages.core.run import family_module, load_run
from stages.image_generation import evaluate
from tests.image_generation.small import small_images

SEER = {
    "channels": [4],
    "num_features": 8,
    "num_epochs": 30,
    "batch_size": 16,
    "learning_rate": 0.01,
    "optimizer": "adam",
}
NETWORK = {"num_latents": 3, "num_epochs": 1, "batch_size": 16, "learning_rate": 0.001}
OF_IMAGES = {"family": "image_generation", "data": "squares"}
PARAMS = {
    "seeds": [1, 2],
    "device": "cpu",
    "defaults": {},
    "judge": {name: {"data": "squares", "extractor": "seer"} for name in ("copies", "noise")}
    | {"codes": {"data": "squares", "extractor": "seer"}, "blind": {"data": "squares", "extractor": "untrained"}},
    "runs": {
        "seer": {"family": "image_classification", "model": "lenet", "data": "squares", "args": SEER},
        "untrained": {"family": "image_classification", "model": "lenet", "data": "squares", "args": SEER},
        "copies": OF_IMAGES | {"model": "training_images", "args": {"num_images": 60}},
        "noise": OF_IMAGES | {"model": "uniform_noise", "args": {}},
        "blind": OF_IMAGES | {"model": "uniform_noise", "args": {}},
        "codes": OF_IMAGES | {"model": "autoencoder", "args": NETWORK | {"layer_sizes": [8]}},
        "vae": OF_IMAGES | {"model": "vae", "args": NETWORK | {"layer_sizes": [8]}},
    },
}


def train_all() -> None:
    """Write data, models and made images of all runs but `untrained` into the current directory."""
    data = small_images()
    save_data(Path("data/prepared/squares"), data)
    for name in PARAMS["runs"]:
        if name == "untrained":
            continue
        run = load_run(name)
        made = {}
        for seed in run.seeds:
            torch.manual_seed(seed)
            model, history = family_module(run.family, "train").fit(run, data, seed)
            path = Path(f"data/models/{name}/{seed}.safetensors")
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path)
            path.with_suffix(".json").write_text(json.dumps(history))
            if run.family == "image_generation":
                made |= {f"{part}_{seed}": images for part, images in evaluate.example_scores(model, run, data).items()}
        if run.family == "image_generation":
            folder = Path(f"data/evaluations/{name}")
            folder.mkdir(parents=True)
            write_tensors(folder / PREDICTIONS, made)
