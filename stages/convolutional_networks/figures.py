"""Figures of convolutional networks: filters and feature maps of a row, accuracy on moved and turned images."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from torch import Tensor

from stages.convolutional_networks.evaluate import CURVE, DEGREES, PIXELS
from stages.core.data import Data
from stages.image_classification import figures as classifiers
from stages.results.figures import Drawing, learning_curves, line_style, new_figure

COLUMNS, MOST = 8, 32
TABLES_SHOW_OUTPUTS = True

test_examples = classifiers.test_examples


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figures of a classifier, and of a convolutional one its first filters and what they find."""
    drawings = classifiers.draw(label, outputs, data)
    if "filters" in outputs:
        filters, maps = outputs["filters"][:MOST], outputs["feature_maps"][:MOST]
        caption = f"{label}: filters of the first convolution; blue is negative, red positive (first seed)."
        drawings["filters"] = _images(caption, filters)
        caption = f"{label}: what each of these filters makes of the first test image, above zero in red."
        drawings["feature_maps"] = _images(caption, maps)
    return drawings


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, dict[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return learning curves, and the accuracy by how far test images are moved and turned."""
    return {
        "curves": learning_curves(title, curves),
        "moved": _accuracies(
            f"{title}: the first {CURVE:,} test images moved (first seed).", "pixels", PIXELS, outputs, "moved"
        ),
        "turned": _accuracies(
            f"{title}: the first {CURVE:,} test images turned (first seed).", "degrees", DEGREES, outputs, "turned"
        ),
    }


def _accuracies(caption: str, unit: str, places: Any, outputs: Mapping[str, dict[str, Tensor]], key: str) -> Drawing:
    figure, axes = new_figure(6.2, 4)
    for index, (label, found) in enumerate(outputs.items()):
        axes.plot(
            list(places),
            found[key].tolist(),
            marker="o",
            markersize=3,
            label=label,
            **line_style(index),
        )
    axes.set_xlabel(unit)
    axes.set_ylabel("test accuracy")
    axes.legend(fontsize=7)
    return Drawing(caption, figure)


def _images(caption: str, images: Tensor) -> Drawing:
    rows = -(-len(images) // COLUMNS)
    figure, grid = new_figure(6.2, 0.85 * rows, rows, COLUMNS)
    reach = images.abs().max().item()
    for index, axes in enumerate(grid.flat):
        axes.axis("off")
        if index < len(images):
            axes.imshow(images[index].numpy(), cmap="bwr", vmin=-reach, vmax=reach)
    return Drawing(caption, figure)
