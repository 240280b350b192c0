"""Figures of first weights: vanishing and exploding signals by layer, and how the deepest networks learn."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from stages.core.run import Run, one_of
from stages.results.bootstrap import Examples
from stages.results.figures import Drawing, line_style, new_figure

TABLES_SHOW_OUTPUTS = True
MOST_LOSS = 4  # nats; guessing blindly costs 2.3, and where the loss explodes it goes beyond all axes
# What the captions say of each signal, and the number of its first layer: activations begin with the pixels, layer 0;
# gradients end with the logits, after the last layer.
SIGNALS = {
    "activation": ("They vanish or explode to the right.", 0),
    "gradient": (
        "They vanish or explode to the left. Where all weights are equal, the gradients of the classes cancel, and "
        "what is left is rounding.",
        1,
    ),
}


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
    networks = [name.removeprefix("gradient_sd_") for name in first if name.startswith("gradient_sd_")]
    depths = sorted({int(name.rpartition("_")[2]) for name in networks})
    activations = list(dict.fromkeys(name.rpartition("_")[0] for name in networks))
    drawn = {f"{signal}s": _by_layer(signal, activations, depths, outputs) for signal in SIGNALS}
    return drawn | {"losses": _losses(activations, depths[-1], curves)}


def _by_layer(
    signal: str, activations: list[str], depths: list[int], outputs: Mapping[str, Mapping[str, Tensor]]
) -> Drawing:
    rows, (direction, first_layer) = len(activations), SIGNALS[signal]
    figure, grid = new_figure(8, 1 + 2.2 * rows, rows, len(depths), sharex="col", sharey="row", squeeze=False)
    for axes_row, activation in zip(grid, activations, strict=True):
        for axes, depth in zip(axes_row, depths, strict=True):
            for index, (label, found) in enumerate(outputs.items()):
                values = found[f"{signal}_sd_{activation}_{depth}"].numpy()
                shown = np.where(values > 0, values, np.nan)
                layers = np.arange(len(values)) + first_layer
                axes.plot(layers, shown, label=label if axes is grid[0, 0] else None, **line_style(index))
            axes.set_yscale("log")
            axes.set_title(f"{activation}, {depth} layers")
            axes.locator_params(axis="x", integer=True)
        axes_row[0].set_ylabel("standard deviation")
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = (
        f"Standard deviation of {signal}s over images by layer before training: roots of means over units, geometric "
        f"means over seeds. Level lines are what a good initialisation gives. {direction} What is exactly zero has no "
        "place here."
    )
    return Drawing(caption, figure)


def _losses(activations: list[str], depth: int, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    figure, grid = new_figure(8, 3.2, 1, len(activations), sharey=True, squeeze=False)
    for axes, activation in zip(grid[0], activations, strict=True):
        for index, (label, curve) in enumerate(curves.items()):
            name = label if axes is grid[0, 0] else None
            axes.plot(curve["epoch"], curve[f"validation_loss_{activation}_{depth}"], label=name, **line_style(index))
        axes.set(title=activation, xlabel="epoch", ylim=(0, MOST_LOSS))
        axes.locator_params(axis="x", integer=True)
    grid[0, 0].set_ylabel("validation loss (nats)")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = (
        f"Loss of the networks of {depth} hidden layers on validation images by epoch; means over seeds; what is above "
        f"{MOST_LOSS} nats is not shown."
    )
    return Drawing(caption, figure)
