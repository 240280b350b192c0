"""Figures of batch sizes, warm-up and decay: losses by epochs, steps and time, learning rates, errors by rate."""

from collections.abc import Mapping

import pandas as pd
from torch import Tensor

from stages.results.bootstrap import examples_of_classes
from stages.results.figures import COLOURS, Drawing, learning_curves, new_figure

TABLES_SHOW_OUTPUTS = True
UNITS = {"epochs": "epochs", "steps": "steps", "seconds": "seconds of training"}

test_examples = examples_of_classes


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return losses by what a race took; or learning curves, learning rates by epoch, and errors by rate."""
    if all(found["raced"] for found in outputs.values()):
        # That is a share of the epochs allowed, though a race ends before; their product is what a seed took.
        seconds = {
            label: None if seconds_an_epoch.get(label) is None else seconds_an_epoch[label] * found["num_epochs"].item()
            for label, found in outputs.items()
        }
        return {"loss": _races(title, curves, seconds)}
    return {
        "curves": learning_curves(title, curves),
        "rates": _learning_rates(title, curves),
        "errors": _errors(title, curves, outputs),
    }


def _races(title: str, curves: Mapping[str, pd.DataFrame], seconds: Mapping[str, float | None]) -> Drawing:
    known = all(value is not None for value in seconds.values())
    units = [unit for unit in UNITS if unit != "seconds" or known]
    figure, grid = new_figure(3.2 * len(units), 3.8, 1, len(units), sharey=True)
    for index, (label, curve) in enumerate(curves.items()):
        for unit, axes in zip(units, grid, strict=True):
            values = curve["steps"] / curve["steps"].iloc[-1] * seconds[label] if unit == "seconds" else curve[unit]
            name = label if unit == "epochs" else None
            axes.plot(values, curve["validation_loss"], marker="o", markersize=3, color=COLOURS[index], label=name)
    for unit, axes in zip(units, grid, strict=True):
        axes.set_xscale("log")
        axes.set_xlabel(UNITS[unit])
    grid[0].set_ylabel("validation loss")
    figure.legend(loc="outside lower center", ncols=4, fontsize="small")
    caption = f"{title}: what it takes until the validation loss has fallen to each level; means over seeds."
    if known:
        caption += (
            " Seconds are those of the machine that recorded the references, with all rates of a row side by side, "
            "spread evenly over the steps."
        )
    return Drawing(caption, figure)


def _learning_rates(title: str, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    figure, axes = new_figure(6, 3.6)
    for colour, (label, curve) in zip(COLOURS, curves.items(), strict=False):
        share = curve["learning_rate"] / curve["chosen_rate"]
        axes.plot(curve["epoch"] / curve["epoch"].iloc[-1], share, marker="o", markersize=3, color=colour, label=label)
    axes.set(xlabel="share of the epochs", ylabel="learning rate / highest", ylim=(0, 1.05))
    axes.legend(fontsize="small")
    caption = f"{title}: learning rate after each epoch, in that at its highest."
    return Drawing(caption, figure)


def _errors(title: str, curves: Mapping[str, pd.DataFrame], outputs: Mapping[str, Mapping[str, Tensor]]) -> Drawing:
    figure, axes = new_figure(6, 3.6)
    for colour, (label, found) in zip(COLOURS, outputs.items(), strict=False):
        rates = found["learning_rates"].tolist()
        errors = [curves[label][f"validation_error_{number}"].iloc[-1] for number in range(1, len(rates) + 1)]
        axes.plot(rates, errors, marker="o", color=colour, label=label)
    axes.set_xscale("log")
    axes.set(xlabel="learning rate at its highest", ylabel="validation error")
    axes.legend(fontsize="small")
    caption = f"{title}: share of validation images classified wrong after training with each rate; means over seeds."
    return Drawing(caption, figure)
