"""Training with several rates side by side, watched unit by unit; the one that learns best is kept."""

import sys
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from stages.activations.side_by_side import best, train_side_by_side
from stages.activations.stacked_mlp import StackedMLP
from stages.activations.unit_shares import unit_shares
from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import draw_images, scale_pixels


def fit(run: Run, data: Data, seed: int) -> tuple[StackedMLP, History]:
    """Return the network of the chosen rate and its history, a record an epoch; the first is of epoch 0, untrained.

    A record has `train_loss` and `validation_loss` in nats, and for each hidden layer the shares `silent_<layer>` and
    `dead_<layer>` (see `unit_shares`). Beside them, the same in all records: the `learning_rate` that was chosen, by
    the least mean validation loss over the epochs; whether that loss was ever at most the target, `reached`, 0 or 1,
    and `epochs_to_loss` until then (see `epochs_to`); the `highest_rate` with which no network overflowed; and,
    of each epoch, `dead_lowest_rate` and `dead_highest_rate`, the share of dead units of all layers in the networks
    with the lowest rate and with that highest one.

    Raises:
        UserError: there are too few training images, the data have no validation split, or all rates overflow.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    args = run.args
    network = run.build(data.info).to(run.device)
    training = scale_pixels(draw_images(data.train, run, seed), data.info, args)
    watched = scale_pixels(
        Split(data.validation.inputs[: args.num_watched], data.validation.targets[: args.num_watched]), data.info, args
    )
    stack = network.repeated(len(args.rates))
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    looks: list[tuple[float, Tensor]] = []

    def look(epochs: float, validation_losses: Tensor) -> None:
        looks.append((epochs, validation_losses))

    def watch(epoch: int, train_losses: Tensor, validation_losses: Tensor) -> None:
        look(float(epoch), validation_losses)
        found.append((train_losses, validation_losses, *unit_shares(stack, watched.inputs, args.silent_slope)))

    overflowed = train_side_by_side(
        stack,
        training,
        watched,
        args.rates,
        watch,
        num_epochs=args.num_epochs,
        batch_size=args.batch_size,
        momentum=args.momentum,
        seed=seed,
        looks=args.looks_per_epoch,
        look=look,
    )
    if overflowed.all():
        raise UserError(f"{run.name}: no rate holds without an overflow; add lower rates than {args.rates}")
    # The mean over epochs, because where all end alike the last one is mostly noise, and it says nothing of the speed.
    chosen = best(-torch.stack([validation_losses for _, validation_losses, *_ in found[1:]]).mean(0), overflowed)
    highest = int((~overflowed).nonzero().max())
    network.load_copy(stack, chosen)
    seen = [(epochs, validation_losses[chosen].item()) for epochs, validation_losses in looks]
    said = {
        "learning_rate": args.rates[chosen],
        "reached": int(any(loss <= args.target_loss for _, loss in seen)),
        "epochs_to_loss": epochs_to(args.target_loss, seen),
        "highest_rate": args.rates[highest],
    }
    history = []
    for epoch, (train_losses, validation_losses, silent, dead) in enumerate(found):
        record = {
            "epoch": epoch,
            "train_loss": train_losses[chosen].item(),
            "validation_loss": validation_losses[chosen].item(),
        }
        for layer in range(args.num_layers):
            record[f"silent_{layer + 1}"] = silent[layer, chosen].item()
            record[f"dead_{layer + 1}"] = dead[layer, chosen].item()
        record["dead_lowest_rate"], record["dead_highest_rate"] = dead.mean(0)[[0, highest]].tolist()
        history.append(record | said)
    print(
        f"{run.name} seed {seed}: train_loss {history[-1]['train_loss']:.4f} with {args.rates[chosen]}", file=sys.stderr
    )
    return network.eval(), history


def epochs_to(target: float, seen: Sequence[tuple[float, float]]) -> float:
    """Return after how many epochs the loss is at most `target`, between two looks on the straight line.

    `seen` are epochs and losses, in order, the first before training. One epoch more than the last where it is not
    reached.
    """
    if seen[0][1] <= target:
        return 0.0
    for (start, before), (end, after) in pairwise(seen):
        if after <= target:
            return start + (end - start) * (before - target) / (before - after)
    return seen[-1][0] + 1
