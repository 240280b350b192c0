"""A short training of networks from the first weights that a rule draws."""

import math
import sys

import torch
from torch import Tensor

from stages.activations.side_by_side import accuracies, best, train_side_by_side
from stages.activations.stacked_mlp import StackedMLP
from stages.activations.unit_shares import unit_shares
from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import draw_images, scale_pixels
from stages.initialisation.initialised_mlp import Args, Networks
from stages.initialisation.rules import initialise
from stages.initialisation.signals import signals


def fit(run: Run, data: Data, seed: int) -> tuple[Networks, History]:
    """Return the networks, each of its best rate, and their history, a record an epoch from epoch 0, untrained, on.

    A record has for each network, such as `relu_20`: `train_loss_relu_20` and `validation_loss_relu_20` in nats; and,
    the same in all records, the chosen `learning_rate_relu_20`, by the validation accuracy after the last epoch, with
    how many of the rates the network overflowed, `overflowed_relu_20`, and what `before_training` says of it. Where it
    did so with all of them, it is the one that was best an epoch before it overflowed.

    Raises:
        UserError: there are too few training images, or the data have no validation split.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    args = run.args
    model = run.build(data.info).to(run.device)
    training = scale_pixels(draw_images(data.train, run, seed), data.info, args)
    watched = watched_images(run, data)
    history: History = [{"epoch": epoch} for epoch in range(args.num_epochs + 1)]
    for name, network in model.items():
        initialise(network, args.rule, args.sd, torch.Generator().manual_seed(seed))
        first = {f"{metric}_{name}": value for metric, value in before_training(network, watched, args).items()}
        stack = network.repeated(len(args.rates))
        found: list[tuple[Tensor, Tensor]] = []

        def watch(epoch: int, train_losses: Tensor, validation_losses: Tensor, found=found) -> None:
            found.append((train_losses, validation_losses))

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
        )
        # By accuracy, as it is what says whether a network learns: a blind one has a lower loss than one that is mostly
        # right but, with huge weights, terribly sure where it is wrong. Between equal ones, as blind ones are, by loss.
        right = accuracies(stack, watched).masked_fill(overflowed & ~overflowed.all(), 0.0)
        is_worse = right < right.max() - args.accuracy_margin
        chosen = best((-found[-1][1]).masked_fill(is_worse, -math.inf), overflowed)
        first |= {f"learning_rate_{name}": args.rates[chosen], f"overflowed_{name}": int(overflowed.sum())}
        network.load_copy(stack, chosen)
        for record, (train_losses, validation_losses) in zip(history, found, strict=True):
            record[f"train_loss_{name}"] = train_losses[chosen].item()
            record[f"validation_loss_{name}"] = validation_losses[chosen].item()
            record |= first
    shown = ", ".join(f"{name} {history[-1][f'train_loss_{name}']:.4g}" for name in model)
    print(f"{run.name} seed {seed}: train_loss {shown}", file=sys.stderr)
    return model.eval(), history


def before_training(network: StackedMLP, watched: Split, args: Args) -> dict[str, float]:
    """Return what a network with its first weights makes of images: metrics by name.

    `activation_ratio` is the standard deviation of the last hidden layer's activations divided by that of the pixels;
    `gradient_ratio` that of the gradients at the first hidden layer divided by that of the gradients at the logits;
    `silent_share` the share of silent units (see `unit_shares`), a mean over the hidden layers.
    """
    activation_sd, gradient_sd = signals(network, watched)
    silent, _ = unit_shares(network, watched.inputs, args.silent_slope)
    return {
        "activation_ratio": (activation_sd[-1] / activation_sd[0]).item(),
        "gradient_ratio": (gradient_sd[0] / gradient_sd[-1]).item(),
        "silent_share": silent.mean().item(),
    }


def watched_images(run: Run, data: Data) -> Split:
    """Return the validation images that are watched, scaled: float32 (n, 1, height, width), and their classes."""
    count = run.args.num_watched
    return scale_pixels(Split(data.validation.inputs[:count], data.validation.targets[:count]), data.info, run.args)
