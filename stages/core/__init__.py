"""What every family shares: parameters, catalogue, training loop, checkpoints, metrics."""
