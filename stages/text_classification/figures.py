"""Figures of text classifiers: confusion matrix, the most confident mistakes, calibration."""

import math
import textwrap
from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from torch import Tensor

from stages.core.data import load_prepared
from stages.core.run import Run
from stages.results.bootstrap import Examples, examples_of_accuracy
from stages.results.figures import COLOURS, DOCUMENT, Drawing, confusion_matrix, learning_curves, new_figure
from stages.text_classification.data import RatedTexts

CLASSES = ("negative", "positive")
MISTAKES = 5  # of each class
BINS = 10  # of equal width, for the calibration
COLUMNS = 5
TABLES_SHOW_OUTPUTS = True


def draw(label: str, outputs: dict[str, Tensor], data: RatedTexts) -> dict[str, Drawing]:
    """Return the figures of one run from what the family's evaluate.py returns of its first fold."""
    actual, predicted = (outputs["ratings"] > 0).long(), (outputs["logits"] > 0).long()
    return {
        "confusion": confusion_matrix(label, actual.numpy(), predicted.numpy(), CLASSES),
        "mistakes": _mistakes(label, outputs, data),
    }


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the test texts of the first fold, of which `metric`, the accuracy, counts those that are right."""
    right = ((outputs["logits"] > 0) == (outputs["ratings"] > 0)).numpy()
    num_folds = load_prepared(run.family, run.data).num_folds
    return examples_of_accuracy(run, metric, right, num_test_sets=num_folds)


def _mistakes(label: str, outputs: dict[str, Tensor], data: RatedTexts) -> Drawing:
    """Return the texts of each class that the model was surest were of the other one."""
    logits, ratings = outputs["logits"].double(), outputs["ratings"]
    probabilities = logits.sigmoid()
    lines = []
    for positive, order in ((False, logits.argsort(descending=True)), (True, logits.argsort())):
        wrong = [place for place in order.tolist() if (ratings[place] > 0) == positive != (logits[place] > 0)]
        lines.append(f"Taken for {CLASSES[not positive]}:")
        for place in wrong[:MISTAKES]:
            text = data.texts.strings[outputs["numbers"][place]]
            lines.append(f"  p = {probabilities[place]:.3f}, rated {ratings[place]:+.2f}: {text}")
    caption = f"{label}: the most confident mistakes, with the probability p of a positive text and the mean rating"
    return Drawing(f"{caption} (first fold).", "\n".join(lines))


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, dict[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the figures of a table; all arguments but the title go by the label of the row."""
    trained = {label: curve for label, curve in curves.items() if len(curve) > 1}
    drawings = {"calibration": _calibration(title, outputs)}
    return drawings | ({"curves": learning_curves(title, trained)} if trained else {})


def _calibration(title: str, outputs: Mapping[str, dict[str, Tensor]]) -> Drawing:
    """Draw a small panel for each row: predicted probability against the share of positive texts."""
    rows = math.ceil(len(outputs) / COLUMNS)
    figure, grid = new_figure(9, 0.6 + 1.9 * rows, rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(outputs) :]:
        axes.axis("off")
    for axes, (label, output) in zip(grid.flat, outputs.items(), strict=False):
        probabilities, shares, counts = calibration(output["logits"], output["ratings"] > 0)
        axes.plot([0, 1], [0, 1], color=DOCUMENT, linewidth=0.8)
        axes.plot(probabilities, shares, color=COLOURS[0], linewidth=1)
        axes.scatter(probabilities, shares, s=1 + 60 * counts / counts.sum(), color=COLOURS[0])
        axes.set_title(textwrap.fill(label, 26), fontsize=7)
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    figure.supxlabel("mean predicted probability of a positive text", fontsize=9)
    figure.supylabel("share of positive texts", fontsize=9)
    caption = (
        f"{title}: calibration on the first fold's test texts, in {BINS} bins of predicted probability. A larger dot "
        f"has more texts. On the diagonal a model is as sure as it is right. One that learned from mean ratings is too "
        f"modest: its probability is that of a rating, and the label is only whether the mean is above 0."
    )
    return Drawing(caption, figure)


def calibration(logits: Tensor, positive: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each bin with texts, the mean probability, the share of positive texts, and the number of texts.

    Args:
        logits: float (texts,).
        positive: bool (texts,).
    """
    # A probability between two bins, such as the 0.5 of a model without an opinion, belongs to the upper one.
    probabilities = np.nextafter(logits.double().sigmoid().numpy(), 1)
    shares, means = calibration_curve(positive.numpy(), probabilities, n_bins=BINS)
    inner_edges = np.linspace(0, 1, BINS + 1)[1:-1]  # calibration_curve's, which does not tell the counts
    counts = np.bincount(np.searchsorted(inner_edges, probabilities))
    return means, shares, counts[counts > 0]
