"""Metrics as pure functions: sums and counts, divided once."""

import math
from statistics import mean, stdev
from typing import Any

from torch import Tensor

from stages.core.errors import UserError


def accuracy(predicted: Tensor, actual: Tensor) -> float:
    """Return the share of equal entries of two tensors of the same shape.

    Raises:
        UserError: the shapes differ, so that broadcasting would compare the wrong entries.
    """
    if predicted.shape != actual.shape:
        raise UserError(f"predicted classes {tuple(predicted.shape)} and targets {tuple(actual.shape)} differ in shape")
    return (predicted == actual).sum().item() / actual.numel()


def summarise(scores: dict[int, dict[str, float]]) -> dict[str, dict[str, Any]]:
    """Turn `{seed: {metric: value}}` into `{metric: {mean, sd, seeds: {seed: value}}}`.

    `sd` is the sample standard deviation over seeds (n - 1 in the denominator), None for one seed.

    Raises:
        UserError: a value is NaN or infinite.
    """
    summary = {}
    for metric in next(iter(scores.values())):
        values = {str(seed): metrics[metric] for seed, metrics in scores.items()}
        for seed, value in values.items():
            if not math.isfinite(value):
                raise UserError(f"{metric} = {value} for seed {seed}: a metric must be finite")
        spread = stdev(values.values()) if len(values) > 1 else None
        summary[metric] = {"mean": mean(values.values()), "sd": spread, "seeds": values}
    return summary
