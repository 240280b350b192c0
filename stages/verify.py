"""Compare the metrics of a rebuild with the references in metrics/references/, or renew these."""

import json
import math
from collections.abc import Collection, Mapping
from statistics import mean
from typing import Any

from tabulate import tabulate

from stages.core.errors import UserError
from stages.core.run import METRICS
from stages.rebuild.repro import SECONDS, find_stages
from stages.rebuild.workspace import read_pipeline
from stages.results.fresh import read_metrics, verification
from stages.results.presentation import family_of
from stages.results.project import Project, load_project
from stages.results.references import REFERENCES, Reference, load_references, save_reference
from stages.results.verification import WAYS, Finding


def verify(names: Collection[str]) -> bool:
    """Print in which way each run is as recorded, or a table of what is wrong; return whether all is well.

    Args:
        names: full names of runs, or of families; all if empty. Each run must have the seeds that its params.yaml
            gives it, which may be some of those recorded.

    Raises:
        UserError: there is no such run, DVC cannot be asked, or a reference is damaged.
    """
    project = load_project()
    runs = chosen_runs(project, names)
    references, fresh = load_references(), read_metrics(project)
    if names:
        references, fresh = ({run: every[run] for run in every if run in runs} for every in (references, fresh))
    found = verification(project, references, fresh, runs)
    pipeline = read_pipeline()
    stale = pipeline.stale & find_stages(pipeline.upstream, runs if names else [])
    findings = list(found.findings)
    findings += [Finding(stage, "", "", "", "", "stale: `dvc repro` would run it again") for stage in sorted(stale)]
    if findings:
        print(tabulate(findings, headers=Finding._fields, disable_numparse=True))
        print(f"\n{len(findings)} problems: these metrics are not those of {REFERENCES}")
        return False
    ways = found.verified
    print(f"{sum(map(len, found.ways.values()))} metrics of {len(ways)} runs are as recorded in {REFERENCES}:")
    for way in WAYS:
        if named := [run for run in ways if ways[run] == way]:
            print(f"{way}: {len(named)} runs: {', '.join(named)}")
    for run, metric in found.not_compared:
        print(f"NOT compared between machines: {run}: {metric}")
    return True


def update() -> None:
    """Renew the references from the metrics that are there, and print what changes.

    Recorded seeds that are not trained any more are kept while the others come out as recorded.

    Raises:
        UserError: a run is missing or stale, or has a number that is not finite.
    """
    project = load_project()
    references, fresh, seconds = load_references(), read_metrics(project), _measured_seconds()
    pipeline = read_pipeline()
    if stale := pipeline.stale & find_stages(pipeline.upstream, list(project.runs)):
        raise UserError(f"{', '.join(sorted(stale))} out of date: run `dvc repro` first")
    lines: list[list[str]] = []
    renewed: dict[str, Reference] = {}
    for run in project.runs:
        if run not in fresh:
            raise UserError(f"{METRICS / run}.json: no such file: run `dvc repro` first")
        old, new = references.get(run), _reference(run, fresh[run], seconds)
        if old and run in verification(project, {run: old}, {run: fresh[run]}, [run]).verified:
            merged = {metric: old.metrics[metric] | values for metric, values in new.metrics.items()}
            same = old.settings == new.settings  # another machine's seeds may not stand beside this one's
            new = new.model_copy(update={"metrics": merged, "seconds": new.seconds or old.seconds}) if same else new
        lines += _changes(run, old, new)
        renewed[run] = new
    for run, reference in renewed.items():  # all of them, or none
        save_reference(run, reference)
    for run in references.keys() - project.runs.keys():
        (REFERENCES / f"{run}.json").unlink()
        lines.append([run, "", f"{len(references[run].metrics)} metrics", "removed", ""])
    headers = ["run", "metric", "recorded", "now", "change"]
    print(tabulate(lines, headers=headers, disable_numparse=True) if lines else "no change")
    fewer = [run for run in renewed if run in references and _num_seeds(renewed[run]) < _num_seeds(references[run])]
    if fewer:
        print(f"fewer seeds than before, which may be too few for other machines: {', '.join(fewer)}")
    print("`make repro` lets the report show the recorded durations; then commit metrics/ and reports/")


def chosen_runs(project: Project, names: Collection[str]) -> list[str]:
    """Return the runs that are named, alone or by their family; all if none is.

    Raises:
        UserError: there is no such run or family.
    """
    for name in names:
        if name not in project.families and name not in project.runs:
            raise UserError(f"'{name}': no such run or family; the families are {', '.join(project.families)}")
    return [run for run in project.runs if not names or run in names or family_of(run) in names]


def _measured_seconds() -> dict[str, float]:
    """Return how long stages took here, by address: a hint, so that a damaged file counts as none."""
    try:
        return json.loads(SECONDS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _reference(run: str, content: Mapping[str, Any], seconds: Mapping[str, float]) -> Reference:
    family, _, row = run.partition("/")
    own = {address: took for address, took in seconds.items() if address.startswith(f"stages/{family}/dvc.yaml:")}
    steps = (address.partition(":")[2].partition("@") for address in own)
    took = {step: round(seconds[f"stages/{family}/dvc.yaml:{step}@{row}"], 1) for step, _, key in steps if key == row}
    metrics = {metric: summary["seeds"] for metric, summary in content.items() if metric != "settings"}
    for metric, values in metrics.items():
        if bad := [seed for seed, value in values.items() if not math.isfinite(value)]:
            raise UserError(f"{METRICS / run}.json: {metric}, seed {bad[0]} = {values[bad[0]]}: must be finite")
    return Reference(settings=content["settings"], seconds=took, metrics=metrics)


def _changes(run: str, old: Reference | None, new: Reference) -> list[list[str]]:
    """Return a line for each metric whose recorded numbers change."""
    lines = []
    for metric in {**(old.metrics if old else {}), **new.metrics}:
        before, after = (old.metrics.get(metric, {}) if old else {}), new.metrics.get(metric, {})
        if before != after:
            change = f"{mean(after.values()) - mean(before.values()):+.4g}" if before and after else ""
            lines.append([run, metric, _shown(before), _shown(after), change])
    return lines


def _num_seeds(reference: Reference) -> int:
    return min(len(values) for values in reference.metrics.values())


def _shown(values: Mapping[str, float]) -> str:
    return f"{mean(values.values()):.6g} ({len(values)} seeds)" if values else "-"
