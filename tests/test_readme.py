"""README.md is short and shows the report's summary between its markers; no link in any README is dead."""

import re
from pathlib import Path

import pytest

from stages import readme
from stages.core.errors import UserError
from tests.conftest import FAMILIES, ROOT

READMES = [ROOT / "README.md", *sorted(ROOT.glob("[a-z]*/README.md")), *sorted(ROOT.glob("stages/*/README.md"))]
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
SUMMARY = """<!-- Generated -->

| row    | number |
|:-------|-------:|
| a \\| b | 0.2000 |

![picture](tables/x.png)

[numbers](tables/x.md) and [elsewhere](https://example.org)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/summary.md").write_text(SUMMARY)
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
    assert "](reports/tables/x.png)" in text
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


@pytest.mark.parametrize("name", ["README.md", "reports/summary.md"])
def test_a_missing_file_is_an_error(folder, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"{name}: no such file"):
        readme.update(check=False)


def test_the_readme_shows_the_committed_results(monkeypatch):
    monkeypatch.chdir(ROOT)
    readme.update(check=True)


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_bytes()
    assert len(text) <= 10_000
    assert text.count(b"\n") <= 200


def test_every_folder_that_needs_one_has_a_readme():
    told = {str(path.parent.relative_to(ROOT)) for path in READMES}
    assert {".", "stages", "data", "metrics", *(f"stages/{family}" for family in FAMILIES)} <= told


def anchors(path: Path) -> set[str]:
    """Return the names of the headings of a Markdown file, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(path):
    dead = []
    for address, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        target = (path.parent / address).resolve() if address else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{address}#{anchor}")
    assert dead == []
