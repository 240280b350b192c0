"""The terminal's view of the results: all of reports/results.md, or one table as soon as its rows are there."""

import re
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from stages.core.errors import UserError

RESULTS = Path("reports/results.md")
PAGE = Path("reports/index.html")


def show() -> None:
    """Print the results and say where the report is; a terminal gets narrow tables, a pipe the Markdown.

    Raises:
        UserError: there is no report yet.
    """
    try:
        results = RESULTS.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{RESULTS}: no such file; `dvc repro` makes it") from error
    text = re.sub(r"^(<!--.*-->|!?\[.*\]\(.*\))\n+", "", results, flags=re.MULTILINE)
    _print_blocks(text, Console())
    print(f"Report: {PAGE}")


def print_table(name: str, console: Console) -> None:
    """Print one results table, `family/table`, without its description, notes and intervals.

    Raises:
        UserError: a family's files are wrong, or a row's metrics are missing.
    """
    from stages.results.project import load_project  # these take a second or two
    from stages.results.rows import read_rows
    from stages.results.tables import results_frame, to_markdown

    project = load_project()
    table = project.tables[name]
    rows, _ = read_rows(project, table.rows)
    _print_blocks(f"### {table.title}\n\n{to_markdown(results_frame(table, list(rows.values())))}\n", console)


def _print_blocks(text: str, console: Console) -> None:
    """Print Markdown: to a terminal with narrow tables, to a log as it is."""
    if not console.is_terminal:
        print(text, flush=True)
        return
    for block in text.split("\n\n"):
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
