"""Schedules: what the learning rate is multiplied by at each step of a training.

Warm-up grows linearly over the first steps (Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.2, from near
zero). Over the n steps after it, t from 0: `constant` is 1; `step` is divided by ten at each milestone (He et al. 2016,
section 4.2); `exponential` is e^(-ct), `cosine` (1 + cos(pi t/n))/2 (Loshchilov and Hutter 2017, equation 5, without
restarts) and `inverse_time` 1/(1 + ct), which falls as 1/t in the end (Robbins and Monro 1951). The constant c of
`exponential` and `inverse_time` is such that they would be at `last_factor` after n steps.
"""

import math
from collections.abc import Sequence
from typing import Literal

Schedule = Literal["constant", "step", "exponential", "cosine", "inverse_time"]
STEP_FACTOR = 0.1  # He et al. 2016, section 4.2


def factor(
    schedule: Schedule, step: int, num_steps: int, *, warmup_steps: int, milestones: Sequence[float], last_factor: float
) -> float:
    """Return the factor of a step, from 0, of `num_steps`; `milestones` are shares of the steps after warm-up."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / (num_steps - warmup_steps)
    if schedule == "step":
        return STEP_FACTOR ** sum(progress >= milestone for milestone in milestones)
    if schedule == "exponential":
        return last_factor**progress
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "inverse_time":
        return 1 / (1 + (1 / last_factor - 1) * progress)
    return 1.0
