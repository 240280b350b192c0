"""Compare the metrics of a rebuild with the references in metrics/references/, or renew these."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean
from typing import Any

from tabulate import tabulate

from stages.core.errors import UserError
from stages.core.run import PARAMS
from stages.core.schema import read_yaml, validate
from stages.repro import measured_seconds, stages_left_out
from stages.results.params import Params
from stages.results.references import REFERENCES, Reference, load_references, save_reference
from stages.results.rows import JUDGED, METRICS
from stages.results.verification import Finding, Tolerances, compare_runs
from stages.workspace import read_pipeline

TOLERANCES = METRICS / "tolerances.yaml"
STEPS = ("train", "evaluate", "judge")  # of a run


def verify(runs: Sequence[str], skip_left_out: bool = False) -> bool:
    """Print a summary, or a table of what is wrong; return whether all is well.

    Args:
        runs: those to verify; all of params.yaml if empty. Each must have the seeds that params.yaml gives it, which
            may be some of those recorded.
        skip_left_out: not those that the last rebuild had no time for, which are named.

    Raises:
        UserError: params.yaml has no such run, none is left, DVC cannot be asked, or the tolerances or a reference are
            damaged.
    """
    tolerances = validate(Tolerances, read_yaml(TOLERANCES), f"{TOLERANCES}:")
    expected, references, fresh = _expected_seeds(runs), load_references(), read_metrics()
    if runs:
        references = {run: reference for run, reference in references.items() if run in expected}
        fresh = {run: content for run, content in fresh.items() if run in expected}
    upstream, stale = read_pipeline()
    left_out = stages_left_out() if skip_left_out else set()
    skipped = [run for run in expected if left_out & _needed([run], upstream)]
    for run in skipped:
        for known in (expected, references, fresh):
            known.pop(run, None)
    if skipped:
        print(f"NOT verified, because the last rebuild had no time for them, {len(skipped)}: {', '.join(skipped)}\n")
    if not expected:
        raise UserError("nothing to verify: the last rebuild had no time for any of these runs")
    stale = (stale & _needed(expected, upstream) if runs else stale) - left_out
    findings = compare_runs(references, fresh, expected, tolerances)
    findings += [Finding(stage, "", "", "", "", "stale: `dvc repro` would run it again") for stage in sorted(stale)]
    if findings:
        print(tabulate(findings, headers=Finding._fields, disable_numparse=True))
        print(f"\n{len(findings)} problems: these metrics are not those of {REFERENCES}")
        return False
    exact = {run for run, seeds in expected.items() if _is_exact(fresh[run], references[run], seeds)}
    by_bands = fresh.keys() - exact
    count = sum(len(run) - 1 for run in fresh.values())
    print(f"{count} metrics of {len(fresh)} runs are as recorded in {REFERENCES}:")
    print(f"{len(exact)} runs compared near-exactly (same processor and library),")
    print(f"{len(by_bands)} by bands that all hold with {tolerances.confidence:.1%}.")
    for run in sorted(by_bands & tolerances.same_machine_only.keys()):
        print(f"NOT compared between machines: {run}: {', '.join(tolerances.same_machine_only[run])}")
    return True


def update() -> None:
    """Renew the references from the metrics that are there, and print what changes.

    Recorded seeds that params.yaml does not train any more are kept while the others come out as recorded.

    Raises:
        UserError: a run is missing or stale, or has a number that is not finite.
    """
    tolerances = validate(Tolerances, read_yaml(TOLERANCES), f"{TOLERANCES}:")
    expected, references, fresh = _expected_seeds([]), load_references(), read_metrics()
    upstream, stale = read_pipeline()
    if stale := stale & _needed(expected, upstream):
        raise UserError(f"{', '.join(sorted(stale))} out of date: run `dvc repro` first")
    seconds = measured_seconds()
    lines: list[list[str]] = []
    renewed: dict[str, Reference] = {}
    for run in expected:
        if run not in fresh:
            raise UserError(f"{METRICS / run}.json: no such file: run `dvc repro` first")
        old, new = references.get(run), _reference(run, fresh[run], seconds)
        if old and not compare_runs({run: old}, {run: fresh[run]}, {run: expected[run]}, tolerances):
            merged = {metric: old.metrics[metric] | values for metric, values in new.metrics.items()}
            same = old.settings == new.settings  # another machine's seeds may not stand beside this one's
            new = new.model_copy(update={"metrics": merged, "seconds": new.seconds or old.seconds}) if same else new
        lines += _changes(run, old, new)
        renewed[run] = new
    for run, reference in renewed.items():  # all of them, or none
        save_reference(run, reference)
    for run in references.keys() - expected.keys():
        (REFERENCES / f"{run}.json").unlink()
        lines.append([run, "", f"{len(references[run].metrics)} metrics", "removed", ""])
    headers = ["run", "metric", "recorded", "now", "change"]
    print(tabulate(lines, headers=headers, disable_numparse=True) if lines else "no change")
    fewer = [run for run in renewed if run in references and _num_seeds(renewed[run]) < _num_seeds(references[run])]
    if fewer:
        print(f"fewer seeds than before, which may be too few for other machines (see README.md): {', '.join(fewer)}")
    print("`make repro` lets the report show the recorded durations; then commit metrics/ and reports/")


def _is_exact(content: Mapping[str, Any], reference: Reference, seeds: Sequence[int]) -> bool:
    """Return whether every number of a run was compared near-exactly."""
    same_machine = content["settings"].get("fingerprint") == reference.settings.get("fingerprint")
    return same_machine and all({str(seed) for seed in seeds} <= set(values) for values in reference.metrics.values())


def _expected_seeds(runs: Sequence[str]) -> dict[str, list[int]]:
    params = validate(Params, read_yaml(PARAMS), f"{PARAMS}:")
    for run in runs:
        if run not in params.runs:
            raise UserError(f"{PARAMS}: runs has no '{run}'; it has: {', '.join(params.runs)}")
    return {run: params.seeds_of(run) for run in runs or params.runs}


def read_metrics() -> dict[str, Any]:
    """Return the metrics of each run, those of evaluate and of judge together."""
    contents: dict[str, Any] = {}
    for path in sorted([*METRICS.glob("*.json"), *JUDGED.glob("*.json")]):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            metrics = validate(dict[str, dict[str, Any]], content, f"{path}:")
            if not all(isinstance(value.get("seeds"), dict) for name, value in metrics.items() if name != "settings"):
                raise ValueError("a metric has no numbers by seed")
            known = contents.get(path.stem, {"settings": {}})
            settings = known["settings"] | metrics.get("settings", {})
            contents[path.stem] = known | metrics | {"settings": settings}
        except ValueError as error:
            raise UserError(f"{path}: not a metrics file: {error}") from error
    return contents


def _needed(runs: Iterable[str], upstream: Mapping[str, set[str]]) -> set[str]:
    """Return the stages of `runs`, and all that these need."""
    ends = {f"{step}@{run}" for step in STEPS for run in runs} & upstream.keys()
    return ends.union(*(upstream[end] for end in ends))


def _reference(run: str, content: Mapping[str, Any], seconds: Mapping[str, float]) -> Reference:
    took = {step: round(seconds[f"{step}@{run}"], 1) for step in STEPS if f"{step}@{run}" in seconds}
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
