"""Networks that somebody else trained, as plain modules of torch, and how their weights are read."""
