"""Paths are drawn where they go, over the function's window."""

import torch

from stages.optimization.figures import draw_table
from stages.optimization.functions import PROBLEMS


def test_a_panel_a_row_with_a_line_a_rate():
    path = torch.tensor([[-5.0, -2.0], [0.0, 1.0]], dtype=torch.float64)
    found = {
        "paths": torch.stack([path, path / 2]),
        "learning_rates": torch.tensor([0.1, 0.2]),
        "function": torch.tensor(list(PROBLEMS).index("quadratic")),
    }
    figure = draw_table("A table", {}, {"a": found, "b": found}, {})["paths"].figure
    for axes in figure.axes[:2]:
        lines = {line.get_label(): line for line in axes.lines}
        assert list(lines["0.2"].get_xdata()) == [-2.5, 0.0] and list(lines["0.1"].get_ydata()) == [-2.0, 1.0]
        assert axes.get_xlim() == PROBLEMS["quadratic"].window[0]


def test_one_variable_is_drawn_on_its_curve():
    found = {
        "paths": torch.tensor([[[10.0], [-3.0]]], dtype=torch.float64),
        "learning_rates": torch.tensor([0.65]),
        "function": torch.tensor(list(PROBLEMS).index("parabola")),
    }
    (axes,) = draw_table("A table", {}, {"a": found}, {})["paths"].figure.axes
    (line,) = (line for line in axes.lines if line.get_label() == "0.65")
    assert list(line.get_ydata()) == [100.0, 9.0]
