"""Figures of an image classifier: the confusion matrix and a grid of test images."""

from torch import Tensor

from stages.core.data import Data
from stages.core.run import Run
from stages.results.bootstrap import Examples, examples_of_accuracy
from stages.results.figures import MISTAKE, Drawing, confusion_matrix, new_figure

ROWS, COLUMNS = 4, 6


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figures of one run from the test split's `predicted` and `actual` classes, int64 (n,)."""
    classes, actual, predicted = data.info["classes"], outputs["actual"], outputs["predicted"]
    return {
        "confusion": confusion_matrix(label, actual.numpy(), predicted.numpy(), classes),
        "images": _grid(label, data.test.inputs, actual.tolist(), predicted.tolist(), classes),
    }


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the test split's examples, of which `metric`, the accuracy, counts those that are right."""
    return examples_of_accuracy(run, metric, (outputs["predicted"] == outputs["actual"]).flatten().numpy())


def _grid(label: str, images: Tensor, actual: list[int], predicted: list[int], classes: list[str]) -> Drawing:
    """Draw the first test images, uint8 (n, 1, height, width), not chosen, mistakes marked."""
    figure, grid = new_figure(6.2, 5, ROWS, COLUMNS)
    shown = min(grid.size, len(images))
    for index, axes in enumerate(grid.flat):
        axes.axis("off")
        if index < shown:
            right = predicted[index] == actual[index]
            text = classes[predicted[index]] if right else f"{classes[predicted[index]]}\n({classes[actual[index]]})"
            axes.imshow(images[index, 0].numpy(), cmap="gray_r")
            axes.set_title(text, fontsize=8, color="black" if right else MISTAKE, weight="normal" if right else "bold")
    wrong = sum(a != p for a, p in zip(actual[:shown], predicted[:shown], strict=True))
    caption = (
        f"{label}: the first {shown} test images with the predicted class (first seed). "
        f"Mistakes ({wrong}) are orange, with the actual class in brackets."
    )
    return Drawing(caption, figure)
