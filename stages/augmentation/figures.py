"""Figures of augmentation: what each kind, and each corruption, makes of some images."""

from torch import Tensor

from stages.augmentation.corruptions import CORRUPTIONS
from stages.core.data import Data
from stages.image_classification import figures as classifiers
from stages.image_classification.augmentation import NAMES
from stages.results.figures import Drawing, new_figure

test_examples = classifiers.test_examples


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return a row of images for each kind of augmentation, and for each corruption of test images."""
    images = outputs["images"].float() / 255
    return {
        "augmented": _rows(
            "Training images as they are, and a draw of each kind of augmentation; in training, mixup and CutMix draw "
            "once for a batch, AugMix and AutoAugment for eight images.",
            {"as they are": images} | dict(zip(NAMES, outputs["augmented"], strict=True)),
        ),
        "corrupted": _rows(
            "Images as they are, and as test images are corrupted.",
            {"as they are": images} | dict(zip(CORRUPTIONS, outputs["corrupted"], strict=True)),
        ),
    }


def _rows(caption: str, rows: dict[str, Tensor]) -> Drawing:
    columns = len(next(iter(rows.values())))
    figure, grid = new_figure(6.6, 0.72 * len(rows), len(rows), columns)
    for axes_row, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(axes_row, images, strict=True):
            axes.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return Drawing(caption, figure)
