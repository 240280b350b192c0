"""Scores of image classifiers on the test images, and on the same images darker, moved, turned and partly covered."""

import torch
from torch import Tensor, nn

from stages.augmentation.corruptions import CORRUPTIONS
from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers
from stages.image_classification.augmentation import NAMES, augment_pixels, augment_values
from stages.image_classification.evaluate import accuracy_after

SHOWN, SEED = 8, 0


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of image_classification and, for each corruption, `<corruption>_accuracy` on test images."""
    scores = classifiers.score(model, run, data, history)
    for name, change in CORRUPTIONS.items():
        scores[f"{name}_accuracy"] = accuracy_after(change, model, run, data)
    scores["corrupted_accuracy"] = sum(scores[f"{name}_accuracy"] for name in CORRUPTIONS) / len(CORRUPTIONS)
    return scores


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what figures need: `predicted` and `actual`, int64 (n,); and images before and after each change.

    `images` are the first training images, uint8 (SHOWN, height, width); `augmented` what each kind makes of them, in
    the order of `NAMES`, as float32 from 0 to 1 (kinds, SHOWN, height, width); `corrupted` the same of the corruptions.
    """
    torch.manual_seed(SEED)
    images, targets = data.train.inputs[:SHOWN], data.train.targets[:SHOWN]
    num_classes = len(data.info["classes"])
    augmented = []
    for name in NAMES:
        draws = torch.Generator().manual_seed(SEED)
        examples = []
        for shown in range(SHOWN):  # a draw each: mixup and cutmix take one share for a whole batch
            values = augment_pixels(images, [name], draws).float() / 255
            examples.append(augment_values(values, targets, [name], num_classes, draws)[0][shown, 0])
        augmented.append(torch.stack(examples))
    corrupted = [change(images)[:, 0].float() / 255 for change in CORRUPTIONS.values()]
    return classifiers.outputs(model, run, data) | {
        "images": images[:, 0],
        "augmented": torch.stack(augmented).clamp(0, 1),
        "corrupted": torch.stack(corrupted),
    }
