"""Scores of image classifiers on the test pictures, and on the same things as another designer draws them."""

import torch
from torch import Tensor, nn

from stages.colour_pictures.data import Pictures
from stages.core.data import Data, Split
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers
from stages.image_classification.augmentation import augment_pixels
from stages.image_classification.evaluate import predicted_classes

SHOWN, DRAWS, SEED = 10, 3, 0


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of image_classification, and `other_designer_accuracy` where there is another designer."""
    scores = classifiers.score(model, run, data, history)
    if (other := _other_designer(data)) is not None:
        scores["other_designer_accuracy"] = accuracy(predicted_classes(model, run, data, other), other.targets)
    return scores


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what figures need.

    `predicted` and `actual` classes of the test split, int64 (n,); where there is another designer,
    `predicted_of_other`, int64 (n,), the same for that one's pictures; where there is augmentation of bytes,
    `augmented`, uint8 (DRAWS, SHOWN, channels, height, width), what it makes of the first training pictures.
    """
    found = classifiers.outputs(model, run, data)
    if (other := _other_designer(data)) is not None:
        found["predicted_of_other"] = predicted_classes(model, run, data, other)
    if run.args.augmentation:
        torch.manual_seed(SEED)
        draws = torch.Generator().manual_seed(SEED)
        shown = data.train.inputs[:SHOWN]
        found["augmented"] = torch.stack(
            [augment_pixels(shown, run.args.augmentation, draws, data.info.get("background", 0)) for _ in range(DRAWS)]
        )
    return found


def _other_designer(data: Data) -> Split | None:
    return data.other_designer if isinstance(data, Pictures) else None
