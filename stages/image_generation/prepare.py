"""The data of this family are image_classification's; of its own it has the comparisons of samples with real images."""

from stages.core.schema import Strict


class SampleQuality(Strict):
    """An entry of `sample_quality`, whose key is the row of a generator.

    Attributes:
        data: the generator's; its samples are compared with the test images.
        extractor: the row of a classifier with `features`; the model of its first seed extracts those of the images.
    """

    data: str
    extractor: str


SECTIONS = {"sample_quality": SampleQuality}
