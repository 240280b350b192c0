"""The README's results are the report's, and only what stands between the markers changes."""

import subprocess
import sys

import pytest

from stages import readme, show
from stages.core.errors import UserError

RESULTS = """<!-- Generated -->

### Table

| row   |   parameters |               loss |        loss, document |
|:------|-------------:|-------------------:|----------------------:|
| a \\| b |            7 | 0.2000 ± 0.1 (3) | 0.25 differs (-0.05) |

![picture](figures/x.png)

[numbers](tables/x.md) and [elsewhere](https://example.org)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/results.md").write_text(RESULTS)
    (tmp_path / "README.md").write_text(f"# Title\n{readme.BEGIN}\nold\n{readme.END}\nThe end.\n")
    return tmp_path


def test_only_the_part_between_the_markers_changes(folder):
    readme.update(check=False)
    text = (folder / "README.md").read_text()
    assert text.startswith(f"# Title\n{readme.BEGIN}\n\n<!-- Generated -->")
    assert text.endswith(f"{readme.END}\nThe end.\n")
    assert "old" not in text


def test_links_start_at_the_root(folder):
    readme.update(check=False)
    text = (folder / "README.md").read_text()
    assert "](reports/figures/x.png)" in text
    assert "](reports/tables/x.md)" in text
    assert "](https://example.org)" in text


def test_check_changes_nothing_and_fails_until_updated(folder):
    before = (folder / "README.md").read_text()
    with pytest.raises(UserError, match="out of date"):
        readme.update(check=True)
    assert (folder / "README.md").read_text() == before
    readme.update(check=False)
    readme.update(check=True)


@pytest.mark.parametrize("text", ["", readme.BEGIN, f"{readme.END} {readme.BEGIN}", readme.BEGIN * 2 + readme.END])
def test_missing_markers_are_an_error(folder, text):
    (folder / "README.md").write_text(text)
    with pytest.raises(UserError, match="results:begin"):
        readme.update(check=False)


@pytest.mark.parametrize("name", ["README.md", "reports/results.md"])
def test_a_missing_file_is_an_error(folder, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name}: no such file"):
        readme.update(check=False)


def test_a_pipe_gets_the_markdown_without_pictures(folder, capsys):
    show.show()
    printed = capsys.readouterr().out
    assert printed.startswith("### Table")
    assert "0.25 differs (-0.05)" in printed
    assert "figures/x.png" not in printed
    assert printed.endswith("Report: reports/index.html\n")


def test_a_terminal_gets_one_line_a_number(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    show.show()
    line = next(line for line in capsys.readouterr().out.splitlines() if "0.2000" in line)
    assert line.split() == ["a", "|", "b", "loss", "0.2000", "±", "0.1", "(3)", "0.25", "differs", "(-0.05)"]


def test_showing_results_does_not_import_torch():
    code = "import sys, stages.__main__, stages.show; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
