"""Convolutional networks from LeNet to DenseNet on Fashion-MNIST, beside an MLP and an LSTM over image rows."""
