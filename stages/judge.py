"""Judge the images of one generator: score them beside real ones by what a trained classifier sees in them."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stages.core.data import PREDICTIONS, Data, load_prepared, read_tensors
from stages.core.device import fingerprint, prepare_device
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.run import PARAMS, Run, choose, load_run
from stages.core.schema import read_yaml, validate
from stages.evaluate import EVALUATIONS, load_model
from stages.image_classification.train import scale_pixels
from stages.quality.frechet import fit_gaussian, frechet_distance
from stages.quality.recipe import Judge
from stages.quality.samples import classifier_score, precision_and_recall
from stages.results.metrics import summarise

JUDGED = Path("metrics/judged")
BATCH = 250  # images, whose maps stay in the processor's cache
SAMPLES, UNCHOSEN = "samples_", "unchosen_"  # and the seed: images of a generator in its evaluation


def judge(name: str) -> None:
    """Write metrics/judged/<name>.json.

    A generator's images have a `frechet_distance` from the test images, a `classifier_score`, `precision` and `recall`,
    and the share `least_class` of the class that they show least often; where it chooses them among candidates there is
    the `frechet_unchosen` of those it makes without a choice.

    Raises:
        UserError: the entry is wrong, the extractor was not trained, or there are no images of the generator.
    """
    entries = read_yaml(PARAMS).get("judge") or {}
    entry = validate(Judge, choose(entries, name, f"{PARAMS}: judge"), f"{PARAMS}: judge.{name}")
    run = load_run(entry.extractor)
    prepare_device(run.device)
    data = load_prepared(run.family, entry.data, run.device)
    extractor, _ = load_model(run, run.seeds[0], data.info)
    real, _ = see(extractor, run, data, data.test.inputs)
    path = EVALUATIONS / name / PREDICTIONS
    predictions = read_tensors(path)
    made = {key.removeprefix(SAMPLES): images for key, images in predictions.items() if key.startswith(SAMPLES)}
    if not made:
        raise UserError(f"{path}: has no images; {PARAMS}: judge.{name}: must be the run of a generator")
    scores = {}
    for seed in sorted(made, key=int):
        scores[int(seed)] = score(*see(extractor, run, data, made[seed].to(run.device)), real)
        if (unchosen := predictions.get(f"{UNCHOSEN}{seed}")) is not None:
            features, _ = see(extractor, run, data, unchosen.to(run.device))
            scores[int(seed)]["frechet_unchosen"] = frechet_distance(fit_gaussian(features), fit_gaussian(real))
    settings: dict[str, Any] = {"extractor": entry.extractor, "num_samples": len(made[seed]), "num_real": len(real)}
    settings["fingerprint"] = fingerprint(run.device)
    write_json(JUDGED / f"{name}.json", summarise(scores) | {"settings": settings})


@torch.no_grad()
def see(extractor: nn.Module, run: Run, data: Data, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (n, features) and logits (n, classes) of images, uint8 (n, 1, height, width)."""
    scaled = scale_pixels(data.test._replace(inputs=images), data.info, run.args).inputs
    features = torch.cat([extractor.features(batch) for batch in scaled.split(BATCH)])
    return features, extractor.output(features)


def score(made: Tensor, logits: Tensor, real: Tensor) -> dict[str, float]:
    """Return the scores of images with features `made` and `logits` beside real ones with features `real`."""
    precision, recall = precision_and_recall(made, real)
    counts = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
    return {
        "frechet_distance": frechet_distance(fit_gaussian(made), fit_gaussian(real)),
        "classifier_score": classifier_score(logits),
        "precision": precision,
        "recall": recall,
        "least_class": counts.min().item() / len(made),
    }
