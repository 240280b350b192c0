"""Figures of shifts: accuracies of each network by how strong the shift is, and estimated weights beside true ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from stages.core.data import Data
from stages.core.run import Run, one_of
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure

TABLES_SHOW_OUTPUTS = True
ACCURACY = "_validation_accuracy"  # ends the columns of the networks' accuracies
STRENGTHS = {
    "target_share": "share of changed images in the target",
    "concentration": "concentration of the class frequencies",
}


def test_examples(run: Run, metric: str, outputs: Mapping[str, Tensor]) -> Examples:
    """Return the test split's examples, of which `metric`, an accuracy in the target, is the mean.

    Raises:
        UserError: the headline's `metric` is another one.
    """
    one_of(metric, ["weighted_accuracy"], f"{run.name}: headline.metric")
    right = outputs["right"].numpy()
    return Examples((len(right),), lambda chosen: right[chosen].mean())


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return images as they are and changed."""
    rows = {"as they are": outputs["images"], "changed": outputs["changed"]}
    columns = len(outputs["images"])
    figure, grid = new_figure(6.4, 0.58 * len(rows), len(rows), columns)
    for axes_row, (name, images) in zip(grid, rows.items(), strict=True):
        for axes, image in zip(axes_row, images, strict=True):
            axes.imshow(image[0].numpy(), cmap="gray", vmin=0, vmax=255)  # the same grey, or nothing would be darker
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return {"images": Drawing(f"{label}: test images as they are, and changed.", figure)}


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return accuracies in the target by the strength of the shift, or else by row; and class weights, if any."""
    strengths = [
        name for name in STRENGTHS if len({_number(found, name) for found in outputs.values()}) == len(outputs)
    ]
    drawn = {"accuracies": _accuracies(title, strengths[0] if strengths else None, curves, outputs)}
    if all("true_weight_1" in curve for curve in curves.values()):
        drawn["weights"] = _weights(title, curves)
    return drawn


def _number(found: Mapping[str, Tensor], name: str) -> float | None:
    return round(found[name].item(), 6) if name in found else None  # 0.3 in float32 is not


def _accuracies(
    title: str,
    strength: str | None,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
) -> Drawing:
    """Draw the last accuracy of each network: a line over strengths, or a dot a row; means over seeds."""
    columns = [column for column in next(iter(curves.values())) if column.endswith(ACCURACY)]
    figure, axes = new_figure(6, 3.6)
    places = np.arange(len(curves)) if strength is None else [_number(outputs[label], strength) for label in curves]
    for colour, column in zip(COLOURS, columns, strict=False):
        ends = [curve[column].iloc[-1] if column in curve else np.nan for curve in curves.values()]
        name = column.removesuffix(ACCURACY).replace("_", " ")
        style = {"linestyle": "none"} if strength is None else {}
        axes.plot(places, ends, marker="o", color=colour, label=name, **style)
    if strength is None:
        axes.set_xticks(places, list(curves), rotation=20, ha="right", rotation_mode="anchor")
    else:
        axes.set_xlabel(STRENGTHS[strength])
    if strength == "concentration":
        axes.set_xscale("log")
        axes.invert_xaxis()  # the shift is the stronger the smaller it is
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
    axes.set_ylabel("accuracy in the target")
    axes.legend()
    return Drawing(f"{title}: accuracies of the networks on validation images of the target; means over seeds.", figure)


def _weights(title: str, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    figure, axes = new_figure(4.6, 4.2)
    greatest = 0.0
    for colour, (label, curve) in zip(COLOURS, curves.items(), strict=False):
        ranks = range(1, 1 + sum(column.startswith("true_weight_") for column in curve))
        true, estimated = (
            [curve[f"{kind}_weight_{rank}"].iloc[-1] for rank in ranks] for kind in ("true", "estimated")
        )
        axes.plot(true, estimated, "o", color=colour, label=label, alpha=0.8)
        greatest = max(greatest, *true, *estimated)
    axes.plot([0, greatest], [0, greatest], color="black", linewidth=0.8, zorder=1)
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("symlog", linthresh=0.1)  # a weight may be 0
    axes.set(xlabel="true weight of a class", ylabel="estimated weight")
    axes.legend(fontsize="small")
    caption = (
        f"{title}: true and estimated weights of the classes, ordered by the true one; means over seeds. "
        "On the line they are equal."
    )
    return Drawing(caption, figure)
