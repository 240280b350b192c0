"""Figures of an image classifier: the confusion matrix, a grid of test images, and examples of each class."""

from matplotlib.axes import Axes
from torch import Tensor

from stages.core.data import Data
from stages.results.bootstrap import examples_of_classes
from stages.results.figures import MISTAKE, Drawing, confusion_matrix, new_figure

ROWS, COLUMNS = 4, 6


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figures of one run from the test split's `predicted` and `actual` classes, int64 (n,)."""
    classes, actual, predicted = data.info["classes"], outputs["actual"], outputs["predicted"]
    return {
        "confusion": confusion_matrix(label, actual.numpy(), predicted.numpy(), classes),
        "images": _grid(label, data.test.inputs, actual.tolist(), predicted.tolist(), classes),
    }


test_examples = examples_of_classes


def examples(caption: str, images: Tensor, targets: Tensor, classes: list[str], count: int = 10) -> Drawing:
    """Draw the first `count` images, uint8 (n, channels, height, width), of each class in a row of their own."""
    chosen = {name: images[targets == index][:count] for index, name in enumerate(classes)}
    return image_rows(caption, chosen, count)


def image_rows(caption: str, rows: dict[str, Tensor], columns: int) -> Drawing:
    """Draw rows of up to `columns` images, uint8 (n, channels, height, width), with their names before them."""
    figure, grid = new_figure(6.4, 0.58 * len(rows), len(rows), columns)
    for axes_row, (name, images) in zip(grid, rows.items(), strict=True):
        for axes in axes_row:
            axes.set(xticks=[], yticks=[], frame_on=False)
        for axes, image in zip(axes_row, images, strict=False):
            show(axes, image)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return Drawing(caption, figure)


def show(axes: Axes, image: Tensor) -> None:
    """Draw an image, uint8 (channels, height, width): in its colours, or dark on light if it is grey."""
    axes.imshow(image.permute(1, 2, 0).squeeze(2).numpy(), cmap="gray_r")
    axes.grid(visible=False)


def _grid(label: str, images: Tensor, actual: list[int], predicted: list[int], classes: list[str]) -> Drawing:
    """Draw the first test images, uint8 (n, channels, height, width), not chosen, mistakes marked."""
    figure, grid = new_figure(6.2, 5, ROWS, COLUMNS)
    shown = min(grid.size, len(images))
    for index, axes in enumerate(grid.flat):
        axes.axis("off")
        if index < shown:
            right = predicted[index] == actual[index]
            text = classes[predicted[index]] if right else f"{classes[predicted[index]]}\n({classes[actual[index]]})"
            show(axes, images[index])
            axes.set_title(text, fontsize=8, color="black" if right else MISTAKE, weight="normal" if right else "bold")
    wrong = sum(a != p for a, p in zip(actual[:shown], predicted[:shown], strict=True))
    caption = (
        f"{label}: the first {shown} test images with the predicted class (first seed). "
        f"Mistakes ({wrong}) are orange, with the actual class in brackets."
    )
    return Drawing(caption, figure)
