"""Figures of colour pictures: examples of each category, both designers, augmentation, and where mistakes are made."""

from torch import Tensor

from stages.colour_pictures.data import Pictures
from stages.image_classification import figures as classifiers
from stages.image_classification.figures import examples, image_rows
from stages.results.figures import Drawing, confusion_matrix

SHOWN = 10

test_examples = classifiers.test_examples


def draw(label: str, outputs: dict[str, Tensor], data: Pictures) -> dict[str, Drawing]:
    """Return the figures of image_classification, training pictures by category, and those of `outputs` and `data`."""
    classes = data.info["classes"]
    drawings = {
        "examples": examples("Training pictures of each category.", *data.train, classes, SHOWN),
        **classifiers.draw(label, outputs, data),
    }
    if "augmented" in outputs:
        draws = {f"draw {number}": images for number, images in enumerate(outputs["augmented"], 1)}
        caption = "Training pictures as they are, and as augmentation changes them."
        rows = {"as they are": data.train.inputs, **draws}
        drawings["augmented"] = image_rows(f"{label}: {caption}", rows, outputs["augmented"].shape[1])
    if data.other_designer is not None:
        drawings["designers"] = image_rows(
            "Test pictures of both designers.",
            {"trained on": data.test.inputs, "other": data.other_designer.inputs},
            SHOWN,
        )
        drawings["other_confusion"] = confusion_matrix(
            f"{label}, the other designer's pictures",
            outputs["actual"].numpy(),
            outputs["predicted_of_other"].numpy(),
            classes,
        )
    return drawings
