"""Figures of descents: paths over the contours of a function."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import Tensor

from stages.core.run import Run
from stages.optimization.functions import PROBLEMS, Problem
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure

TABLES_SHOW_OUTPUTS = True
FINENESS, LEVELS = 80, 14  # points of a contour plot along a side, and its lines


def test_examples(run: Run, metric: str, outputs: Mapping[str, Tensor]) -> Examples:
    """Return examples that change nothing: descent on a known function is measured on the function, not on a sample."""
    return Examples((2,), lambda _: 0.0, resamples=2)


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, Mapping[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the paths of each row on its function."""
    columns = min(3, len(outputs))
    rows = -(-len(outputs) // columns)
    figure, grid = new_figure(3.0 * columns, 2.9 * rows, rows, columns, squeeze=False)
    for axes, (label, found) in zip(grid.flat, outputs.items(), strict=False):
        problem = list(PROBLEMS.values())[found["function"].item()]
        draw_paths(axes, problem, found["paths"], [f"{rate:g}" for rate in found["learning_rates"].tolist()])
        axes.set_title(label, fontsize=8)
        axes.legend(fontsize=6, loc="upper right", frameon=True)
    for axes in list(grid.flat)[len(outputs) :]:
        axes.axis("off")
    caption = f"{title}: the path of each learning rate; a cross marks where the gradient is zero."
    return {"paths": Drawing(caption, figure)}


def draw_paths(axes: Axes, problem: Problem, paths: Tensor, labels: list[str]) -> None:
    """Draw paths (paths, steps + 1, variables) over the function's contours, or its curve in one variable."""
    draw_function(axes, problem)
    for path, label, colour in zip(paths, labels, COLOURS, strict=False):
        places = path.T.numpy()
        if len(places) == 1:
            places = np.stack([places[0], [problem.function(x).item() for x in path]])
        axes.plot(*places, marker="o", markersize=2, linewidth=0.9, color=colour, label=label)


def draw_function(axes: Axes, problem: Problem) -> None:
    """Draw contours over the problem's window, in even steps of a root of the value, or a curve in one variable."""
    sides = [torch.linspace(*side, FINENESS, dtype=torch.float64) for side in problem.window]
    points = torch.cartesian_prod(*sides).reshape(-1, len(sides))
    values = torch.stack([problem.function(point) for point in points]).numpy()
    axes.set_xlim(problem.window[0])
    if len(sides) == 1:
        axes.plot(sides[0], values, color="#bbbbbb", linewidth=1)
        axes.set_ylim(-0.05 * values.max(), 1.05 * values.max())
        axes.plot(*problem.stationary, problem.function(torch.tensor(problem.stationary)).item(), "kx")
        return
    values[~np.isfinite(values)] = np.nan
    heights = np.cbrt(values - np.nanmin(values)).reshape(FINENESS, FINENESS).T
    axes.contour(sides[0], sides[1], heights, levels=LEVELS, colors="#bbbbbb", linewidths=0.6)
    axes.set_ylim(problem.window[1])
    if problem.stationary:
        axes.plot(*problem.stationary, "kx")
