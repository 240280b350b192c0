"""Batch size, warm-up and decay of the learning rate, on one MLP with its rate chosen for each of them."""
