"""Optimizers racing on a function of x and y: an animation, and where each got."""

import io
import math
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from stages.core.errors import UserError
from stages.core.files import atomic_file
from stages.core.run import one_of
from stages.optimization.descent import FAR, descend
from stages.optimization.figures import draw_function
from stages.optimization.functions import PROBLEMS, Problem, parse_function
from stages.optimization.optimizers import FIRST_ORDER, SECOND_ORDER
from stages.results.figures import COLOURS, new_figure, to_png

MOST_FRAMES = 100
FRAME_MILLISECONDS = 80
STEPS_LIMIT = 100_000
PLANES = {name: problem for name, problem in PROBLEMS.items() if len(problem.stationary) == 2}
DEFAULT_RATES = {"adadelta": 1.0, "newton": 1.0, "damped_newton": 1.0, "adam": 0.1, "adamw": 0.1, "adagrad": 0.5}
DEFAULT_RATE = 0.01

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def commands() -> None:
    """Optimizers at work in the terminal."""


@app.command()
def race(
    function: Annotated[str, typer.Option(help=f"{', '.join(PLANES)}, or an expression such as 'x**2 + 3*sin(y)'")],
    optimizer: Annotated[list[str], typer.Option(help=f"any of {', '.join(FIRST_ORDER + SECOND_ORDER)}; repeat it")],
    learning_rate: Annotated[
        list[float] | None, typer.Option("--rate", help="of each optimizer in turn; a usual one if none")
    ] = None,
    start: Annotated[tuple[float, float], typer.Option(help="x and y")] = (-1.5, 1.0),
    steps: Annotated[int, typer.Option(min=1, max=STEPS_LIMIT, help="of each optimizer")] = 100,
    out: Annotated[Path, typer.Option(help="the animation, a GIF")] = Path("race.gif"),
) -> None:
    """Descend from one point with several optimizers; write an animation and print where each got.

    \f
    Raises:
        UserError: an option is wrong, the function is not finite at the start, or the file cannot be written.
    """
    for name in optimizer:
        one_of(name, [*FIRST_ORDER, *SECOND_ORDER], "--optimizer")
    rates = learning_rate or [DEFAULT_RATES.get(name, DEFAULT_RATE) for name in optimizer]
    if len(rates) != len(optimizer):
        raise UserError(f"--rate: {len(rates)} given, must be none or as many as --optimizer, {len(optimizer)}")
    if bad := [rate for rate in rates if not (math.isfinite(rate) and rate > 0)]:
        raise UserError(f"--rate = {bad[0]}: must be above 0 and finite")
    if out.suffix.lower() != ".gif":
        raise UserError(f"--out = {out}: must end in .gif")
    if out.is_dir():
        raise UserError(f"--out = {out}: is a folder")
    if function in PROBLEMS:
        one_of(function, list(PLANES), "--function")
    known = PLANES.get(function)
    problem_function = known.function if known else parse_function(function)
    first = torch.tensor(start, dtype=torch.float64)
    if not (first.abs().max() < FAR and problem_function(first).isfinite()):
        raise UserError(f"--start = {start}: must be within {FAR:g} of the origin, and the function finite there")
    labels = [f"{name} {rate:g}" for name, rate in zip(optimizer, rates, strict=True)]
    torch.set_num_threads(1)
    paths = torch.cat(
        [
            descend(problem_function, first, name, [rate], steps)
            for name, rate in track(list(zip(optimizer, rates, strict=True)), "descending", transient=True)
        ]
    )
    within = known and all(low <= at <= high for (low, high), at in zip(known.window, start, strict=True))
    problem = known if within else Problem(problem_function, (), _window(paths))
    _animate(problem, paths, labels, out)
    table = Table("optimizer", "learning rate", "x", "y", "value")
    for name, rate, (x, y) in zip(optimizer, rates, paths[:, -1].tolist(), strict=True):
        value = problem_function(torch.tensor([x, y], dtype=torch.float64)).item()
        reached = f"{value:.6g}" if math.isfinite(value) and max(abs(x), abs(y)) < FAR else "diverged or undefined"
        table.add_row(name, f"{rate:g}", f"{x:.6g}", f"{y:.6g}", reached)
    Console().print(table)
    typer.echo(f"{out}: {steps} steps")


def _window(paths: torch.Tensor, reach: float = 5.0) -> tuple[tuple[float, float], ...]:
    """Return what shows the paths (paths, steps + 1, 2) with a margin, but no more than `reach` around the start."""
    sides = []
    for values, first in zip(paths.reshape(-1, 2).T, paths[0, 0].tolist(), strict=True):
        near = values[(values - first).abs() <= reach]
        low, high = near.min().item(), near.max().item()
        margin = max(0.2 * (high - low), 0.5)
        sides.append((low - margin, high + margin))
    return tuple(sides)


def _animate(problem: Problem, paths: torch.Tensor, labels: list[str], out: Path) -> None:
    """Write the paths (paths, steps + 1, 2), growing, as a GIF."""
    figure, axes = new_figure(5, 4.4)
    draw_function(axes, problem)
    lines = [
        axes.plot([], [], marker="o", markersize=2.5, linewidth=1, color=COLOURS[index % len(COLOURS)], label=label)[0]
        for index, label in enumerate(labels)
    ]
    axes.legend(fontsize=8, loc="upper right", frameon=True)
    num_points = paths.shape[1]
    stride = max(1, math.ceil(num_points / MOST_FRAMES))
    frames = []
    for last in track([*range(1, num_points, stride), num_points], "drawing", transient=True):
        for line, points in zip(lines, paths, strict=True):
            line.set_data(*points[:last].T.numpy())
        axes.set_title(f"step {last - 1}", fontsize=9)
        frames.append(Image.open(io.BytesIO(to_png(figure))).convert("RGB"))
    with atomic_file(out) as path:
        frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=FRAME_MILLISECONDS, loop=0)
