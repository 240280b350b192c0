"""Reproducible deep-learning experiments: one DVC pipeline over five sets of PyTorch course notes."""
