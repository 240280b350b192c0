"""The command line: `python -m stages …`. Each command imports only what it runs."""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from stages.core.errors import UserError
from stages.core.family import code_of, family_module, family_names

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Name = Annotated[str, typer.Argument(help="a key of params.yaml")]
FullName = Annotated[str, typer.Argument(metavar="FAMILY/NAME", help="a key of the family's params.yaml")]
Family = Annotated[str, typer.Argument(help="a folder of stages/ with experiments")]


@app.command()
def check() -> None:
    """Check params.yaml, all families' files and stages/documents.yaml: keys, types, values and references."""
    from stages.results.documents import load_documents
    from stages.results.project import load_project

    load_documents(load_project())
    print("parameters, tables and documents are valid")


@app.command()
def lint() -> None:
    """Check dvc.yaml and params.yaml files for what DVC accepts and then handles wrongly."""
    from stages.rebuild import lint as checks

    if problems := checks.lint():
        print("\n".join(problems))
        raise typer.Exit(1)
    print("dvc.yaml and params.yaml files are free of DVC's traps")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="a key of data/catalog.yaml")]) -> None:
    """Obtain one data set of data/catalog.yaml and check it."""
    from stages import fetch as stage

    stage.fetch(name)


@app.command()
def tokenize(name: Name) -> None:
    """Divide one fetched text data set into tokens."""
    from stages import tokenize as stage

    stage.tokenize(name)


@app.command()
def join(name: Name) -> None:
    """Put two tokenized texts one after the other."""
    from stages import tokenize as stage

    stage.join_tokens(name)


@app.command()
def vocab(name: Name) -> None:
    """Choose the words of a text that count."""
    from stages import vocab as stage

    stage.vocab(name)


@app.command()
def prepare(name: FullName) -> None:
    """Make one data set of a family: tensors divided into splits, or what else its recipe says."""
    from stages import prepare as stage

    stage.prepare(name)


@app.command()
def train(name: FullName) -> None:
    """Train one run, a model a seed."""
    from stages import train as stage

    stage.train(name)


@app.command()
def evaluate(name: FullName) -> None:
    """Score the trained models of one run."""
    from stages import evaluate as stage

    stage.evaluate(name)


@app.command()
def figures(family: Family) -> None:
    """Draw the rows and tables of a family."""
    from stages import figures as stage

    stage.figures(family)


@app.command()
def report() -> None:
    """Write the tables, the claims and index.html under reports/."""
    from stages import report as stage

    stage.report()


@app.command()
def repro(
    targets: Annotated[
        list[str] | None, typer.Argument(help="stages, family/row or families, with all they need; all if none")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="stages at once")] = len(os.sched_getaffinity(0)),
    force: Annotated[bool, typer.Option(help="run every stage, whatever is there or in the cache")] = False,
    keep_going: Annotated[bool, typer.Option(help="after a failure run what does not depend on it")] = False,
) -> None:
    """Do what `dvc repro` does, on all cores, after a check of all parameters."""
    from stages.rebuild import repro as stage
    from stages.results.project import load_project

    load_project()  # nothing is fetched or trained while a parameter is wrong
    try:
        done = stage.repro(targets or [], jobs, force, keep_going)
    except KeyboardInterrupt:
        same = "the same command without --force" if force else "the same command"
        print(f"stopped; {same} goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None
    if not done:
        raise typer.Exit(1)


@app.command()
def readme(check: Annotated[bool, typer.Option(help="change nothing; fail if out of date")] = False) -> None:
    """Bring the generated part of README.md up to date with reports/."""
    from stages import readme as stage

    stage.update(check=check)


@app.command()
def show() -> None:
    """Print the results tables and say where the report is."""
    from stages.results import show as stage

    stage.show()


@app.command()
def compare(
    family: Family,
    rev: Annotated[str, typer.Option(help="Git revision that the experiments were made from")] = "HEAD",
    by: Annotated[str | None, typer.Option(help="metric that decides which is best")] = None,
) -> None:
    """Print one table of a family's experiments: settings that differ, metrics, the best row marked."""
    from stages import experiments as stage

    stage.compare(family, rev, by)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="family/row or families; all if none")] = None,
    update: Annotated[
        bool, typer.Option(help="record the present metrics as references, and show the difference")
    ] = False,
) -> None:
    """Compare metrics with the references; fail if one left its band, is missing, extra, stale or not a number."""
    from stages import verify as stage

    if update and names:
        raise UserError("verify --update renews the references of all runs: name none")
    if update:
        stage.update()
    elif not stage.verify(names or []):
        raise typer.Exit(1)


@app.command()
def retrain(name: FullName) -> None:
    """Train the first seed of a run anew, in memory, and compare it with its reference."""
    from stages import retrain as stage

    found = stage.retrain(name)
    for finding in found.findings:
        print(f"{finding.metric} {finding.reference} -> {finding.fresh} ({finding.allowed}): {finding.why}")
    if found.findings:
        raise typer.Exit(1)
    print(f"as recorded, {found.verified[name]}")


@app.command()
def record(
    name: FullName, seeds: Annotated[int, typer.Option(min=1, max=100, help="as many as there shall be")] = 10
) -> None:
    """Train the seeds of a run that its reference lacks, in memory, and add them to it."""
    from stages import retrain as stage

    stage.record(name, seeds)


@app.command()
def spot_check(
    minutes: Annotated[float, typer.Option(min=0.0, help="for data and training together")] = 10.0,
    jobs: Annotated[int, typer.Option(min=1, help="rows at once")] = len(os.sched_getaffinity(0)),
) -> None:
    """Retrain one seed of as many rows as fit: the youngest results first, then a sample that rotates."""
    from stages.rebuild import spot_check as checks

    if not checks.spot_check(minutes, jobs):
        raise typer.Exit(1)


@app.command()
def same_numbers(
    names: Annotated[
        list[str] | None, typer.Argument(help="family/row; those that changed code reaches if none")
    ] = None,
    base: Annotated[str, typer.Option(help="Git revision whose results the lock files hold")] = "HEAD",
    check_only: Annotated[bool, typer.Option(help="change no lock file")] = False,
) -> None:
    """Prove that changed code changes no number, and record that instead of training again."""
    from stages.rebuild import same_numbers as checks

    if not checks.same_numbers(base, names or [], check_only):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; a UserError, or a file that cannot be used, becomes one line and exit status 1."""
    try:
        with _as_stage(os.environ.get("DVC_STAGE")):
            _mount_families(sys.argv[1:2])
            app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _mount_families(command: list[str]) -> None:
    """Add the families' own commands; only those of the family that is asked for are imported."""
    for family in family_names():
        about = importlib.import_module(f"stages.{family}").__doc__
        own = family_module(family, "commands").app if command == [family] == [code_of(family)] else None
        if own is None:  # not asked for, or it has none
            own = typer.Typer(help=about, invoke_without_command=True, callback=lambda: None)
        app.add_typer(own, name=family, help=about)


@contextmanager
def _as_stage(address: str | None) -> Iterator[None]:
    """Run by DVC as a stage, end with DVC, and do not let an edit made meanwhile pass for what was run."""
    if address is None:
        yield
        return
    from stages.core.processes import die_with_parent
    from stages.rebuild.guard import unchanged_dependencies

    die_with_parent()
    with unchanged_dependencies(address):
        try:
            yield
        except SystemExit as done:  # how Typer ends
            if done.code:
                raise
    # At once, because torch takes its time to end, and DVC looks at the dependencies only then.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
