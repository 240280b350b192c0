"""Experiments side by side: which settings of a run differ, and by how much its metrics moved. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import pandas as pd

from stages.core.errors import UserError
from stages.results.tables import NOTHING, mean_interval, show_argument, show_number, show_values, words
from stages.results.verification import Better

ARROWS: dict[Better, str] = {"higher": " ↑", "lower": " ↓", "neither": ""}
BEST = " (best)"
DIGITS = 4
COMPARISON_RULE = (
    "↑ higher is better, ↓ lower is better. Below each mean ± sd (seeds): its difference from the baseline, seed by "
    "seed, and the 95 % interval of that difference (paired t test); undecided where the interval holds 0. Of twenty "
    "comparisons without any effect, one looks decided all the same."
)


@dataclass(frozen=True)
class Experiment:
    """A state of the pipeline.

    Attributes:
        params: the content of params.yaml.
        values: `values[run][metric][seed]`.
    """

    name: str
    params: Mapping[str, Any]
    values: Mapping[str, Mapping[str, Mapping[str, float]]]


def run_settings(params: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Return all that params.yaml says about the training and the data of a run; {} if it has no such run."""
    entry = (params.get("runs") or {}).get(run)
    if entry is None:
        return {}
    data = str(entry.get("data"))
    recipe = next((params[kind][data] for kind in ("prepare", "generate") if data in (params.get(kind) or {})), {})
    settings = {"model": entry.get("model"), "data": data, "device": params.get("device"), "seeds": params.get("seeds")}
    settings |= (params.get("defaults") or {}).get(entry.get("family")) or {}
    settings |= entry.get("args") or {}
    return settings | dict(_flatten(recipe, data))


def changed_runs(baseline: Experiment, experiment: Experiment, family: str) -> list[str]:
    """Return the runs of a family whose settings or metrics in `experiment` are not those of `baseline`."""
    return [
        run
        for run, entry in experiment.params["runs"].items()
        if entry["family"] == family
        and run in experiment.values
        and (
            run_settings(experiment.params, run) != run_settings(baseline.params, run)
            or experiment.values[run] != baseline.values.get(run)
        )
    ]


def comparison_frame(
    baseline: Experiment,
    experiments: Sequence[Experiment],
    family: str,
    better: Mapping[str, Better],
    by: str | None = None,
) -> pd.DataFrame:
    """Return a line of text for each run of the family and each experiment that changed it, after its baseline.

    The experiments of a run are sorted, and the best is marked, by the metric `by`, or by the last that the run's
    tables show, a validation metric before all others. Columns of settings are those that differ.

    Raises:
        UserError: a metric has no direction, or no changed run has the metric `by`.
    """
    changed = {experiment.name: changed_runs(baseline, experiment, family) for experiment in experiments}
    runs = list(dict.fromkeys(run for state in (baseline, *experiments) for run in state.params["runs"]))
    groups = {
        run: states
        for run in runs
        if (states := [experiment for experiment in experiments if run in changed[experiment.name]])
    }
    metrics = {run: _shown_metrics(states[0], run) for run, states in groups.items()}
    known = list(dict.fromkeys(metric for names in metrics.values() for metric in names))
    for metric in known:
        if metric not in better:
            raise UserError(f"metrics/tolerances.yaml: better.{metric} is missing: higher, lower or neither")
    if by is not None and by not in known:
        raise UserError(f"--by = {by!r}: no such metric here; there are {', '.join(known) or 'none'}")

    best: dict[str, list[Experiment]] = {}
    for run, states in groups.items():
        ranking = by if by in metrics[run] else _ranking_metric(metrics[run], better)
        ranked = _ranked(run, states, ranking, better)
        groups[run] = [baseline, *ranked] if run in baseline.values else ranked
        best[run] = _best(run, groups[run], ranking, better)
    settings = _differing_settings(groups)
    lines = []
    for run, states in groups.items():
        for state in states:
            own = run_settings(state.params, run)
            line = {"row": run.removeprefix(f"{family}_"), "experiment": state.name}
            line["experiment"] += BEST if state in best[run] else ""
            line |= {words(name): show_argument(own.get(name)) for name in settings}
            for metric in known:
                old = {} if state is baseline else baseline.values.get(run, {}).get(metric, {})
                cell = _cell(state.values[run].get(metric, {}), old, better[metric])
                line[words(metric) + ARROWS[better[metric]]] = cell
            lines.append(line)
    return pd.DataFrame(lines)


