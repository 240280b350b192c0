"""What the generic tests need of this family: small data, a shortened run, and what is planted."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from unittest.mock import patch

import torch
from torch import Tensor, nn

from stages.core.data import Data, Split, load_prepared
from stages.core.run import Run, load_family
from stages.image_classification.train import fit
from stages.image_generation import evaluate, vae
from stages.image_generation.sample_quality import Judge, load_judge, score
from tests.image_classification.contract import wrong_normalisation
from tests.image_generation.small import EXTRACTOR, divided, small_images
from tests.planted import Planted, Planting, learning_rate_ten_times_too_high, nothing, test_split_in_training


def small_data(run: Run) -> Data:
    """Return bright squares on black."""
    return small_images()


def shortened(run: Run) -> Run:
    """Return the run with two epochs of three steps, and small networks where convolutions make samples slow."""
    changes = {"num_epochs": 2, "batch_size": 32, "num_images": 50}
    for argument, most in (("num_channels", 8), ("num_components", 2), ("candidates", 2)):
        changes[argument] = min(most, getattr(run.args, argument, 0))
    fitting = {name: value for name, value in changes.items() if hasattr(run.args, name)}
    return replace(run, args=run.args.model_copy(update=fitting))


def small_evaluation() -> AbstractContextManager:
    """Draw fewer samples."""
    return patch.object(evaluate, "NUM_SAMPLES", 2000)


def class_forgotten(run: Run, data: Data) -> Planting:
    """Lose the training images of the last class, as a range that ends too early does."""
    kept = data.train.targets < data.train.targets.max()
    return nothing(run, replace(data, train=Split(data.train.inputs[kept], data.train.targets[kept])))


def latents_not_drawn(run: Run, data: Data) -> Planting:
    """Decode the mean of the posterior in place of a draw."""
    return run, data, patch.object(vae, "reparameterise", lambda mean, log_variance, draws: mean)


def samples_paler(run: Run, data: Data) -> Planting:
    """Scale generated samples otherwise than real images: to half of the range."""
    found = evaluate.to_pixels
    return run, data, patch.object(evaluate, "to_pixels", lambda intensities: found(0.5 * intensities))


def noisy_waves(num_train: int, num_test: int) -> Data:
    """Draw images that two normal numbers determine, but for much noise; five classes by the angle of the two.

    So models of all seeds learn nearly the same, and more training images help against the noise.
    """
    draws = torch.Generator().manual_seed(0)
    latents = torch.randn(num_train + num_test, 2, generator=draws)
    place = torch.linspace(0, torch.pi, 28)
    waves = torch.stack([torch.outer(place.sin(), place.sin()), torch.outer((2 * place).sin(), place.sin())])
    intensities = (latents @ torch.diag(torch.tensor([4.0, 3.4])) @ waves.flatten(1)).sigmoid().view(-1, 1, 28, 28)
    noise = 0.12 * torch.randn(intensities.shape, generator=draws)
    images = (intensities + noise).clamp(0, 1).mul(255).round().byte()
    classes = ((latents[:, 1].atan2(latents[:, 0]) / (2 * torch.pi) + 0.5) * 5).long().clamp(max=4)
    return divided(images, classes, num_train)


@cache
def load_judges(run: str) -> list[Judge] | None:
    """Return the judges of a run's samples, by test images and by held-out ones.

    Of the small run one is trained here, which takes both places; of a row without a generator there are none.
    """
    if run == PLANTED.run.name:
        args = EXTRACTOR.model_copy(update={"kernel_size": 3, "num_epochs": 10, "batch_size": 20})
        small = Run("image_classification/small", "image_classification", "lenet", "noisy_waves", args, [1], "cpu")
        torch.manual_seed(1)
        data = noisy_waves(400, 1)
        model = fit(small, data, 1)[0].eval()
        return 2 * [Judge(model, small, data.info, PLANTED.data.test.inputs)]
    family, _, row = run.partition("/")
    entry = load_family(family).sections["sample_quality"].get(row)
    if entry is None:
        return None
    data = load_prepared(family, entry["data"])
    return [
        load_judge(entry["extractor"], data.test.inputs),
        load_judge(entry["held_out_extractor"], data.validation.inputs),
    ]


def score_samples(model: nn.Module, run: Run, data: Data, predictions: Mapping[str, Tensor]) -> dict[str, float]:
    """Return what the stage `sample_quality` makes of samples."""
    judges = load_judges(run.name)
    return {} if judges is None else score(predictions["samples"], *judges)


PLANTED = Planted(
    Run(
        "image_generation/small",
        "image_generation",
        "vae",
        "noisy_waves",
        vae.Args(
            num_latents=2,
            layer_sizes=[64],
            num_components=1,
            num_epochs=40,
            batch_size=20,
            learning_rate=0.01,
            precision="float32",
        ),
        [1],
        "cpu",
    ),
    noisy_waves(60, 200),
    [
        learning_rate_ten_times_too_high,
        wrong_normalisation,
        class_forgotten,
        latents_not_drawn,
        samples_paler,
        test_split_in_training,
    ],
    gains={test_split_in_training: {"reconstruction_error", "negative_elbo"}},
    shows={samples_paler: {"frechet_distance"}},
    score=score_samples,
)
