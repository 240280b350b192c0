"""The images are those that image_classification prepares."""

PREPARED_BY = "image_classification"
