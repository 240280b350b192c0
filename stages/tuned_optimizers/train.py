"""Training with all rates of an optimizer side by side; the network with the best validation loss is kept."""

import sys

import torch
from torch import Tensor

from stages.activations.side_by_side import accuracies, batch_losses, losses
from stages.activations.stacked_mlp import StackedMLP
from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import draw_images, scale_pixels
from stages.optimization import optimizers

FAR = 1e4  # nats: what the loss of a network is recorded as that diverged


def fit(run: Run, data: Data, seed: int) -> tuple[StackedMLP, History]:
    """Return the network of the rate with the least validation loss at the end, and its history, a record an epoch.

    A record has `train_loss`, the mean in nats of the images as they were trained on, `validation_loss`, the
    `learning_rate` that was chosen; and of the i-th rate, from 1, `train_loss_<i>`, `validation_loss_<i>` and
    `validation_accuracy_<i>`.

    Raises:
        UserError: there are too few training images, or the data have no validation split.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    args = run.args
    network = run.build(data.info).to(run.device)
    training = scale_pixels(draw_images(data.train, run, seed), data.info, args)
    validation = scale_pixels(data.validation, data.info, args)
    stack = network.repeated(len(args.rates))
    step = getattr(optimizers, args.optimizer)
    parameters = list(stack.parameters())
    rates = [torch.tensor(args.rates, device=run.device).reshape(-1, *[1] * (p.ndim - 1)) for p in parameters]
    states: list[optimizers.State] = [{} for _ in parameters]
    order = torch.Generator().manual_seed(seed)
    epochs = []
    for _ in range(args.num_epochs):
        total = torch.zeros(len(args.rates), dtype=torch.float64, device=run.device)
        for batch in torch.randperm(len(training.inputs), generator=order).to(run.device).split(args.batch_size):
            found = batch_losses(stack, training.inputs[batch], training.targets[batch])
            total += found.detach() * len(batch)
            gradients = torch.autograd.grad(found.sum(), parameters)
            with torch.no_grad():
                for x, g, state, rate in zip(parameters, gradients, states, rates, strict=True):
                    x.copy_(step(x, g, state, rate))
        epochs.append(
            (_finite(total / len(training.inputs)), _finite(losses(stack, validation)), accuracies(stack, validation))
        )
    chosen = int(epochs[-1][1].argmin())
    network.load_copy(stack, chosen)
    history = []
    for epoch, (train_losses, validation_losses, validation_accuracies) in enumerate(epochs, 1):
        record = {
            "epoch": epoch,
            "train_loss": train_losses[chosen].item(),
            "validation_loss": validation_losses[chosen].item(),
            "learning_rate": args.rates[chosen],
        }
        for number in range(len(args.rates)):
            record[f"train_loss_{number + 1}"] = train_losses[number].item()
            record[f"validation_loss_{number + 1}"] = validation_losses[number].item()
            record[f"validation_accuracy_{number + 1}"] = validation_accuracies[number].item()
        history.append(record)
    print(
        f"{run.name} seed {seed}: train_loss {history[-1]['train_loss']:.4f} with {args.rates[chosen]}", file=sys.stderr
    )
    return network.eval(), history


def _finite(values: Tensor) -> Tensor:
    return values.nan_to_num(FAR, FAR, FAR).clamp(max=FAR)
