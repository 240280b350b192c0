"""The README's results section and the terminal's view of the results, both from reports/results.md."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from stages.core.errors import UserError
from stages.core.files import write_text

README = Path("README.md")
RESULTS = Path("reports/results.md")
PAGE = Path("reports/index.html")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def update(check: bool) -> None:
    """Replace what stands between the markers in README.md by reports/results.md; with `check` only compare.

    Raises:
        UserError: a file or a marker is missing, or, with `check`, the README is out of date.
    """
    old = _read(README, "run the command in the root of the repository")
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        raise UserError(f"{README}: must hold the lines {BEGIN} and {END}, once each and in this order")
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    new = f"{before}{BEGIN}\n\n{_from_root(_results())}\n{END}{after}"
    if new == old:
        print(f"{README} is up to date")
    elif check:
        raise UserError(f"{README}: the results are out of date; `python -m stages readme` brings them up to date")
    else:
        write_text(README, new)
        print(f"{README}: results brought up to date")


def show() -> None:
    """Print the results and say where the report is; a terminal gets narrow tables, a pipe the Markdown.

    Raises:
        UserError: there is no report yet.
    """
    text = re.sub(r"^(<!--.*-->|!?\[.*\]\(.*\))\n+", "", _results(), flags=re.MULTILINE)
    if sys.stdout.isatty():
        _print_blocks(text.split("\n\n"))
    else:
        print(text)
    print(f"Report: {PAGE}")


def _print_blocks(blocks: Iterable[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for block in blocks:
        if block.startswith("#"):
            console.print()
        if not block.startswith("|"):
            console.print(Markdown(block))
            continue
        header, rows = _read_table(block)
        table = Table(*header, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)


def _read_table(block: str) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a Markdown table; a table of results gets one line a number, so that it is narrow."""
    lines = (re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.splitlines())
    header, _, *rows = ([cell.strip().replace(r"\|", "|") for cell in line] for line in lines)
    if "parameters" not in header:
        return header, rows
    start = header.index("parameters") + 1  # the arguments stand before it, the numbers after it
    narrow = []
    for row in rows:
        numbers = dict(zip(header[start:], row[start:], strict=True))
        ours = {name: cell for name, cell in numbers.items() if not name.endswith(", document") and cell != "–"}
        labels = [row[0]] + [""] * len(ours)
        for label, (name, cell) in zip(labels, ours.items(), strict=False):
            narrow.append([label, name, cell, numbers.get(f"{name}, document", "")])
    return ["row", "number", "ours", "document"], narrow


def _results() -> str:
    return _read(RESULTS, "`dvc repro` makes it")


def _read(path: Path, remedy: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {remedy}") from error


def _from_root(text: str) -> str:
    """Make links relative to reports/ relative to the root of the repository."""
    return re.sub(r"\]\((?!https?:|#)", f"]({RESULTS.parent}/", text)
