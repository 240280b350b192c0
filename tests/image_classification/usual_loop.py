"""The loop of tutorials, beside which benchmarks time the stages."""

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader


def usual_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader) -> float:
    """Train for an epoch; return the mean loss of its examples."""
    network.train()
    total = 0.0
    for inputs, targets in loader:
        loss = functional.cross_entropy(network(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    return total / len(loader.dataset)
