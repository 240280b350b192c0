"""Schedules beside those of torch."""

from itertools import pairwise

import pytest
import torch
from torch.optim import lr_scheduler

from stages.learning_rates.schedules import factor

NUM_STEPS = 40
PEERS = {
    "constant": lambda optimizer: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "step": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [20, 30], gamma=0.1),
    "exponential": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.05 ** (1 / NUM_STEPS)),
    "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, NUM_STEPS),
}


def factors(schedule: str, warmup_steps: int = 0, num_steps: int = NUM_STEPS) -> list[float]:
    settings = {"warmup_steps": warmup_steps, "milestones": [0.5, 0.75], "last_factor": 0.05}
    return [factor(schedule, step, num_steps, **settings) for step in range(num_steps)]


@pytest.mark.parametrize("schedule", PEERS)
def test_a_schedule_is_torchs(schedule):
    """Because torch's schedulers are written by others."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = PEERS[schedule](optimizer)
    expected = []
    for _ in range(NUM_STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert factors(schedule) == pytest.approx(expected)


def test_inverse_time_falls_as_one_over_t():
    """Its inverse grows by the same amount with each step, to that of the last factor. Torch has no such scheduler."""
    inverse = [1 / each for each in factors("inverse_time")]
    assert inverse[0] == 1
    growth = [after - before for before, after in pairwise(inverse)]
    assert growth == pytest.approx([(1 / 0.05 - 1) / NUM_STEPS] * (NUM_STEPS - 1))


@pytest.mark.parametrize("schedule", [*PEERS, "inverse_time"])
def test_warmup_goes_before_the_whole_schedule(schedule):
    """It grows in equal parts from near zero to the highest rate, and cuts nothing off the decay."""
    warm = factors(schedule, warmup_steps=8, num_steps=NUM_STEPS + 8)
    assert warm[:8] == pytest.approx([step / 8 for step in range(1, 9)])
    assert warm[8:] == pytest.approx(factors(schedule))
