"""Optimizers on a multilayer perceptron for Fashion-MNIST, each with a learning rate tuned on validation images."""
