"""One table of the experiments of a family, from what `dvc exp show` knows."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stages.core.errors import UserError
from stages.core.family import family_names
from stages.core.run import one_of
from stages.results.comparison import BEST, COMPARISON_RULE, Experiment, comparison_frame
from stages.results.presentation import load_tables
from stages.results.tables import to_markdown
from stages.results.verification import load_family_metrics


def compare(family: str, rev: str, by: str | None) -> None:
    """Print the experiments made from the Git revision `rev` that changed a run of a family, beside it.

    A terminal gets a table of its width, a pipe gets Markdown. The working tree is one of the experiments if it
    differs from `rev`.

    Raises:
        UserError: unknown family, no Git repository, no such revision, no experiments, or an undeclared metric.
    """
    one_of(family, family_names(), "family")
    baseline, experiments, unfinished = read_experiments(rev)
    metrics = load_family_metrics(family).metrics
    shown: dict[str, list[str]] = {}
    for table in load_tables(family).tables.values():
        for run in table.rows:
            shown.setdefault(run, []).extend(table.metrics)
    better = {name: metric.better for name, metric in metrics.items()}
    frame = comparison_frame(baseline, experiments, family, shown, better, by)
    if frame.empty:
        waiting = f" ({unfinished})" if unfinished else ""
        raise UserError(
            f"no experiment from {rev} changed a run of the family '{family}'{waiting}; `dvc exp run -S …` makes one"
        )
    _print(frame)
    notes = [COMPARISON_RULE]
    if frame["experiment"].str.endswith(BEST).any() and not any("validation" in column for column in frame.columns):
        notes.append("Whoever picks the best by test data must test it on other data.")
    if unfinished:
        notes.append(f"Not shown: {unfinished}.")
    print("\n" + " ".join(notes))


def read_experiments(rev: str) -> tuple[Experiment, list[Experiment], str]:
    """Return the state of a Git revision, the finished experiments made from it, and what became of the others.

    The working tree comes first among the experiments, as "workspace".

    Raises:
        UserError: this is no Git repository with DVC, or it has no such revision.
    """
    command = [sys.executable, "-m", "dvc", "exp", "show", "--json", "--rev", rev]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no message"]
        raise UserError(f"`dvc exp show` failed: {lines[0].removeprefix('ERROR: ').partition('. ')[0]}")
    workspace, committed = json.loads(done.stdout)[:2]
    baseline = _experiment(committed, rev)
    experiments = [_experiment(workspace, "workspace")]
    states: dict[str, int] = {}
    for entry in committed["experiments"] or []:
        state = (entry["executor"] or {}).get("state", "success")
        last = entry["revs"][0]
        if state == "success" and last["data"]:
            experiments.append(_experiment(last, entry["name"] or last["rev"][:7]))
        else:
            states[state] = states.get(state, 0) + 1
    return baseline, experiments, ", ".join(f"{count} {state}" for state, count in sorted(states.items()))


def _experiment(state: Mapping[str, Any], name: str) -> Experiment:
    if state["error"] or not state["data"]:
        raise UserError(f"`dvc exp show` cannot read {name}: {(state['error'] or {}).get('msg', 'no message')}")
    params = {path: content["data"] for path, content in state["data"]["params"].items() if "data" in content}
    if "params.yaml" not in params:
        raise UserError(f"{name}: params.yaml cannot be read; `dvc params diff` says why")
    values: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for path, content in state["data"]["metrics"].items():
        if "data" in content:  # a row that was not evaluated yet has none
            metrics = {key: entry["seeds"] for key, entry in content["data"].items() if key != "settings"}
            _, family, *_, file = Path(path).parts
            run = f"{family}/{Path(file).stem}"
            values.setdefault(run, {}).update(metrics)  # also of further stages of a row
            settings.setdefault(run, {}).update(content["data"]["settings"])
    return Experiment(name, params, values, settings)


def _print(frame: pd.DataFrame) -> None:
    if not sys.stdout.isatty():
        print(to_markdown(frame.map(lambda cell: cell.replace("\n", "<br>"))))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*frame.columns, box=box.SIMPLE_HEAD)
    for line in frame.itertuples(index=False):
        cells = [Text(str(cell)) for cell in line]
        table.add_row(*cells, style="bold" if line[1].endswith(BEST) else "")
    Console().print(table)
