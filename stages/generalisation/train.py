"""Training watched by its errors on training and validation images, and the choice of the weight decay by folds."""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import stdev
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History, predict
from stages.generalisation import tuned_mlp
from stages.image_classification.train import draw_images, fit_watched, scale_pixels


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; a record has `train_error` and `validation_error` after the epoch too.

    With `tuned_mlp` each record also says how the weight decay was chosen, see `choose_weight_decay`.

    Raises:
        UserError: training diverged, there are too few training images, or the data have no validation split.
    """
    if data.validation is None:
        raise UserError(f"{run.name}: data = '{run.data}' must have a validation split")
    chosen: dict[str, float] = {}
    if isinstance(run.args, tuned_mlp.Args):
        chosen = choose_weight_decay(run, data, seed)
        run = _changed(run, weight_decay=chosen["chosen_decay"])
        torch.manual_seed(seed)  # first weights do not depend on how many networks were trained before
    validation = scale_pixels(data.validation, data.info, run.args)
    # The loop would predict the validation images only for their loss; the watcher does it once for both.
    model, history = fit_watched(run, replace(data, validation=None), seed, partial(watch_errors, validation))
    return model, [record | chosen for record in history]


def watch_errors(validation: Split, model: nn.Module, training: Split) -> Callable[[], dict[str, float]]:
    """Return what measures the shares of wrong images, and the validation loss in nats per image, dropout off."""

    def watch() -> dict[str, float]:
        logits = predict(model, validation.inputs)
        return {
            "validation_loss": functional.cross_entropy(logits, validation.targets).item(),
            "train_error": 1 - accuracy(predict(model, training.inputs).argmax(1), training.targets),
            "validation_error": 1 - accuracy(logits.argmax(1), validation.targets),
        }

    return watch


def choose_weight_decay(run: Run, data: Data, seed: int) -> dict[str, float]:
    """Choose among `weight_decays` by folds of the training images that `fit_watched` draws; no other is looked at.

    Returns:
        `chosen_decay` and `estimated_error`, its share of wrong images in the folds validated on; `estimate_sd`, the
        standard deviation of that estimate over `num_divisions` such choices on the same images; `num_trainings` that
        one choice takes, the last on all images included; and `estimated_error_<i>` of the i-th value, from 1, a mean
        over divisions.

    Raises:
        UserError: training diverged, or there are fewer images than folds or than `num_train`.
    """
    args, available = run.args, len(data.train.inputs)
    count = available if args.num_train is None else args.num_train
    if not args.num_folds <= count <= available:
        limits = f"from num_folds = {args.num_folds} to the {available} training images"
        raise UserError(f"{run.name}: num_train = {count} must be {limits}")
    images = draw_images(data.train, run, seed)
    draws = torch.Generator().manual_seed(seed)
    divisions = []  # a list of estimated errors each
    for _ in range(args.num_divisions):
        folds = torch.randperm(count, generator=draws).tensor_split(args.num_folds)
        divisions.append([estimate_error(run, images, data.info, seed, folds, decay) for decay in args.weight_decays])
    estimate = min(divisions[0])
    means = torch.tensor(divisions, dtype=torch.float64).mean(0).tolist()
    return {
        "chosen_decay": args.weight_decays[divisions[0].index(estimate)],
        "estimated_error": estimate,
        "estimate_sd": stdev(map(min, divisions)),
        "num_trainings": len(args.weight_decays) * (args.num_validated or args.num_folds) + 1,
    } | {f"estimated_error_{number}": error for number, error in enumerate(means, 1)}


def estimate_error(
    run: Run, images: Split, info: dict[str, Any], seed: int, folds: Sequence[Tensor], weight_decay: float
) -> float:
    """Return the share of wrong images in the folds validated on, each by a network trained on the other folds.

    `folds` are numbers of `images`, int64 (about images / folds,).
    """
    wrong = total = 0
    run = _changed(run, weight_decay=weight_decay, num_train=None)
    for number, held_out in enumerate(folds[: run.args.num_validated]):
        others = torch.cat([fold for other, fold in enumerate(folds) if other != number])
        training, validation = (Split(images.inputs[part], images.targets[part]) for part in (others, held_out))
        torch.manual_seed(seed)
        with contextlib.redirect_stderr(io.StringIO()):  # a line for each of many networks
            model, _ = fit_watched(run, Data(training, None, validation, info), seed)
        predicted = predict(model, scale_pixels(validation, info, run.args).inputs).argmax(1)
        wrong += (predicted != validation.targets).sum().item()
        total += len(held_out)
    return wrong / total


def _changed(run: Run, **args: float | None) -> Run:
    return replace(run, args=run.args.model_copy(update=args))
