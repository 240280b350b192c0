"""The README's results section, from reports/summary.md."""

import re
from pathlib import Path

from stages.core.errors import UserError
from stages.core.files import write_text

README = Path("README.md")
SUMMARY = Path("reports/summary.md")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def update(check: bool) -> None:
    """Replace what stands between the markers in README.md by reports/summary.md; with `check` only compare.

    Raises:
        UserError: a file or a marker is missing, or, with `check`, the README is out of date.
    """
    old = _read(README, "run the command in the root of the repository")
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        raise UserError(f"{README}: must hold the lines {BEGIN} and {END}, once each and in this order")
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    summary = _from_root(_read(SUMMARY, "`dvc repro` makes it"))
    new = f"{before}{BEGIN}\n\n{summary}\n{END}{after}"
    if new == old:
        print(f"{README} is up to date")
    elif check:
        raise UserError(f"{README}: the results are out of date; `python -m stages readme` brings them up to date")
    else:
        write_text(README, new)
        print(f"{README}: results brought up to date")


def _read(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {remedy}") from error


def _from_root(text: str) -> str:
    """Make links relative to reports/ relative to the root of the repository."""
    return re.sub(r"\]\((?!https?:|#)", f"]({SUMMARY.parent}/", text)
