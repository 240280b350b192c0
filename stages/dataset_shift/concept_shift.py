"""Concept shift: the same images, other classes for them.

Pairs of classes exchange their names. A network trained on the source with the old names is kept; it is trained on with
few images that have the new ones (Zhang et al., Dive into Deep Learning, section 4.7.3.3: the existing weights, and a
few steps with the new data); and another is trained anew on those few. They are those of `mlp`.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import Field
from torch import Tensor, nn

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History, predict
from stages.dataset_shift.networks import ACCURACY, Networks, ShiftArgs, fit_weighted, side_by_side, untrained
from stages.dataset_shift.shifts import halves, swap_names
from stages.image_classification.train import draw_images, scale_pixels


class Args(ShiftArgs):
    """Hyperparameters.

    Attributes:
        num_swaps: how many pairs of classes exchange their names: 0 and 1, 2 and 3, and so on.
        new_share: how many images have new labels, as a share of half the validation split.
        new_batch_size: of the training on those, as the next three.
        new_num_epochs: of both networks that see them.
        on_learning_rate: where the network of the source is trained on.
        anew_learning_rate: where another is trained anew.
    """

    num_swaps: int = Field(ge=1, le=5)
    new_share: float = Field(gt=0, le=1)
    new_batch_size: int = Field(ge=1)
    new_num_epochs: int = Field(ge=1)
    on_learning_rate: float = Field(gt=0, allow_inf_nan=False)
    anew_learning_rate: float = Field(gt=0, allow_inf_nan=False)


def build(args: Args, info: dict[str, Any]) -> Networks:
    """Return the untrained networks."""
    return Networks(args, info, ["kept", "trained_on", "trained_anew"], in_use="trained_on")


def views(images: Tensor, args: Args, info: dict[str, Any]) -> list[Tensor]:
    """Return images, uint8 (n, 1, height, width), scaled."""
    return [scale_pixels(Split(images, images), info, args).inputs]


def right(
    network: nn.Module, seen: list[Tensor], targets: Tensor, args: Args, shift: Mapping[str, float]
) -> tuple[Tensor, Tensor]:
    """Return whether each of the images `seen` (`views`) is right by its old and by its new name, float64 (n,) each."""
    predicted = predict(network, seen[0]).argmax(1)
    return (predicted == targets).double(), (predicted == swap_names(targets, args.num_swaps)).double()


def fit(run: Run, data: Data, seed: int) -> tuple[Networks, History]:
    """Return the networks and the history of the training on new labels, of the first half of the validation split."""
    args = run.args
    first, second = halves(data.validation, seed)
    count = max(1, round(args.new_share * len(first.targets)))
    renamed = Split(first.inputs[:count], swap_names(first.targets[:count], args.num_swaps))
    source, new = (scale_pixels(split, data.info, args) for split in (draw_images(data.train, run, seed), renamed))

    seen = views(second.inputs, args, data.info)

    def accuracy(network: nn.Module) -> float:
        return right(network, seen, second.targets, args, {})[1].mean().item()

    model = untrained(run, data.info, seed)
    train = partial(fit_weighted, run, model, seed=seed, accuracy=accuracy)
    kept = train("kept", source)[-1]
    model.by_name["trained_on"].load_state_dict(model.by_name["kept"].state_dict())
    shorter = {"batch_size": args.new_batch_size, "num_epochs": args.new_num_epochs}
    rates = {"trained_on": args.on_learning_rate, "trained_anew": args.anew_learning_rate}
    histories = {
        name: train(name, new, args=args.model_copy(update=shorter | {"learning_rate": rate}))
        for name, rate in rates.items()
    }
    constant = {name: kept[name] for name in [ACCURACY.format("kept")]}
    return model, [record | constant for record in side_by_side(histories, model.in_use)]
