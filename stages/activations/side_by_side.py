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
    watched: Split,
    rates: Sequence[float],
    watch: Callable[[int, Tensor, Tensor], None],
    *,
    num_epochs: int,
    batch_size: int,
    momentum: float = 0.0,
    seed: int,
    looks: int = 1,
    look: Callable[[float, Tensor], None] = lambda epochs, watched_losses: None,
) -> Tensor:
    """Train each network of a stack in place with its own rate: v = momentum v + gradient, w = w - rate v.

    A network of which a loss is no longer finite at the end of an epoch has overflowed: it goes back to the end of the
    epoch before, and stands still from then on.

    Args:
        stack: one network for each rate.
        training: images, float32 (n, 1, height, width), and classes.
        watched: other images, of which the losses are watched.
        rates: learning rates.
        watch: called with the epoch, the mean training losses and those of the images watched, in nats, float64
            (networks,): before training with 0 and the losses of all images, then after each epoch, with the training
            images as they were trained on.
        num_epochs: passes over the training images.
        batch_size: images a step.
        momentum: the share of the last step that each step repeats.
        seed: of the order of the images.
        looks: how often an epoch the images watched are looked at, at its end included.
        look: called at each look but the ends of epochs, with the epochs so far and the losses of the images watched.

    Returns:
        Which networks overflowed, bool (networks,). They are no result of their rate.
    """
    parameters = list(stack.parameters())
    order = torch.Generator().manual_seed(seed)
    steps = [torch.tensor(rates, device=p.device).reshape(-1, *[1] * (p.ndim - 1)) for p in parameters]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    overflowed = torch.zeros(len(rates), dtype=torch.bool, device=training.inputs.device)
    num_batches = math.ceil(len(training.inputs) / batch_size)
    looked_at = {num_batches * number // looks for number in range(1, looks)}  # after so many batches of an epoch
    watch(0, losses(stack, training), losses(stack, watched))
    for epoch in range(1, num_epochs + 1):
        before = [parameter.detach().clone() for parameter in parameters]
        total = torch.zeros(len(rates), dtype=torch.float64, device=training.inputs.device)
        shuffled = torch.randperm(len(training.inputs), generator=order).to(training.inputs.device)
        for number, batch in enumerate(shuffled.split(batch_size), 1):
            found = batch_losses(stack, training.inputs[batch], training.targets[batch])
            total += found.detach() * len(batch)
            gradients = torch.autograd.grad(found.sum(), parameters)
            with torch.no_grad():
                torch._foreach_mul_(velocities, momentum)
                torch._foreach_add_(velocities, gradients)
                torch._foreach_addcmul_(parameters, velocities, steps, value=-1.0)
            if number in looked_at:
                look(epoch - 1 + number / num_batches, losses(stack, watched))
        mean, watched_losses = total / len(training.inputs), losses(stack, watched)
        stopped = overflowed | ~mean.isfinite() | ~watched_losses.isfinite()
        if stopped.any():
            for parameter, velocity, step, old in zip(parameters, velocities, steps, before, strict=True):
                parameter.data[stopped], velocity[stopped], step[stopped] = old[stopped], 0.0, 0.0
            if not torch.equal(stopped, overflowed):
                standing = losses(stack, training), losses(stack, watched)
            mean[stopped], watched_losses[stopped] = standing[0][stopped], standing[1][stopped]
            overflowed = stopped
        watch(epoch, mean, watched_losses)
    return overflowed


@torch.no_grad()
def losses(stack: StackedMLP, split: Split) -> Tensor:
    """Return each network's mean cross-entropy over all images of a split in nats, float64 (networks,)."""
    total = torch.zeros(stack.copies, dtype=torch.float64, device=split.inputs.device)
    for images, targets in zip(split.inputs.split(WATCH_BATCH), split.targets.split(WATCH_BATCH), strict=True):
        total += batch_losses(stack, images, targets) * len(images)
    return total / len(split.inputs)


@torch.no_grad()
def accuracies(stack: StackedMLP, split: Split) -> Tensor:
    """Return which share of the images of a split each network classifies right, float64 (networks,)."""
    right = torch.zeros(stack.copies, dtype=torch.float64, device=split.inputs.device)
    for images, targets in zip(split.inputs.split(WATCH_BATCH), split.targets.split(WATCH_BATCH), strict=True):
        right += (stack.logits(images).argmax(2) == targets).sum(1)
    return right / len(split.inputs)


def batch_losses(stack: StackedMLP, images: Tensor, targets: Tensor) -> Tensor:
    """Return each network's mean cross-entropy over a batch, float32 (networks,)."""
    logits = stack.logits(images)  # (networks, batch, classes)
    each = functional.cross_entropy(logits.flatten(0, 1), targets.repeat(stack.copies), reduction="none")
    return each.unflatten(0, (stack.copies, -1)).mean(1)


def best(scores: Tensor, overflowed: Tensor) -> int:
    """Return which network has the highest score, the first of equal ones.

    One that overflowed counts only if all did: then they stand where they began, or near it.
    """
    return int(scores.masked_fill(overflowed & ~overflowed.all(), -math.inf).argmax())
