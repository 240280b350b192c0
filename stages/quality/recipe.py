"""What params.yaml says of the judging of made images."""

from stages.core.run import family_module
from stages.core.schema import Strict


class Judge(Strict):
    """An entry of `judge`, whose key is the run of a generator.

    Attributes:
        data: the generator's; its images are compared with the test images.
        extractor: the run of a classifier with features; the model of its first seed sees the images.
    """

    data: str
    extractor: str


def is_generator(family: str, model: str) -> bool:
    """Return whether a class of the architecture's file can draw images."""
    module = family_module(family, model)
    return any(hasattr(value, "draw") for value in vars(module).values() if isinstance(value, type))
