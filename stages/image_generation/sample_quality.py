"""Quality of a generator's samples: compared with test images by features that a trained classifier extracts."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stages.core.data import PREDICTIONS, Data, load_prepared, read_tensors
from stages.core.device import fingerprint, prepare_device
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.metrics import summarise
from stages.core.run import EVALUATIONS, METRICS, Run, choose, family_file, load_family, load_run
from stages.core.schema import validate
from stages.core.trained import load_model
from stages.image_classification.train import scale_pixels
from stages.image_generation.frechet import fit_gaussian, frechet_distance
from stages.image_generation.precision_recall import classifier_score, precision_and_recall
from stages.image_generation.prepare import SampleQuality

FAMILY = Path(__file__).parent.name
CLASSIFIERS = "image_classification"  # the family of the extractors
BATCH = 250  # images, whose feature maps stay in the processor's cache
SAMPLES, WITHOUT_SELECTION = "samples_", "unchosen_"  # and the seed: keys of an evaluation's predictions


def sample_quality(row: str) -> None:
    """Compare the samples of ROW's evaluation with test images; write metrics/image_generation/sample_quality/ROW.json.

    \f
    The metrics are `frechet_distance`, `classifier_score`, `precision`, `recall` and `rarest_class_share`, the share of
    the class that the samples show least often; where samples are selected among candidates there is the
    `frechet_without_selection` of those generated without a selection.

    Raises:
        UserError: the entry is wrong, the extractor was not trained, or there are no samples of the generator.
    """
    params = load_family(FAMILY)
    where = f"{family_file(FAMILY)}: sample_quality"
    entry = validate(SampleQuality, choose(params.sections.get("sample_quality", {}), row, where), f"{where}.{row}")
    run = load_run(f"{CLASSIFIERS}/{entry.extractor}")
    prepare_device(run.device)
    data = load_prepared(run.family, entry.data, run.device)
    extractor, _ = load_model(run, run.seeds[0], data.info)
    real, _ = extract(extractor, run, data, data.test.inputs)
    path = EVALUATIONS / FAMILY / row / PREDICTIONS
    # An evaluation that drew no samples leaves no such file.
    predictions = {} if path.parent.exists() and not path.exists() else read_tensors(path)
    samples = {key.removeprefix(SAMPLES): images for key, images in predictions.items() if key.startswith(SAMPLES)}
    if not samples:
        raise UserError(f"{path}: has no samples; {where}.{row}: must be a row with a generator")
    scores = {}
    for seed in sorted(samples, key=int):
        plain = predictions.get(f"{WITHOUT_SELECTION}{seed}")
        scores[int(seed)] = score_samples(extractor, run, data, real, samples[seed], plain)
    settings: dict[str, Any] = {"extractor": entry.extractor, "num_samples": len(samples[seed]), "num_real": len(real)}
    settings["fingerprint"] = fingerprint(run.device)
    path = METRICS / FAMILY / "sample_quality" / f"{row}.json"
    write_json(path, summarise(scores) | {"settings": settings})


def score_samples(
    extractor: nn.Module, run: Run, data: Data, real: Tensor, samples: Tensor, plain: Tensor | None
) -> dict[str, float]:
    """Return the scores of one model's samples, and the distance of those without a selection, if there are such.

    Samples are uint8 (n, 1, height, width), `real` the features of the test images; `run` is the extractor's.
    """
    scores = score(*extract(extractor, run, data, samples.to(run.device)), real)
    if plain is not None:
        features, _ = extract(extractor, run, data, plain.to(run.device))
        scores["frechet_without_selection"] = frechet_distance(fit_gaussian(features), fit_gaussian(real))
    return scores


@torch.no_grad()
def extract(extractor: nn.Module, run: Run, data: Data, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return features (n, features) and logits (n, classes) of images, uint8 (n, 1, height, width)."""
    scaled = scale_pixels(data.test._replace(inputs=images), data.info, run.args).inputs
    features = torch.cat([extractor.features(batch) for batch in scaled.split(BATCH)])
    return features, extractor.output(features)


def score(samples: Tensor, logits: Tensor, real: Tensor) -> dict[str, float]:
    """Return the scores of samples with features `samples` and `logits` beside real ones with features `real`."""
    precision, recall = precision_and_recall(samples, real)
    counts = torch.bincount(logits.argmax(1), minlength=logits.shape[1])
    return {
        "frechet_distance": frechet_distance(fit_gaussian(samples), fit_gaussian(real)),
        "classifier_score": classifier_score(logits),
        "precision": precision,
        "recall": recall,
        "rarest_class_share": counts.min().item() / len(samples),
    }
