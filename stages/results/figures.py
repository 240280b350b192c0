"""Figures of the report. The same numbers give the same bytes: no dates, no random names, no settings of the user."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

matplotlib.rcdefaults()  # the user's matplotlibrc would change the bytes
matplotlib.rcParams.update(
    {
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": "medium",
        "font.size": 9,
        "grid.color": "#e4e4e4",
        "legend.frameon": False,
    }
)

# Okabe and Ito's colours, which colour-blind readers can tell apart; black for the documents' numbers.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
MISTAKE = "#d55e00"
DOCUMENT = "black"


class Drawing(NamedTuple):
    """A figure, drawn or as a PNG file, or a text, and the sentence that stands below it and in place of a figure."""

    caption: str
    figure: Figure | bytes | str


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure of width x height inches and its axes (an array of (rows, columns); alone if there is one)."""
    figure = Figure((width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, **options)


def line_style(index: int) -> dict[str, str]:
    """Return the look of the line with this number, from 0: where the colours begin anew, lines are dashed."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": ("-", "--")[index // len(COLOURS) % 2]}


def to_png(figure: Figure) -> bytes:
    """Return the figure as PNG without the name of the program in it."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None}, pil_kwargs={"optimize": True})
    return content.getvalue()


def learning_curves(title: str, curves: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the losses by epoch of several runs, each a frame with `epoch`, `train_loss`, maybe `validation_loss`."""
    figure, axes = new_figure(6, 3.3 + 0.1 * len(curves))
    drawn: list[float] = []
    lengths = sorted({len(curve) for curve in curves.values()})
    for index, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        # A longer training of the same settings begins as the shorter one does: it is drawn wider and below. A dot
        # marks where a curve ends, each smaller than the one before, so that none is hidden.
        rank, size = lengths.index(len(curve)), 3 + 5 * (1 - index / len(curves))
        for column, style in (("train_loss", "-"), ("validation_loss", "--")):
            if column in curve:
                name = label if column == "train_loss" else f"{label}, validation"
                style = ":" if index >= len(COLOURS) else style  # the colours begin anew
                look = {"color": colour, "linewidth": 1.5 + 2 * rank, "alpha": 0.5 if rank else 1, "zorder": 3 - rank}
                axes.plot(curve["epoch"], curve[column], style, label=name, **look)
                axes.plot(
                    curve["epoch"].iloc[-1:], curve[column].iloc[-1:], "o", color=colour, markersize=size, zorder=4
                )
                drawn.extend(curve[column])
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > 30:
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    caption = (
        f"{title}: training loss by epoch, the mean over all examples and seeds. Each example counts with the loss "
        "that it had when the model was trained on it."
    )
    if any("validation_loss" in curve for curve in curves.values()):
        caption += " Dashed lines: loss on the validation examples after the epoch."
    return Drawing(caption, figure)


def confusion_matrix(title: str, actual: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> Drawing:
    """Draw how often each class (a row) was taken for each class (a column): int arrays of shape (n,)."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(counts, (actual, predicted), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.6 + 0.42 * len(classes)
    figure, axes = new_figure(size + 0.4, size)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize="small")
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, classes)
    axes.set(xlabel="predicted", ylabel="actual")
    axes.grid(visible=False)
    right = int(np.trace(counts))
    caption = (
        f"{title}: actual and predicted class of the {counts.sum():,} test examples, of which {right:,} are classified "
        f"right (first seed). {_worst_confusion(counts, classes)}"
    )
    return Drawing(caption, figure)


def _worst_confusion(counts: np.ndarray, classes: Sequence[str]) -> str:
    mistakes = counts - np.diag(np.diag(counts))
    if not mistakes.any():
        return "There are no mistakes."
    row, column = np.unravel_index(mistakes.argmax(), mistakes.shape)
    return f"The most frequent mistake: {mistakes[row, column]} of class {classes[row]} taken for {classes[column]}."
