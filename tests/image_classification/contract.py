"""What the generic tests need of this family: small data, a shortened run, and what is planted."""

from dataclasses import replace

import torch

from stages.core.data import Data, Split
from stages.core.family import family_module
from stages.core.run import Run
from stages.image_classification import mlp
from stages.prepare import load_recipes
from tests.planted import (
    Planted,
    Planting,
    dropout_left_on,
    learning_rate_ten_times_too_high,
    nothing,
    shuffled_labels,
    test_split_in_training,
)


def small_data(run: Run) -> Data:
    """Return random images of as many classes and of the shape that the run's data have, the same in every split.

    Of ten classes, grey and of 28 by 28 pixels, if the run's data are none of its family's.
    """
    recipes, _ = load_recipes(family_module(run.family, "data").PREPARED_BY or run.family)
    recipe = recipes.get(run.data)
    num_classes = 10 if recipe is None else len(recipe.classes)
    channels, size, _ = shape = getattr(recipe, "shape", (1, 28, 28))
    draws = torch.Generator().manual_seed(0)
    inputs = torch.randint(256, (96, *shape), generator=draws, dtype=torch.uint8)
    split = Split(inputs, torch.arange(96) % num_classes)
    info = {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.3, "classes": ["c"] * num_classes}
    return Data(split, split, split, info | {"channels": channels, "size": size})


def shortened(run: Run) -> Run:
    """Return the run with two epochs, of two steps, on no more images than the small data have."""
    fewer = {} if run.args.num_train is None else {"num_train": min(run.args.num_train, 96)}
    return replace(run, args=run.args.model_copy(update={"num_epochs": 2, "batch_size": 64} | fewer))


def wrong_normalisation(run: Run, data: Data) -> Planting:
    """Scale the test images otherwise than the training images: to three quarters of the range."""
    darker = (data.test.inputs * 0.75).to(torch.uint8)
    return nothing(run, replace(data, test=Split(darker, data.test.targets)))


def noisy_images(num: int, seed: int) -> Split:
    """Draw small images with a prototype of their class under noise; three in ten have a label drawn at random.

    So not all can be learned, and models of all seeds learn nearly the same.
    """
    prototypes = torch.randint(100, (10, 1, 14, 14), generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(seed)
    classes = torch.randint(10, (num,), generator=draws)
    targets = torch.where(torch.rand(num, generator=draws) < 0.3, torch.randint(10, (num,), generator=draws), classes)
    noise = torch.randint(176, (num, 1, 14, 14), generator=draws)
    return Split((prototypes[classes] * 0.8 + noise).to(torch.uint8), targets)


PLANTED = Planted(
    Run(
        "image_classification/small",
        "image_classification",
        "mlp",
        "noisy_images",
        mlp.Args(
            layer_sizes=[196, 128, 10],
            dropout=0.3,
            batch_size=50,
            learning_rate=0.02,
            momentum=0.9,
            num_epochs=5,
            initialisation="kaiming",
            pixels="standardised",
            schedule="cosine",
        ),
        [1],
        "cpu",
    ),
    Data(
        noisy_images(2000, 1),
        None,
        noisy_images(1000, 2),
        {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.26, "classes": [str(number) for number in range(10)]},
    ),
    [
        learning_rate_ten_times_too_high,
        shuffled_labels,
        dropout_left_on,
        wrong_normalisation,
        test_split_in_training,
    ],
    gains={test_split_in_training: {"test_accuracy", "test_loss"}},
)
