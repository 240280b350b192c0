"""The data of this family are image_classification's; of its own it has the comparisons of samples with real images."""

from stages.core.schema import Strict


class SampleQuality(Strict):
    """An entry of `sample_quality`, whose key is the row of a generator.

    Attributes:
        data: the generator's, with held-out images.
        extractor: the row of a classifier with `features`; the model of its first seed extracts those of the samples
            and of the test images.
        held_out_extractor: the same for the samples and the held-out images.
    """

    data: str
    extractor: str
    held_out_extractor: str


SECTIONS = {"sample_quality": SampleQuality}
