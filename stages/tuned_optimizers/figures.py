"""Figures of tuned optimizers: loss by epoch and by time, and what the rate decides."""

from collections.abc import Mapping

import pandas as pd
from torch import Tensor

from stages.image_classification import figures as classifiers
from stages.results.figures import Drawing, learning_curves, line_style, new_figure

TABLES_SHOW_OUTPUTS = True
MOST_LOSS = 1.2  # nats; above that a network has not learned much

test_examples = classifiers.test_examples


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return learning curves, the training loss by time, and the validation loss by learning rate."""
    drawings = {"curves": learning_curves(title, curves)}
    if all(seconds_an_epoch.get(label) for label in outputs):
        drawings["time"] = _by_time(title, curves, outputs, seconds_an_epoch)
    return drawings | {"rates": _by_rate(title, curves, outputs)}


def _by_time(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> Drawing:
    figure, axes = new_figure(6.2, 3.8)
    for index, (label, found) in enumerate(outputs.items()):
        curve = curves[label]
        seconds = curve["epoch"] * seconds_an_epoch[label] / len(found["rates"])
        axes.plot(seconds, curve["train_loss"], marker="o", markersize=3, label=label, **line_style(index))
    axes.set(xlabel="seconds of training", ylabel="training loss (nats)")
    axes.legend(fontsize=7)
    caption = (
        f"{title}: training loss by time. All rates train side by side; an epoch of one counts the share of it in the "
        "recorded time of all."
    )
    return Drawing(caption, figure)


def _by_rate(title: str, curves: Mapping[str, pd.DataFrame], outputs: Mapping[str, Mapping[str, Tensor]]) -> Drawing:
    figure, axes = new_figure(6.2, 3.8)
    for index, (label, found) in enumerate(outputs.items()):
        rates = found["rates"].tolist()
        ends = [curves[label][f"validation_loss_{number}"].iloc[-1] for number in range(1, len(rates) + 1)]
        axes.plot(rates, ends, marker="o", markersize=3, label=label, **line_style(index))
    least = min(line.get_ydata().min() for line in axes.lines)
    axes.set(xscale="log", xlabel="learning rate", ylabel="validation loss (nats)", ylim=(0.95 * least, MOST_LOSS))
    axes.legend(fontsize=7)
    caption = (
        f"{title}: validation loss after the last epoch by learning rate, means over seeds; what is above {MOST_LOSS} "
        "nats is not shown."
    )
    return Drawing(caption, figure)
