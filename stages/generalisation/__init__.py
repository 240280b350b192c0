"""Over- and underfitting by the size of the network and the number of images, and k-fold cross-validation."""
