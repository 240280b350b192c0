"""A new family costs its folder: everything works with a second one beside the first, and no other file changes."""

from pathlib import Path

import pytest

from stages.core.family import family_names, model_names
from stages.rebuild.workspace import read_pipeline
from tests import test_planted, test_runs
from tests.conftest import ENVIRONMENT, ROOT, copy_line, edited
from tests.planted import load_planted
from tests.small_repository import shell

ITS_OWN = {  # what it has under other names than the family that it is a copy of
    "drawn": "scattered",  # a kind of data
    "slope_error": "tilt",  # a metric
    '"fit"': '"slant"',  # a figure
    "the fitted line and": "the tilted line and",
    "def at(": "def height(",  # a command
    "straight_line": "tilted_line",  # an architecture
}
WRITTEN = ("stages/other/", "tests/other/", "metrics/other/", "metrics/references/", "reports/", "dvc.lock")


@pytest.fixture
def other(built) -> Path:
    """A repository with a built family, and beside it the folder of a new one, and its contract for the tests."""
    copy_line(built, "other")
    folder, contract = built / "stages/other", built / "tests/other/contract.py"
    (folder / "straight_line.py").rename(folder / "tilted_line.py")
    contract.parent.mkdir(parents=True)
    contract.write_text((ROOT / "tests/line/contract.py").read_text().replace("stages.line", "stages.other"))
    with edited(folder / "params.yaml") as params, edited(folder / "tables.yaml") as shown:  # one row is enough
        del params["runs"]["slow"], shown["rows"]["slow"], shown["claims"]
        shown["tables"]["line"]["rows"] = ["fast"]
    for path in [contract, *folder.iterdir()]:
        text = path.read_text()
        for old, new in ITS_OWN.items():
            text = text.replace(old, new)
        path.write_text(text)
    return built


def test_the_pipeline_finds_it_and_leaves_the_others_alone(other, cli, run_stages):
    assert family_names() == ["line", "other"]
    assert model_names("other") == ["tilted_line"]
    for command in ("check", "lint"):
        done = cli(command)
        assert done.returncode == 0, done.stdout + done.stderr
    its_own = {
        f"stages/other/dvc.yaml:{name}" for name in ("scattered@points", "train@fast", "evaluate@fast", "figures")
    }
    assert read_pipeline().stale == {*its_own, "report"}

    done = run_stages("repro", env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.index("### A line") < done.stdout.index("] report:")  # a table as soon as its rows are there
    assert read_pipeline().stale == set()

    page, table = (Path(f"reports/{name}").read_text() for name in ("index.html", "tables/other/line.md"))
    assert "fast: the tilted line and the 32 test points" in page
    assert Path("reports/figures/other/fast_slant.png").exists()
    assert "| fast" in table
    assert float(cli("other", "height", "0").stdout)

    assert cli("verify", "--update").returncode == 0
    done = cli("verify", "other")
    assert done.returncode == 0, done.stdout
    assert "exact: 1 runs: other/fast" in done.stdout
    changed = [line[3:] for line in shell(other, "git status --porcelain --untracked-files=all").splitlines()]
    assert [path for path in changed if not path.startswith(WRITTEN)] == []
    assert {path.rpartition(".")[2] for path in changed if path.startswith("metrics/references/line/")} <= {"json"}


def test_the_generic_tests_see_it(other):
    """Training moves every tensor and repeats itself; what it plants is caught by its own tolerances."""
    test_runs.check_repetition("other/fast")
    planted = load_planted("other")
    assert planted.run.family == "other"
    test_planted.check_planted(planted)
