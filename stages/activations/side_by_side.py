"""SGD for networks side by side that differ in nothing but the learning rate: same first weights, same batches."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from stages.activations.stacked_mlp import StackedMLP
from stages.core.data import Split

WATCH_BATCH = 1000  # images in one step of watching


def train_side_by_side(
    stack: StackedMLP,
    training: Split,
    rates: Sequence[float],
    watch: Callable[[int, Tensor], None],
    *,
    num_epochs: int,
    batch_size: int,
    momentum: float = 0.0,
    seed: int,
) -> None:
    """Train each network of a stack in place with its own rate: v = momentum v + gradient, w = w - rate v.

    A network whose numbers are no longer finite at the end of an epoch goes back to the end of the epoch before, and
    stands still from then on.

    Args:
        stack: one network for each rate.
        training: images, float32 (n, 1, height, width), and classes.
        rates: learning rates.
        watch: called with the epoch and the mean training losses in nats, float64 (networks,): before training with 0
            and the losses of all images, then after each epoch with those of the images as they were trained on.
        num_epochs: passes over the images.
        batch_size: images a step.
        momentum: the share of the last step that each step repeats.
        seed: of the order of the images.
    """
    parameters = list(stack.parameters())
    order = torch.Generator().manual_seed(seed)
    steps = [torch.tensor(rates, device=p.device).reshape(-1, *[1] * (p.ndim - 1)) for p in parameters]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    watch(0, losses(stack, training))
    for epoch in range(1, num_epochs + 1):
        before = [parameter.detach().clone() for parameter in parameters]
        total = torch.zeros(len(rates), dtype=torch.float64, device=training.inputs.device)
        shuffled = torch.randperm(len(training.inputs), generator=order).to(training.inputs.device)
        for batch in shuffled.split(batch_size):
            found = batch_losses(stack, training.inputs[batch], training.targets[batch])
            total += found.detach() * len(batch)
            gradients = torch.autograd.grad(found.sum(), parameters)
            with torch.no_grad():
                torch._foreach_mul_(velocities, momentum)
                torch._foreach_add_(velocities, gradients)
                torch._foreach_addcmul_(parameters, velocities, steps, value=-1.0)
        mean = total / len(training.inputs)
        stopped = ~mean.isfinite() | ~losses(stack, _first(training)).isfinite()
        if stopped.any():
            for parameter, velocity, step, old in zip(parameters, velocities, steps, before, strict=True):
                parameter.data[stopped], velocity[stopped], step[stopped] = old[stopped], 0.0, 0.0
            mean[stopped] = losses(stack, training)[stopped]
        watch(epoch, mean)


def _first(split: Split) -> Split:
    return Split(split.inputs[:WATCH_BATCH], split.targets[:WATCH_BATCH])


@torch.no_grad()
def losses(stack: StackedMLP, split: Split) -> Tensor:
    """Return each network's mean cross-entropy over all images of a split in nats, float64 (networks,)."""
    total = torch.zeros(stack.copies, dtype=torch.float64, device=split.inputs.device)
    for images, targets in zip(split.inputs.split(WATCH_BATCH), split.targets.split(WATCH_BATCH), strict=True):
        total += batch_losses(stack, images, targets) * len(images)
    return total / len(split.inputs)


def batch_losses(stack: StackedMLP, images: Tensor, targets: Tensor) -> Tensor:
    """Return each network's mean cross-entropy over a batch, float32 (networks,)."""
    logits = stack.logits(images)  # (networks, batch, classes)
    each = functional.cross_entropy(logits.flatten(0, 1), targets.repeat(stack.copies), reduction="none")
    return each.unflatten(0, (stack.copies, -1)).mean(1)


def best(found: Tensor) -> int:
    """Return which network has the least loss; one that is not finite has none. The first of equal ones."""
    return int(found.nan_to_num(math.inf, math.inf).argmin())
