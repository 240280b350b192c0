"""Images of some classes of a data set in IDX files, as tensors."""

from pathlib import Path
from typing import Annotated, ClassVar

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from stages.core.data import RAW, Data, Split, split_randomly, write_data
from stages.core.errors import UserError
from stages.core.schema import Strict, distinct
from stages.image_classification.prepare import IdxImages, pixel_statistics


def _distinct_values(classes: dict[str, int]) -> dict[str, int]:
    distinct(list(classes.values()))
    return classes


class SomeClasses(Strict):
    """Fashion-MNIST's images of some classes, as its authors divide them; some training images are held out.

    Inputs are uint8 of shape (n, 1, 28, 28), targets int64 of shape (n,). `info` keeps the pixel mean and standard
    deviation of the training split, on the scale from 0 to 1, and `test_ids`, the places of the test split's images in
    the authors' file, from 0.

    Attributes:
        raw: data set with the four IDX files.
        classes: the name of each class, and its number in the files.
        num_validation: images that settings are chosen on.
        seed: of the split.
    """

    raw: str
    classes: Annotated[
        dict[str, Annotated[int, Field(ge=0, le=255)]], Field(min_length=2), AfterValidator(_distinct_values)
    ]
    num_validation: int = Field(ge=1)
    seed: int = Field(ge=0)

    has_validation: ClassVar[bool] = True

    def make(self, folder: Path, where: str) -> None:
        """Write the images into `folder`.

        Raises:
            UserError: a file is missing or is no IDX file, a class has no image, or more are held out than there are.
        """
        write_data(folder, self.read(RAW / self.raw, where))

    def read(self, raw: Path, where: str) -> Data:
        """Return the images of the folder `raw`; raises as `make` does."""
        names = list(self.classes)
        whole = IdxImages(raw=self.raw, num_validation=0, seed=self.seed, classes=names).read(raw)
        for name, number in self.classes.items():
            if number not in whole.train.targets:
                found = whole.train.targets.unique().tolist()
                raise UserError(f"{where}.classes.{name} = {number}: must be one of {', '.join(map(str, found))}")
        training, test = self._chosen(whole.train.targets), self._chosen(whole.test.targets)
        inputs = whole.train.inputs[training]
        num_train = len(inputs) - self.num_validation
        if num_train < 1:
            message = f"must be below the {len(inputs)} training images of these classes"
            raise UserError(f"{where}.num_validation = {self.num_validation}: {message}")
        sizes = {"train": num_train, "validation": self.num_validation}
        splits = split_randomly(inputs, self._targets(whole.train.targets[training]), sizes, self.seed)
        info = {"task": "multiclass", "classes": names, "test_ids": test.tolist()}
        return Data(
            splits["train"],
            splits["validation"],
            Split(whole.test.inputs[test], self._targets(whole.test.targets[test])),
            info | pixel_statistics(splits["train"].inputs),
        )

    def _chosen(self, labels: Tensor) -> Tensor:
        """Return the places of the images of these classes, int64 (n,)."""
        return torch.isin(labels, torch.tensor(list(self.classes.values()))).nonzero().flatten()

    def _targets(self, labels: Tensor) -> Tensor:
        """Return the numbers of the files, int64 (n,), as places in `classes`."""
        numbers = torch.tensor(list(self.classes.values()))
        return (labels[:, None] == numbers).int().argmax(1)


RECIPES = {"some_classes": SomeClasses}
