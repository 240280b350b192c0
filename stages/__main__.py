"""The command line: `python -m stages …`. Each command imports only what it runs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from stages.core.errors import UserError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Name = Annotated[str, typer.Argument(help="a key of params.yaml")]


@app.command()
def check(out: Annotated[Path | None, typer.Option(help="file to write when all is well")] = None) -> None:
    """Check params.yaml: keys, types, values and references."""
    from stages import check as stage

    stage.check(out)


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="a key of data/catalog.yaml")]) -> None:
    """Obtain one data set of data/catalog.yaml and check it."""
    from stages import fetch as stage

    stage.fetch(name)


@app.command()
def prepare(name: Name) -> None:
    """Turn raw files, or a rule to draw from, into tensors divided into splits."""
    from stages import prepare as stage

    stage.prepare(name)


@app.command()
def train(name: Name) -> None:
    """Train one run, a model a seed."""
    from stages import train as stage

    stage.train(name)


@app.command()
def evaluate(name: Name) -> None:
    """Score the trained models of one run."""
    from stages import evaluate as stage

    stage.evaluate(name)


@app.command()
def report() -> None:
    """Write the tables, the figures and index.html under reports/."""
    from stages import report as stage

    stage.report()


@app.command()
def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="stages, with all they need; all stages if none")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="stages at once")] = len(os.sched_getaffinity(0)),
    force: Annotated[bool, typer.Option(help="run every stage, whatever is there or in the cache")] = False,
    keep_going: Annotated[bool, typer.Option(help="after a failure run what does not depend on it")] = False,
) -> None:
    """Do what `dvc repro` does, on all cores."""
    from stages import repro as stage

    if not stage.repro(targets or [], jobs, force, keep_going):
        raise typer.Exit(1)


@app.command()
def readme(check: Annotated[bool, typer.Option(help="change nothing; fail if out of date")] = False) -> None:
    """Bring the generated part of README.md up to date with reports/."""
    from stages import readme as stage

    stage.update(check=check)


@app.command()
def show() -> None:
    """Print the results tables and say where the report is."""
    from stages import readme as stage

    stage.show()


@app.command()
def verify(reference: Annotated[str, typer.Option(help="Git revision that holds the references")] = "HEAD") -> None:
    """Compare fresh metrics with the committed ones; fail if one left its tolerance."""
    from stages import verify as stage

    if not stage.verify(reference):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; a UserError becomes one line and exit status 1."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
