"""Augmentation of images on Fashion-MNIST: with all images and with 1,000, scored on clean and on corrupted ones."""
