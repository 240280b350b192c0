"""Results in the terminal: narrow tables; in a pipe the Markdown."""

import subprocess
import sys

import pytest

from stages.core.errors import UserError
from stages.results import show
from tests.conftest import ROOT

RESULTS = """<!-- Generated -->

### Table

| row    |   parameters |             loss |       loss, document |
|:-------|-------------:|-----------------:|---------------------:|
| a \\| b |            7 | 0.2000 ± 0.1 (3) | 0.25 differs (-0.05) |

![picture](tables/x.png)

[numbers](tables/x.md)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/results.md").write_text(RESULTS)
    return tmp_path


def test_a_pipe_gets_the_markdown_without_pictures(capsys):
    show.show()
    printed = capsys.readouterr().out
    assert printed.startswith("### Table")
    assert "0.25 differs (-0.05)" in printed
    assert "tables/x" not in printed
    assert printed.endswith("Report: reports/index.html\n")


def test_a_terminal_gets_one_line_a_number(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    show.show()
    line = next(line for line in capsys.readouterr().out.splitlines() if "0.2000" in line)
    assert line.split() == ["a", "|", "b", "loss", "0.2000", "±", "0.1", "(3)", "0.25", "differs", "(-0.05)"]


def test_without_a_report_the_command_that_makes_it_is_named(folder):
    (folder / "reports/results.md").unlink()
    with pytest.raises(UserError, match=r"reports/results.md: no such file; `.*repro` makes it"):
        show.show()


def test_showing_results_does_not_wait_for_torch():
    code = "import sys, stages.__main__, stages.results.show; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
