"""Figures of similar clothes: examples of each class beside those of every image classifier."""

from torch import Tensor

from stages.core.data import Data
from stages.image_classification import figures as classifiers
from stages.image_classification.figures import examples
from stages.results.figures import Drawing

test_examples = classifiers.test_examples


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return training pictures by class, and the figures of image_classification."""
    shown = examples("Training pictures of each class.", *data.train, data.info["classes"])
    return {"examples": shown, **classifiers.draw(label, outputs, data)}
