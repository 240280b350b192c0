"""Figures of descents on a convex problem: the gap to the minimum by step and by time, and what the rate decides."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from stages.results.bootstrap import examples_of_classes
from stages.results.figures import Drawing, line_style, new_figure

TABLES_SHOW_OUTPUTS = True
LEAST_GAP = 1e-16  # what is nearer to the minimum is rounding

test_examples = examples_of_classes


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the gap of each row's fastest rate by step and by time, and the steps to the goal by rate."""
    drawings = {"gaps": _gaps(title, outputs, None)}
    if all(seconds_an_epoch.get(label) for label in outputs):
        drawings["time"] = _gaps(title, outputs, seconds_an_epoch)
    tuned = {label: found for label, found in outputs.items() if len(found["rates"]) > 1}
    return drawings | ({"rates": _by_rate(title, tuned)} if tuned else {})


def _gaps(
    title: str, outputs: Mapping[str, Mapping[str, Tensor]], seconds: Mapping[str, float | None] | None
) -> Drawing:
    """Draw gaps by step; by time if `seconds` says how long all rates of a seed took."""
    figure, axes = new_figure(6.4, 4)
    for index, (label, found) in enumerate(outputs.items()):
        gaps = found["gaps"].clamp(min=LEAST_GAP).numpy()
        places = np.arange(1, len(gaps) + 1.0)
        if seconds is not None:
            places *= seconds[label] / len(found["rates"]) / len(gaps)
        marker = "." if len(gaps) < 100 else None
        axes.plot(places, gaps, label=label, marker=marker, **line_style(index))
    axes.set(xscale="log", yscale="log", ylabel="nats above the minimum")
    axes.set_xlabel("points from the start on" if seconds is None else "seconds of training")
    axes.legend(fontsize=7)
    caption = f"{title}: how far the objective is above its minimum (first seed), with the fastest rate of each row"
    if seconds is not None:
        caption += ". All rates train side by side; one counts its share of the recorded time"
    return Drawing(f"{caption}; below 1e-15 there is only rounding.", figure)


def _by_rate(title: str, outputs: Mapping[str, Mapping[str, Tensor]]) -> Drawing:
    figure, axes = new_figure(6.4, 4)
    for index, (label, found) in enumerate(outputs.items()):
        axes.plot(found["rates"], found["num_steps"], marker="o", markersize=3, label=label, **line_style(index))
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="steps to the goal")
    axes.legend(fontsize=7)
    caption = f"{title}: steps to the goal by learning rate (first seed); the highest ones never reach it."
    return Drawing(caption, figure)
