"""What params.yaml says of the judging of made images."""

from stages.core.schema import Strict


class Judge(Strict):
    """An entry of `judge`, whose key is the run of a generator.

    Attributes:
        data: the generator's; its images are compared with the test images.
        extractor: the run of a classifier with features; the model of its first seed sees the images.
    """

    data: str
    extractor: str
