"""What the generic tests need of this family: small data, a shortened run, and what is planted."""

from dataclasses import replace
from pathlib import Path

import torch

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.line.straight_line import Args
from tests.planted import Planted, learning_rate_ten_times_too_high, shuffled_labels


def small_data(run: Run) -> Data:
    """Return points around y = 2 x + 1."""
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(96, 1, generator=draws)
    y = 2 * x + 1 + 0.1 * torch.randn(96, 1, generator=draws)
    return Data(Split(x[:64], y[:64]), None, Split(x[64:], y[64:]), {"slope": 2.0})


def shortened(run: Run) -> Run:
    """Return the run with a single epoch."""
    return replace(run, args=run.args.model_copy(update={"num_epochs": 1}))


ARGS = Args(batch_size=8, num_epochs=10, learning_rate=0.1)
FAMILY = Path(__file__).parent.name
RUN = Run(f"{FAMILY}/small", FAMILY, "straight_line", "points", ARGS, [1], "cpu")
PLANTED = Planted(RUN, small_data(RUN), [learning_rate_ten_times_too_high, shuffled_labels])
