"""The race: an animation with a frame a step, where each optimizer got, and what is refused."""

import pytest
from PIL import Image
from typer.testing import CliRunner

from stages.core.errors import UserError
from stages.optimization import commands
from stages.optimization.commands import app

RACE = ["race", "--function", "x**2 + y**2", "--optimizer", "sgd", "--optimizer", "adam", "--start", "1", "-1"]


def run(*options: str) -> str:
    done = CliRunner().invoke(app, [*RACE, *options], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_a_race_is_animated_and_told(tmp_path):
    out = tmp_path / "race.gif"
    told = run("--rate", "0.5", "--rate", "0.1", "--steps", "12", "--out", str(out))
    with Image.open(out) as animation:
        assert animation.n_frames == 13
    (line,) = (line for line in told.splitlines() if "sgd" in line)
    assert float(line.split("│")[-2]) == 0  # one step of rate 0.5 finds the minimum of x^2 + y^2
    assert [path.name for path in tmp_path.iterdir()] == ["race.gif"]


def test_a_path_that_diverges_is_told_to(tmp_path):
    told = run("--rate", "5", "--rate", "0.1", "--out", str(tmp_path / "race.gif"))
    assert [line.split("│")[-2].strip() == "diverged or undefined" for line in told.splitlines() if "│" in line] == [
        True,
        False,
    ]


def test_a_start_outside_a_known_functions_window_is_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(commands, "_animate", lambda problem, *_: shown.append(problem.window))
    CliRunner().invoke(app, ["race", "--function", "quadratic", "--optimizer", "sgd", "--start", "50", "40"])
    ((low, high), _) = shown[0]
    assert low < 50 < high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate", "0.1"], "1 given, must be none or as many as --optimizer, 2"),
        (["--rate", "0.1", "--rate", "0"], "--rate = 0.0: must be above 0"),
        (["--out", "race.png"], "must end in .gif"),
        (["--function", "x^2"], "powers are"),
        (["--optimizer", "adom"], "must be one of sgd"),
        (["--function", "log(x - 5)"], "the function finite there"),
        (["--start", "5000", "1"], "must be within 1000 of the origin"),
        (["--function", "parabola"], "must be one of quadratic"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        run(*options)
    assert list(tmp_path.iterdir()) == []
