"""Figures of the regression family: the fitted curve, the two clouds, or predictions against the truth."""

from torch import Tensor

from stages.core.data import Data
from stages.results.bootstrap import examples_of_classes
from stages.results.figures import COLOURS, MISTAKE, Drawing, confusion_matrix, new_figure


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figure of one run from the test split's `predicted` and `actual` values or classes, (n, …)."""
    predicted, actual, num_inputs = outputs["predicted"], outputs["actual"], data.test.inputs.shape[1]
    if data.info["task"] == "regression":
        if num_inputs == 1:
            return {"fit": _curve(label, data.test.inputs.flatten(), predicted.flatten(), actual.flatten())}
        return {"predictions": _scatter(label, predicted.flatten(), actual.flatten())}
    predicted, actual = predicted.flatten().long(), actual.flatten().long()
    if num_inputs == 2:
        return {"clouds": _clouds(label, data.test.inputs, predicted, actual)}
    return {"confusion": confusion_matrix(label, actual.numpy(), predicted.numpy(), data.info["classes"])}


test_examples = examples_of_classes


def _curve(label: str, x: Tensor, predicted: Tensor, actual: Tensor) -> Drawing:
    """Draw the fitted curve through the test points; all of shape (n,)."""
    figure, axes = new_figure(5, 3.4)
    order = x.argsort()
    axes.plot(x, actual, ".", color=COLOURS[5], markersize=3, label="test points")
    axes.plot(x[order], predicted[order], color=COLOURS[1], label="fitted curve")
    axes.set(xlabel="x", ylabel="y")
    axes.legend()
    return Drawing(f"{label}: the fitted curve and the {len(x):,} test points (first seed).", figure)


def _scatter(label: str, predicted: Tensor, actual: Tensor) -> Drawing:
    """Draw predictions against the truth, both (n,)."""
    figure, axes = new_figure(4.4, 3.8)
    axes.axline((0, 0), slope=1, color="black", linewidth=1)
    axes.plot(actual, predicted, ".", color=COLOURS[0], markersize=3)
    axes.set(xlabel="actual", ylabel="predicted")
    return Drawing(f"{label}: predicted against actual values of the test split; the line is perfection.", figure)


def _clouds(label: str, inputs: Tensor, predicted: Tensor, actual: Tensor, shown: int = 1000) -> Drawing:
    """Draw the first test points (n, 2) by actual class, mistakes ringed; classes (n,) 0 or 1."""
    figure, axes = new_figure(5, 4)
    points, actual, wrong = inputs[:shown], actual[:shown], (predicted != actual)[:shown]
    for kind, colour in ((0, COLOURS[0]), (1, COLOURS[4])):
        chosen = points[actual == kind]
        axes.plot(chosen[:, 0], chosen[:, 1], ".", color=colour, markersize=4, label=f"class {kind}")
    ring = {"markerfacecolor": "none", "markeredgecolor": MISTAKE, "markersize": 7}
    axes.plot(points[wrong][:, 0], points[wrong][:, 1], "o", label="mistake", **ring)
    axes.set(xlabel="first input", ylabel="second input", aspect="equal")
    axes.legend()
    caption = f"{label}: {len(points):,} test points, {int(wrong.sum())} of them on the wrong side (first seed)."
    return Drawing(caption, figure)
