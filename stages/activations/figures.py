"""Figures of activation functions: learning curves, and what becomes of each layer's units."""

from collections.abc import Mapping

import pandas as pd
from torch import Tensor

from stages.image_classification import figures as classifiers
from stages.results.figures import COLOURS, Drawing, new_figure

test_examples = classifiers.test_examples

STYLES = ("-", "--")  # where the colours begin anew
COLUMNS = 4
SHARES = {"silent": "-", "dead": ":"}  # and how their lines are drawn


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the validation losses by epoch, and the shares of silent and dead units by layer and epoch."""
    return {"losses": _losses(title, curves), "units": _units(title, curves)}


def _losses(title: str, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    figure, axes = new_figure(6, 4)
    for index, (label, curve) in enumerate(curves.items()):
        style = STYLES[index // len(COLOURS) % len(STYLES)]
        axes.plot(curve["epoch"], curve["validation_loss"], style, color=COLOURS[index % len(COLOURS)], label=label)
    axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel="validation loss")
    axes.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    caption = f"{title}: loss on validation images by epoch, each activation with its own rate; means over seeds."
    return Drawing(caption, figure)


def _units(title: str, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    rows = -(-len(curves) // COLUMNS)
    figure, grid = new_figure(8, 0.6 + 2 * rows, rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for axes, (label, curve) in zip(grid.flat, curves.items(), strict=False):
        axes.set_visible(True)
        num_layers = sum(column.removeprefix("silent_").isdigit() for column in curve)
        for layer in range(1, num_layers + 1):
            for share, style in SHARES.items():
                name = f"{share}, layer {layer}" if axes is grid.flat[0] else None
                colour = COLOURS[(layer - 1) % len(COLOURS)]
                axes.plot(curve["epoch"], curve[f"{share}_{layer}"], style, color=colour, label=name, linewidth=1.2)
        axes.set_title(label.rpartition(", ")[0] or label)  # without the number of layers, which the table's title has
        axes.set_ylim(-0.03, 1.03)
        axes.locator_params(axis="x", integer=True, nbins=4)
    for axes in grid[:, 0]:
        axes.set_ylabel("share")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = (
        f"{title}: by hidden layer and epoch, the share of units that are silent for an image, that is saturated or at "
        "zero (lines), and of dead ones, which are silent for all (dots); means over seeds."
    )
    return Drawing(caption, figure)
