"""Figures of deep networks: variances of what layers read and of their gradients, by layer and epoch."""

from collections.abc import Mapping

import pandas as pd
from torch import Tensor

from stages.image_classification import figures as classifiers
from stages.results.figures import COLOURS, Drawing, learning_curves, new_figure

test_examples = classifiers.test_examples
KINDS = {"activation": "values", "gradient": "gradients"}


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, dict[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return learning curves, and the variances of each row: a line an epoch over the layers."""
    drawings = {"curves": learning_curves(title, curves)}
    for kind, name in KINDS.items():
        columns = min(4, len(curves))
        rows = -(-len(curves) // columns)
        figure, grid = new_figure(2.2 * columns, 1.9 * rows, rows, columns, sharey=True, squeeze=False)
        for axes, (label, curve) in zip(grid.flat, curves.items(), strict=False):
            layers = [column for column in curve if column.startswith(f"{kind}_variance_")]
            for epoch, (_, record) in enumerate(curve.iterrows()):
                axes.plot(range(1, len(layers) + 1), record[layers], color=COLOURS[0], alpha=(epoch + 1) / len(curve))
            axes.set_yscale("log")
            axes.set_title(label, fontsize=8)
        for axes in list(grid.flat)[len(curves) :]:
            axes.axis("off")
        figure.supxlabel("layer", fontsize=9)
        caption = (
            f"{title}: variance of the {name} that each layer reads, after each epoch (the darker, the later), a mean "
            f"over seeds."
        )
        drawings[kind] = Drawing(caption, figure)
    return drawings
