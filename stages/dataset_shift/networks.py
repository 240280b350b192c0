"""Several networks that a shift is answered by, and the training that they share.

An image of weight w counts w times in the loss: its target is w times the indicator of its class, of which the
cross-entropy is w times that of the class.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Split
from stages.core.run import Run
from stages.core.training import History, TrainingArgs, train
from stages.image_classification import mlp

ACCURACY = "{}_validation_accuracy"  # of a network, in the target, in the history


class ShiftArgs(mlp.Args):
    """Hyperparameters of each network and of its training on `num_train` images of the source."""

    @model_validator(mode="after")
    def _images_are_changed_by_the_shift_only(self) -> "ShiftArgs":
        if self.augmentation or self.label_smoothing:
            raise ValueError("augmentation and label_smoothing must be absent: they are not made for weighted images")
        return self


class Networks(nn.Module):
    """MLPs by name; as one classifier, float32 (batch, 1, height, width) -> logits, they are the one `in_use`."""

    def __init__(self, args: ShiftArgs, info: dict[str, Any], names: Sequence[str], in_use: str) -> None:
        """Build an untrained network for each name."""
        super().__init__()
        self.by_name = nn.ModuleDict({name: mlp.build(args, info) for name in names})
        self.in_use = in_use

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, float32 (batch, classes)."""
        return self.by_name[self.in_use](images)


def untrained(run: Run, info: dict[str, Any], seed: int) -> Networks:
    """Return the networks of a run on its device, all with the same first weights, which the seed gives."""
    torch.manual_seed(seed)
    model = run.build(info).to(run.device)
    first, *others = model.by_name.values()
    for other in others:
        other.load_state_dict(first.state_dict())
    return model


def fit_weighted(
    run: Run,
    model: Networks,
    name: str,
    images: Split,
    seed: int,
    accuracy: Callable[[nn.Module], float],
    *,
    weights: Tensor | None = None,
    args: TrainingArgs | None = None,
) -> History:
    """Train one of the networks in place; a record of its history has its `accuracy` after the epoch, too.

    Args:
        run: its arguments are those of the training, if `args` are not given.
        model: the networks.
        name: of the one that is trained.
        images: scaled, float32 (n, 1, height, width), and their classes.
        seed: of the order of the images.
        accuracy: of a network in the target, on validation images.
        weights: of the images, float32 (n,); all 1 if absent.
        args: of a training that is not as the run's.

    Raises:
        UserError: training diverged.
    """
    network = model.by_name[name]
    targets = functional.one_hot(images.targets, network[-1].out_features).float()
    if weights is not None:
        targets = weights[:, None] * targets
    return train(
        network,
        functional.cross_entropy,
        Split(images.inputs, targets),
        run.args if args is None else args,
        seed=seed,
        label=f"{run.name} seed {seed} {name}",
        watch=lambda: {ACCURACY.format(name): accuracy(network)},
    )


def side_by_side(histories: Mapping[str, History], in_use: str) -> History:
    """Return one history of networks trained for as many epochs each: losses are those of the network `in_use`."""
    merged = []
    for records in zip(*histories.values(), strict=True):
        accuracies = {name: value for record in records for name, value in record.items()}
        merged.append(accuracies | dict(zip(histories, records, strict=True))[in_use])
    return merged
