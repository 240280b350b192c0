"""Figures of over- and underfitting: errors by hidden units, by images and by weight decay."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from stages.core.run import Run, one_of
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, learning_curves, new_figure

TABLES_SHOW_OUTPUTS = True
ERRORS = {"train_error": "training images", "validation_error": "validation images"}
SIZES = {"num_hiddens": "hidden units", "num_images": "training images"}


def test_examples(run: Run, metric: str, outputs: Mapping[str, Tensor]) -> Examples:
    """Return the test split's examples, of which `metric`, the error, counts those that are wrong.

    Raises:
        UserError: the headline's `metric` is another one.
    """
    one_of(metric, ["test_error"], f"{run.name}: headline.metric")
    wrong = (outputs["predicted"] != outputs["actual"]).numpy()
    return Examples((len(wrong),), lambda chosen: wrong[chosen].mean())


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return learning curves, and the errors by what the rows differ in; or the estimates by weight decay."""
    if all("weight_decays" in found for found in outputs.values()):
        return {"estimates": _estimates(title, curves, outputs)}
    size = max(SIZES, key=lambda name: len({found[name].item() for found in outputs.values()}))
    return {"curves": learning_curves(title, curves), "errors": _errors(title, size, curves, outputs)}


def _errors(
    title: str, size: str, curves: Mapping[str, pd.DataFrame], outputs: Mapping[str, Mapping[str, Tensor]]
) -> Drawing:
    places = [found[size].item() for found in outputs.values()]
    figure, axes = new_figure(6, 3.6)
    for colour, (column, name) in zip(COLOURS, ERRORS.items(), strict=False):
        ends = [curves[label][column].iloc[-1] for label in outputs]
        axes.plot(places, ends, marker="o", color=colour, label=name)
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{place:,}" for place in places])
    axes.minorticks_off()
    axes.set(xlabel=SIZES[size], ylabel="error", ylim=(0, None))
    axes.legend()
    caption = f"{title}: share of images classified wrong after training, by {SIZES[size]}; means over seeds."
    return Drawing(caption, figure)


def _estimates(title: str, curves: Mapping[str, pd.DataFrame], outputs: Mapping[str, Mapping[str, Tensor]]) -> Drawing:
    decays = next(iter(outputs.values()))["weight_decays"].tolist()
    places = np.arange(len(decays))  # evenly, because 0 has no place on a logarithmic axis
    figure, axes = new_figure(6, 3.6)
    for colour, (label, curve) in zip(COLOURS, curves.items(), strict=False):
        estimates = [curve[f"estimated_error_{number}"].iloc[-1] for number in range(1, len(decays) + 1)]
        axes.plot(places, estimates, marker="o", color=colour, label=label)
    axes.set_xticks(places, [f"{decay:g}" for decay in decays])
    axes.set(xlabel="weight decay", ylabel="estimated error")
    axes.legend()
    caption = (
        f"{title}: error that held-out folds estimate for each weight decay, a mean over seeds and divisions. A single "
        "division of a single seed scatters around it, as the table says."
    )
    return Drawing(caption, figure)
