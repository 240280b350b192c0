"""Gaps by step and by time, and steps by rate."""

import torch

from stages.convex_problem.figures import LEAST_GAP, draw_table

FOUND = {
    "gaps": torch.tensor([1.0, 0.01, 0.0], dtype=torch.float64),
    "rates": torch.tensor([0.1, 0.2], dtype=torch.float64),
    "num_steps": torch.tensor([3.0, 2.0], dtype=torch.float64),
}


def line(drawing):
    (only,) = drawing.figure.axes[0].lines
    return list(only.get_xdata()), list(only.get_ydata())


def test_gaps_are_drawn_above_rounding_by_step_and_by_the_time_of_one_rate():
    drawings = draw_table("A table", {}, {"momentum": FOUND}, {"momentum": 12.0})
    assert line(drawings["gaps"]) == ([1, 2, 3], [1.0, 0.01, LEAST_GAP])
    assert line(drawings["time"]) == ([2, 4, 6], [1.0, 0.01, LEAST_GAP])
    assert line(drawings["rates"]) == ([0.1, 0.2], [3, 2])


def test_without_recorded_time_or_several_rates_there_is_one_figure():
    alone = FOUND | {"rates": torch.tensor([1.0], dtype=torch.float64)}
    assert draw_table("A table", {}, {"newton": alone}, {"newton": None}).keys() == {"gaps"}
