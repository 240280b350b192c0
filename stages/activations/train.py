"""Training with several rates side by side, watched unit by unit; the one that learns best is kept."""

import sys

import torch
from torch import Tensor

from stages.activations.side_by_side import best, losses, train_side_by_side
from stages.activations.stacked_mlp import StackedMLP
from stages.activations.unit_shares import unit_shares
from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import draw_images, scale_pixels


def fit(run: Run, data: Data, seed: int) -> tuple[StackedMLP, History]:
    """Return the network of the chosen rate and its history, a record an epoch; the first is of epoch 0, untrained.

    A record has `train_loss` and `validation_loss` in nats, the `learning_rate` that was chosen, by the least mean
    validation loss over the epochs; for each hidden layer the shares `silent_<layer>` and `dead_<layer>` (see
    `unit_shares`); and `dead_lowest_rate` and `dead_highest_rate`, the share of dead units of all layers in the
    networks with the lowest and the highest rate.

    Raises:
        UserError: there are too few training images, or the data have no validation split.
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

    def watch(epoch: int, train_losses: Tensor) -> None:
        found.append((train_losses, losses(stack, watched), *unit_shares(stack, watched.inputs, args.silent_slope)))

    train_side_by_side(
        stack,
        training,
        args.rates,
        watch,
        num_epochs=args.num_epochs,
        batch_size=args.batch_size,
        momentum=args.momentum,
        seed=seed,
    )
    # The mean over epochs, because where all end alike the last one is mostly noise, and it says nothing of the speed.
    chosen = best(torch.stack([validation_losses for _, validation_losses, *_ in found[1:]]).mean(0))
    network.load_copy(stack, chosen)
    history = []
    for epoch, (train_losses, validation_losses, silent, dead) in enumerate(found):
        record = {
            "epoch": epoch,
            "train_loss": train_losses[chosen].item(),
            "validation_loss": validation_losses[chosen].item(),
            "learning_rate": args.rates[chosen],
        }
        for layer in range(args.num_layers):
            record[f"silent_{layer + 1}"] = silent[layer, chosen].item()
            record[f"dead_{layer + 1}"] = dead[layer, chosen].item()
        record["dead_lowest_rate"], record["dead_highest_rate"] = dead.mean(0)[[0, -1]].tolist()
        history.append(record)
    print(
        f"{run.name} seed {seed}: train_loss {history[-1]['train_loss']:.4f} with {args.rates[chosen]}", file=sys.stderr
    )
    return network.eval(), history
