"""The one supervised training loop: predict, loss, zero gradients, backward, step (documents 000 and 003)."""

import copy
import math
import sys
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from tqdm import tqdm

from stages.core.data import Split
from stages.core.device import matmul_precision
from stages.core.errors import UserError
from stages.core.schema import Strict

Loss = Callable[[Tensor, Tensor], Tensor]
Augment = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
History = list[dict[str, float]]


class TrainingArgs(Strict):
    """Hyperparameters of the loop; an architecture's `Args` adds its own.

    Attributes:
        num_epochs: passes over the training split.
        learning_rate: step size at its highest, that is after warm-up and before decay.
        momentum: of SGD; Adam keeps its own betas.
        weight_decay: the optimizer's own, biases included; decoupled (Loshchilov and Hutter 2019) in `adamw`.
        l2_penalty: lambda in `loss + lambda/(2 n) * |w|^2` (document 002, Task03), with w all weight matrices,
            biases left out, and n the batch size; it is part of the reported training loss.
        schedule: `constant`, or `cosine` from the learning rate to zero over all steps.
        warmup_epochs: the learning rate grows linearly over these first epochs.
        clip_norm: gradients are scaled down to this L2 norm over all parameters; none if absent.
        keep: the `last` epoch's state, or the `best` by validation loss (needs a validation split).
        matmul_precision: of float32 matrix products in training (`torch.set_float32_matmul_precision`). `medium`
            multiplies in bfloat16 and adds in float32 where the processor can, which is faster; on CUDA it allows TF32.
    """

    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    l2_penalty: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_epochs: int = Field(default=0, ge=0)
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    keep: Literal["last", "best"] = "last"
    matmul_precision: Literal["highest", "medium"] = "highest"

    @model_validator(mode="after")
    def _warmup_ends(self) -> "TrainingArgs":
        if self.warmup_epochs >= self.num_epochs:
            raise ValueError(f"warmup_epochs = {self.warmup_epochs} must be below num_epochs = {self.num_epochs}")
        return self


def train(
    model: nn.Module,
    loss: Loss,
    data: Split,
    args: TrainingArgs,
    *,
    seed: int,
    validation: Split | None = None,
    label: str = "",
    augment: Augment | None = None,
    watch: Callable[[], dict[str, float]] | None = None,
) -> History:
    """Train `model` in place and return one record an epoch.

    A record has `epoch` (from 1), `train_loss` (the mean over the epoch's examples of the objective as it
    was when each was seen: dropout on, penalty included), `learning_rate` (at the epoch's end) and, where
    there is a validation split, `validation_loss` (dropout off, no penalty).

    Args:
        model: on the device of the data.
        loss: maps (batch, …) predictions and targets to the scalar mean over the batch, in nats for
            cross-entropies.
        data: the training split.
        args: hyperparameters.
        seed: of the order of the examples. Initial weights and dropout draw from torch's global generator.
        validation: watched every epoch, and what `keep: best` chooses by.
        label: begins the progress bar, which shows on a terminal only.
        augment: maps inputs and targets of a training batch to those that the model sees and the loss compares with.
        watch: called after each epoch; what it returns is added to the epoch's record.

    Raises:
        UserError: the loss is no longer finite, or `keep: best` without a validation split.
    """
    if args.keep == "best" and validation is None:
        raise UserError(f"{label}: keep = 'best' needs a validation split; choose data that has one, or keep = 'last'")
    optimizer = build_optimizer(model, args)
    steps_per_epoch = math.ceil(len(data.inputs) / args.batch_size)
    factor = learning_rate_factor(args, steps_per_epoch)
    scheduler = None if factor is None else torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    order = torch.Generator().manual_seed(seed)
    history: History = []
    best_loss, best_state = math.inf, None

    for epoch in tqdm(range(1, args.num_epochs + 1), desc=label, unit="epoch", leave=False, disable=None):
        with matmul_precision(args.matmul_precision):
            train_loss = _train_epoch(model, loss, data, args, optimizer, scheduler, order, augment)
        record = {"epoch": epoch, "train_loss": train_loss}
        record["learning_rate"] = optimizer.param_groups[0]["lr"]
        if validation is not None:
            record["validation_loss"] = mean_loss(model, loss, validation)
        if watch is not None:
            record |= watch()
        if not all(math.isfinite(value) for value in record.values()):
            message = f"{label}: the loss is not finite in epoch {epoch}; lower learning_rate = {args.learning_rate}"
            raise UserError(f"{message} or set clip_norm")
        history.append(record)
        if args.keep == "best" and record["validation_loss"] < best_loss:
            best_loss, best_state = record["validation_loss"], copy.deepcopy(model.state_dict())

    if best_state is not None:
        model.load_state_dict(best_state)
    model.eval()
    print(f"{label}: train_loss {history[-1]['train_loss']:.4f} after {len(history)} epochs", file=sys.stderr)
    return history


def _train_epoch(
    model: nn.Module,
    loss: Loss,
    data: Split,
    args: TrainingArgs,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None,
    order: torch.Generator,
    augment: Augment | None,
) -> float:
    """Take a step for each batch, in random order; return the mean of the objective over the examples."""
    model.train()
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    penalty_factor = args.l2_penalty / (2 * args.batch_size)
    total = torch.zeros((), device=data.inputs.device)
    shuffled = torch.randperm(len(data.inputs), generator=order).to(data.inputs.device)
    for batch in shuffled.split(args.batch_size):
        inputs, targets = data.inputs.index_select(0, batch), data.targets.index_select(0, batch)
        if augment is not None:
            inputs, targets = augment(inputs, targets)
        objective = loss(model(inputs), targets)
        if penalty_factor:
            objective = objective + penalty_factor * sum(weight.square().sum() for weight in weights)
        optimizer.zero_grad()
        objective.backward()
        if args.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total.add_(objective.detach(), alpha=len(batch))
    return total.item() / len(data.inputs)


def build_optimizer(model: nn.Module, args: TrainingArgs) -> torch.optim.Optimizer:
    """Return the optimizer that `args` names, over all parameters of `model`."""
    if args.optimizer == "sgd":
        momentum, decay = args.momentum, args.weight_decay
        return torch.optim.SGD(model.parameters(), args.learning_rate, momentum, weight_decay=decay)
    kind = torch.optim.Adam if args.optimizer == "adam" else torch.optim.AdamW
    return kind(model.parameters(), args.learning_rate, weight_decay=args.weight_decay)


def learning_rate_factor(args: TrainingArgs, steps_per_epoch: int) -> Callable[[int], float] | None:
    """Return the schedule: what the learning rate is multiplied by at each optimizer step, from 0; None if constant."""
    if args.schedule == "constant" and args.warmup_epochs == 0:
        return None
    warmup = args.warmup_epochs * steps_per_epoch
    total = args.num_epochs * steps_per_epoch

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if args.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))

    return factor


@torch.no_grad()
def predict(model: nn.Module, inputs: Tensor, batch_size: int = 1000) -> Tensor:
    """Return the model's predictions (examples, …) in evaluation mode, in the order of `inputs`."""
    model.eval()
    return torch.cat([model(batch) for batch in inputs.split(batch_size)])


def mean_loss(model: nn.Module, loss: Loss, split: Split) -> float:
    """Return the mean of `loss` over the examples of a split: one mean over all, not a mean of batch means."""
    return loss(predict(model, split.inputs), split.targets).item()
