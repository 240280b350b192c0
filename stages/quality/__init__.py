"""How good made images are: comparisons of two sets of images by what a classifier sees in them."""