def _differing_settings(groups: Mapping[str, Sequence[Experiment]]) -> list[str]:
    """Return the settings in which the states of some run differ."""
    differing: dict[str, None] = {}
    for run, states in groups.items():
        settings = [run_settings(state.params, run) for state in states]
        names = dict.fromkeys(name for each in settings for name in each)
        differing |= {name: None for name in names if any(each.get(name) != settings[0].get(name) for each in settings)}
    return list(differing)


def _cell(values: Mapping[str, float], old: Mapping[str, float], better: Better) -> str:
    """Return `mean ± sd (n)` and below it the difference from `old`, seed by seed, with its interval."""
    if not values:
        return NOTHING
    ours = show_values(list(values.values()), DIGITS)
    differences = [values[seed] - old[seed] for seed in values if seed in old]
    if not differences:
        return f"{ours}\nno seed in common" if old else ours
    if not any(differences):
        return f"{ours}\nthe same"
    shown = show_number(mean(differences), DIGITS, signed=True)
    interval = mean_interval(differences)
    if interval is None:
        return f"{ours}\n{shown}\n(one seed)"
    low, high = interval
    verdict = "undecided"
    if low > 0 or high < 0:
        verdict = "moved" if better == "neither" else "better" if (low > 0) == (better == "higher") else "worse"
    bounds = " to ".join(show_number(bound, DIGITS, signed=True) for bound in interval)
    return f"{ours}\n{shown} {verdict}\n{bounds}"


def _shown_metrics(state: Experiment, run: str) -> list[str]:
    """Return the metrics of the run's tables, and those of validation data, which no table shows, before them."""
    tables = state.params["runs"][run].get("tables") or []
    listed = dict.fromkeys(metric for table in tables for metric in state.params["tables"][table]["metrics"])
    held_out = [metric for metric in state.values[run] if metric.startswith("validation_") and metric not in listed]
    return held_out + [metric for metric in listed if metric in state.values[run]]


def _ranking_metric(metrics: Sequence[str], better: Mapping[str, Better]) -> str | None:
    ranked = [metric for metric in metrics if better[metric] != "neither"]
    held_out = [metric for metric in ranked if metric.startswith("validation_")]
    return next(iter(held_out), ranked[-1] if ranked else None)


def _ranked(
    run: str, states: Sequence[Experiment], ranking: str | None, better: Mapping[str, Better]
) -> list[Experiment]:
    """Return the experiments, best first; by name where no metric tells."""
    if ranking is None or better[ranking] == "neither":
        return sorted(states, key=lambda state: state.name)
    sign = -1 if better[ranking] == "higher" else 1
    missing = float("inf")
    return sorted(states, key=lambda state: (sign * _mean(state, run, ranking, sign * missing), state.name))


def _best(
    run: str, states: Sequence[Experiment], ranking: str | None, better: Mapping[str, Better]
) -> list[Experiment]:
    """Return the experiments with the best mean; several if it is exactly the same."""
    having = [state for state in states if ranking is not None and ranking in state.values[run]]
    if not having or better[ranking] == "neither":
        return []
    means = {state.name: _mean(state, run, ranking, 0.0) for state in having}
    top = (max if better[ranking] == "higher" else min)(means.values())
    return [state for state in having if means[state.name] == top]


def _mean(state: Experiment, run: str, metric: str, missing: float) -> float:
    return mean(state.values[run][metric].values()) if metric in state.values[run] else missing


def _flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}")
    else:
        yield name, value
