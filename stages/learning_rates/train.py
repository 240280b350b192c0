"""Training with several learning rates side by side: a race to a stated loss, or schedules over equal epochs."""

import math
import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import draw_images, scale_pixels
from stages.learning_rates import raced_mlp
from stages.learning_rates.replicas import Replicas
from stages.learning_rates.schedules import factor

RISES = (1e-3, 1e6)  # nats; a smaller rise, and a greater one or an overflow, count as these


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the network of the chosen learning rate and its history, see `race` and `train_scheduled`.

    Raises:
        UserError: no rate learns, there are too few training images, or the data have no validation split.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    network = run.build(data.info).to(run.device)
    training = flat(scale_pixels(draw_images(data.train, run, seed), data.info, run.args))
    watched = Split(*(tensor[: run.args.num_watched] for tensor in data.validation))
    watched = flat(scale_pixels(watched, data.info, run.args))
    learn = race if isinstance(run.args, raced_mlp.Args) else train_scheduled
    history = learn(network, training, watched, run, seed)
    rate = history[-1]["chosen_rate"]
    print(f"{run.name} seed {seed}: {history[-1]['validation_loss']:.4f} with rate {rate}", file=sys.stderr)
    return network.eval(), history


def race(network: nn.Module, training: Split, watched: Split, run: Run, seed: int) -> History:
    """Train `network` until one of the rates has reached the last level of loss on the images watched.

    Returns:
        A record a level, for the rate that was chosen: `epoch`, the number of the level, from 1; the `validation_loss`
        that first was no higher than it, or the last; `steps` and `epochs` until then, or until the end of the training
        where the level was not reached; whether it was, `reached`; and the `chosen_rate`. Of several rates that reach
        the last level at once, or of all if none does, it is the one with the lowest loss.
    """
    args = run.args
    replicas = Replicas(network, args.learning_rates, momentum=0.0)
    steps_per_epoch = math.ceil(len(training.inputs) / size(args.batch_size, training))
    interval = max(1, steps_per_epoch // args.checks_per_epoch)
    seen, checks = 0, []  # of examples; (steps, examples, losses) of each check
    for step, (inputs, targets) in enumerate(batches(training, args.batch_size, args.num_epochs, seed), 1):
        replicas.step(inputs, targets, 1.0)
        seen += len(targets)
        if step % interval == 0 or step == args.num_epochs * steps_per_epoch:
            checks.append((step, seen, replicas.losses(*watched)))
            if (checks[-1][2] <= args.loss_levels[-1]).any():
                break
    chosen = best(checks[-1][2], run)
    replicas.write_to(network, chosen)
    history = []
    for number, level in enumerate(args.loss_levels, 1):
        passed = [check for check in checks if check[2][chosen] <= level]
        steps, examples, losses = passed[0] if passed else checks[-1]
        record = {"epoch": number, "validation_loss": losses[chosen].item(), "reached": int(bool(passed))}
        record |= {"steps": steps, "epochs": examples / len(training.inputs)}
        history.append(record | {"chosen_rate": args.learning_rates[chosen]})
    return history


def train_scheduled(network: nn.Module, training: Split, watched: Split, run: Run, seed: int) -> History:
    """Train `network` for `num_epochs` with each of the rates, and choose the one with the lowest validation loss.

    Returns:
        A record an epoch, for the rate that was chosen: `train_loss`, the mean over the epoch's examples as each was
        seen; the `validation_loss` after it; the `learning_rate` of its last step; `final_train_loss`, that of the
        training images after the last epoch; the `chosen_rate`; and of the i-th rate, from 1, `validation_error_<i>`,
        the share of the images watched that is classified wrong after the last epoch, and `early_rise_<i>`, the decimal
        logarithm of by how many nats the loss of one of the first batches was at most above that of an earlier one.
    """
    args = run.args
    replicas = Replicas(network, args.learning_rates, args.momentum)
    steps_per_epoch = math.ceil(len(training.inputs) / size(args.batch_size, training))
    num_steps, warmup_steps, early_steps = (
        epochs * steps_per_epoch for epochs in (args.num_epochs, args.warmup_epochs, args.early_epochs)
    )
    total = torch.zeros(len(args.learning_rates), device=training.inputs.device)
    lowest, rise, records = total + math.inf, total.clone(), []
    for step, (inputs, targets) in enumerate(batches(training, args.batch_size, args.num_epochs, seed)):
        scale = factor(
            args.schedule,
            step,
            num_steps,
            warmup_steps=warmup_steps,
            milestones=args.milestones,
            last_factor=args.last_factor,
        )
        losses = replicas.step(inputs, targets, scale)
        total.add_(losses, alpha=len(targets))
        lowest = torch.minimum(lowest, losses)
        if step < early_steps:
            rise = torch.maximum(rise, losses - lowest)
        if (step + 1) % steps_per_epoch == 0:
            records.append((total / len(training.inputs), replicas.losses(*watched), scale))
            total.zero_()
    chosen = best(records[-1][1], run)
    wrong = (replicas.logits(watched.inputs).argmax(2) != watched.targets).double().mean(1)
    replicas.write_to(network, chosen)
    with torch.no_grad():
        final = nn.functional.cross_entropy(network(training.inputs), training.targets).item()
    said = {"final_train_loss": final, "chosen_rate": args.learning_rates[chosen]}
    said |= {f"validation_error_{number}": error for number, error in enumerate(wrong.tolist(), 1)}
    rises = rise.nan_to_num(nan=math.inf).clamp(*RISES).double().log10()
    said |= {f"early_rise_{number}": rise for number, rise in enumerate(rises.tolist(), 1)}
    return [
        {
            "epoch": epoch,
            "train_loss": losses[chosen].item(),
            "validation_loss": validation_losses[chosen].item(),
            "learning_rate": scale * args.learning_rates[chosen],
        }
        | said
        for epoch, (losses, validation_losses, scale) in enumerate(records, 1)
    ]


def batches(split: Split, batch_size: int | None, num_epochs: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of all epochs, each epoch in another order that the seed draws."""
    order = torch.Generator().manual_seed(seed)
    for _ in range(num_epochs):
        shuffled = torch.randperm(len(split.inputs), generator=order).to(split.inputs.device)
        for batch in shuffled.split(size(batch_size, split)):
            yield split.inputs.index_select(0, batch), split.targets.index_select(0, batch)


def size(batch_size: int | None, split: Split) -> int:
    """Return the examples of a batch: all of `split` if there is no size."""
    return len(split.inputs) if batch_size is None else batch_size


def best(losses: Tensor, run: Run) -> int:
    """Return the number of the lowest loss, from 0; those that are not finite do not count.

    Raises:
        UserError: none is finite.
    """
    if not losses.isfinite().any():
        raise UserError(f"{run.name}: no loss is finite; add lower learning_rates than {run.args.learning_rates}")
    return losses.nan_to_num(nan=math.inf).argmin().item()


def flat(split: Split) -> Split:
    """Return the split with inputs (examples, pixels)."""
    return Split(split.inputs.flatten(1), split.targets)
