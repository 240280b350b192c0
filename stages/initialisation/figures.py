"""Figures of first weights: vanishing and exploding signals by layer, and how the deepest networks learn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from stages.core.run import Run, one_of
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure

TABLES_SHOW_OUTPUTS = True
SIGNALS = {"activation_sd": "activations", "gradient_sd": "gradients"}
STYLES = ("-", "--")  # where the colours begin anew


def test_examples(run: Run, metric: str, outputs: Mapping[str, Tensor]) -> Examples:
    """Return the test split's examples, of which `metric`, the last network's accuracy, counts those that are right.

    Raises:
        UserError: the headline's `metric` is another one.
    """
    one_of(metric, [f"accuracy_{run.args.activations[-1]}_{run.args.depths[-1]}"], f"{run.name}: headline.metric")
    right = (outputs["predicted"] == outputs["actual"]).numpy()
    return Examples((len(right),), lambda chosen: right[chosen].mean())


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return standard deviations by layer before training, and the deepest networks' losses by epoch."""
    first = next(iter(outputs.values()))
    activations = [name.removeprefix("gradient_sd_") for name in first if name.startswith("gradient_sd_")]
    depth = len(first[f"gradient_sd_{activations[0]}"]) - 1
    return {"signals": _signals(activations, depth, outputs), "losses": _losses(activations, depth, curves)}


def _signals(activations: list[str], depth: int, outputs: Mapping[str, Mapping[str, Tensor]]) -> Drawing:
    rows = len(activations)
    figure, grid = new_figure(7.5, 1 + 2.4 * rows, rows, len(SIGNALS), sharex=True, squeeze=False)
    for axes_row, activation in zip(grid, activations, strict=True):
        for axes, (signal, name) in zip(axes_row, SIGNALS.items(), strict=True):
            for index, (label, found) in enumerate(outputs.items()):
                values = found[f"{signal}_{activation}"].numpy()
                # Activations begin with the pixels, layer 0; gradients end with the logits, after the last layer.
                layers = np.arange(len(values)) + (signal == "gradient_sd")
                shown = np.where(values > 0, values, np.nan)
                axes.plot(layers, shown, label=label if axes is grid[0, 0] else None, **_look(index))
            axes.set_yscale("log")
            axes.set_title(f"{activation}: {name}")
            axes.locator_params(axis="x", integer=True)
        axes_row[0].set_ylabel("standard deviation")
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = (
        f"Standard deviation of activations and gradients by layer before training, in networks of {depth} hidden "
        "layers (first seed). Level lines are what a good initialisation gives. Activations vanish or explode to the "
        "right, gradients to the left. What is exactly zero has no place here; where all weights are equal, the "
        "gradients of the classes cancel, and what is left is rounding."
    )
    return Drawing(caption, figure)


def _losses(activations: list[str], depth: int, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    figure, grid = new_figure(8, 3.2, 1, len(activations), sharey=True, squeeze=False)
    for axes, activation in zip(grid[0], activations, strict=True):
        for index, (label, curve) in enumerate(curves.items()):
            name = label if axes is grid[0, 0] else None
            axes.plot(curve["epoch"], curve[f"validation_loss_{activation}_{depth}"], label=name, **_look(index))
        axes.set_yscale("log")
        axes.set(title=activation, xlabel="epoch")
        axes.locator_params(axis="x", integer=True)
    grid[0, 0].set_ylabel("validation loss")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = f"Loss of the networks of {depth} hidden layers on validation images by epoch; means over seeds."
    return Drawing(caption, figure)


def _look(index: int) -> dict[str, str]:
    style = STYLES[index // len(COLOURS) % len(STYLES)]
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": style}
