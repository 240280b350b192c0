"""Deep networks on Fashion-MNIST: plain and residual ones, with and without normalisation."""
