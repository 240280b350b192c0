"""Quality of a generator's samples: compared with real images by features that trained classifiers extract.

Settings of the generators were chosen by what the first classifier says of their distance to the test images. So there
is a second opinion that nothing was chosen by: another architecture, and images that were held out from training.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stages.core.data import PREDICTIONS, Split, load_prepared, read_tensors
from stages.core.device import fingerprint, prepare_device
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.metrics import summarise
from stages.core.run import EVALUATIONS, METRICS, Run, choose, family_file, load_device, load_family, load_run
from stages.core.schema import validate
from stages.core.trained import load_model
from stages.image_classification.train import scale_pixels
from stages.image_generation.frechet import fit_gaussian, frechet_distance
from stages.image_generation.precision_recall import classifier_score, precision_and_recall
from stages.image_generation.prepare import SampleQuality

FAMILY = Path(__file__).parent.name
CLASSIFIERS = "image_classification"  # the family of the extractors
BATCH = 250  # images, whose feature maps stay in the processor's cache
SAMPLES = "samples_"  # and the seed: keys of an evaluation's predictions


@dataclass(frozen=True)
class Judge:
    """A classifier that compares samples with real images.

    Attributes:
        model: the trained network, in evaluation mode.
        run: the classifier's.
        info: what the data that it was trained on say of themselves.
        images: real ones, uint8 (n, 1, height, width).
    """

    model: nn.Module
    run: Run
    info: dict[str, Any]
    images: Tensor

    @torch.no_grad()
    def extract(self, images: Tensor) -> Tensor:
        """Return the features, float32 (n, features), of images, uint8 (n, 1, height, width)."""
        scaled = scale_pixels(Split(images, images), self.info, self.run.args).inputs
        return torch.cat([self.model.features(batch) for batch in scaled.split(BATCH)])

    @cached_property
    def real(self) -> Tensor:
        """The features of the real images, float32 (n, features)."""
        return self.extract(self.images)


def sample_quality(row: str) -> None:
    """Compare the samples of ROW's evaluation with real images; write metrics/image_generation/sample_quality/ROW.json.

    \f
    The metrics are those of `score`, a number a seed.

    Raises:
        UserError: the entry is wrong, its data have no held-out images, an extractor was not trained, or there are no
            samples of the generator.
    """
    params = load_family(FAMILY)
    where = f"{family_file(FAMILY)}: sample_quality"
    entry = validate(SampleQuality, choose(params.sections.get("sample_quality", {}), row, where), f"{where}.{row}")
    device = load_device()
    prepare_device(device)
    data = load_prepared(CLASSIFIERS, entry.data, device)
    if data.validation is None:
        raise UserError(f"{where}.{row}.data = {entry.data}: must be data with held-out images")
    judge = load_judge(entry.extractor, data.test.inputs)
    held_out_judge = load_judge(entry.held_out_extractor, data.validation.inputs)
    path = EVALUATIONS / FAMILY / row / PREDICTIONS
    # An evaluation that drew no samples leaves no such file.
    predictions = {} if path.parent.exists() and not path.exists() else read_tensors(path)
    samples = {
        int(key.removeprefix(SAMPLES)): images.to(device)
        for key, images in predictions.items()
        if key.startswith(SAMPLES)
    }
    if not samples:
        raise UserError(f"{path}: has no samples; {where}.{row}: must be a row with a generator")
    scores = {seed: score(samples[seed], judge, held_out_judge) for seed in sorted(samples)}
    settings = {
        "extractor": entry.extractor,
        "held_out_extractor": entry.held_out_extractor,
        "num_samples": len(next(iter(samples.values()))),
        "num_real": len(data.test.inputs),
        "num_held_out": len(data.validation.inputs),
        "fingerprint": fingerprint(device),
    }
    path = METRICS / FAMILY / "sample_quality" / f"{row}.json"
    write_json(path, summarise(scores) | {"settings": settings})


def load_judge(row: str, images: Tensor) -> Judge:
    """Return a judge by the model of the first seed of a row of classifiers; `images` are the real ones.

    Raises:
        UserError: there is no such row, or it was not trained.
    """
    run = load_run(f"{CLASSIFIERS}/{row}")
    info = load_prepared(run.family, run.data, run.device).info
    return Judge(load_model(run, run.seeds[0], info)[0], run, info, images)


@torch.no_grad()
def score(samples: Tensor, judge: Judge, held_out_judge: Judge) -> dict[str, float]:
    """Return the scores of one model's samples, uint8 (n, 1, height, width).

    The metrics are `frechet_distance`, `classifier_score`, `precision`, `recall` and `rarest_class_share`, the share of
    the class that the samples show least often, all by `judge`, and `frechet_distance_held_out` by `held_out_judge`.
    """
    features, held_out_features = judge.extract(samples), held_out_judge.extract(samples)
    logits = judge.model.output(features)
    precision, recall = precision_and_recall(features, judge.real)
    counts = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
    return {
        "frechet_distance": frechet_distance(fit_gaussian(features), fit_gaussian(judge.real)),
        "frechet_distance_held_out": frechet_distance(
            fit_gaussian(held_out_features), fit_gaussian(held_out_judge.real)
        ),
        "classifier_score": classifier_score(logits),
        "precision": precision,
        "recall": recall,
        "rarest_class_share": counts.min().item() / len(samples),
    }
