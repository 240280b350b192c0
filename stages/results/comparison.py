"""Experiments side by side: which settings of a run differ, and by how much its metrics moved. Pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, NamedTuple

import pandas as pd

from stages.core.errors import UserError
from stages.results.formatting import NOTHING, show_argument, show_number, show_values, words
from stages.results.statistics import mean_interval, paired_differences, test_share_of
from stages.results.verification import Better

ARROWS: dict[Better, str] = {"higher": " ↑", "lower": " ↓", "neither": ""}
BEST = " (best)"
DIGITS = 4
COMPARISON_RULE = (
    "↑ higher is better, ↓ lower is better. Each cell holds mean ± standard deviation (number of seeds), and below it "
    "the mean difference from the baseline, taken seed by seed, with its 95 % confidence interval (paired t test, "
    "corrected where seeds are folds that share training examples). A difference is undecided if the interval contains "
    "0. Of twenty comparisons without any effect, about one looks decided by chance."
)


PARTS = ("presets", "data", "runs")  # of a family's params.yaml; its other sections add something to some of the rows

Params = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Experiment:
    """A state of the pipeline.

    Attributes:
        params: the content of each parameter file, by its path.
        values: `values[run][metric][seed]`, runs by full name.
        settings: by run, those of its metrics file.
    """

    name: str
    params: Params
    values: Mapping[str, Mapping[str, Mapping[str, float]]]
    settings: Mapping[str, Mapping[str, Any]]


def run_settings(experiment: Experiment, run: str) -> dict[str, Any]:
    """Return all that parameters say about the data, the training and the evaluation of a run; {} if it is not there.

    The run's own arguments have their plain names. What its data are made of (recipes, texts, vocabularies, other runs)
    has the path of its key in params.yaml, such as `vocab.brown.min_count`, behind the family if it is another one.
    """
    family, _, row = run.partition("/")
    found: dict[_Address, Mapping[str, Any]] = {}
    waiting = [_Address(family, "runs", row)]
    while waiting:
        address = waiting.pop()
        if address not in found and (entry := _entry(experiment.params, address)):
            found[address] = entry
            waiting += _upstream(experiment.params, address, entry)
    own = found.pop(_Address(family, "runs", row), {})
    settings = dict(_flatten(own, ""))
    for (owner, section, name), entry in sorted(found.items()):
        prefix = f"{owner}/" if owner not in ("", family) else ""
        settings |= dict(_flatten(entry, f"{prefix}{section}.{name}"))
    return settings


class _Address(NamedTuple):
    """An entry of a parameter file; `family` is empty for params.yaml, `section` is `data` for data of any kind."""

    family: str
    section: str
    name: str


def _entry(params: Params, address: _Address) -> dict[str, Any]:
    """Return an entry, a run with its preset and the sections that name it; {} if there is none."""
    family, section, name = address
    content = params.get(_file(family), {})
    if section == "data":
        return next((entries[name] for entries in (content.get("data") or {}).values() if name in entries), {})
    entry = (content.get(section) or {}).get(name, {})
    if section != "runs" or not entry:
        return entry
    if not {"model", "data", "preset"} <= entry.keys():
        raise UserError(f"stages/{family}/dvc.yaml: needs `params: [params.yaml]` at its top, or DVC does not tell all")
    further = {key: entries[name] for key, entries in content.items() if key not in PARTS and name in (entries or {})}
    device = params.get(_file(""), {}).get("device")
    kept = {"model": entry["model"], "data": entry["data"], "device": device, "seeds": entry["seeds"]}
    return kept | content["presets"][entry["preset"]] | entry["args"] | further


def _upstream(params: Params, address: _Address, entry: Mapping[str, Any]) -> Iterator[_Address]:
    """Yield the addresses that an entry names: its data, texts, vocabulary, or the rows that it is made of."""
    family, section, _ = address
    if section == "tokenize":
        return
    if section == "runs":
        for recipe in ({"data": entry["data"]}, *(part for part in entry.values() if isinstance(part, Mapping))):
            yield from _upstream(params, _Address(family, "", ""), recipe)
        return
    for key, value in entry.items():
        if not isinstance(value, str) or key == "raw":
            continue
        if key == "vocab":
            yield _Address("", "vocab", value)
        elif key == "tokens" or section == "join":
            yield from (_Address("", text, value) for text in ("tokenize", "join"))
        elif family:
            found = [_Address(other, "data" if key == "data" else "runs", value) for other in _families(params)]
            found = [address for address in found if _entry(params, address)]
            yield from [address for address in found if address.family == family] or found


def _families(params: Params) -> list[str]:
    return [path.split("/")[1] for path in params if path.startswith("stages/")]


def _file(family: str) -> str:
    return f"stages/{family}/params.yaml" if family else "params.yaml"


def changed_runs(baseline: Experiment, experiment: Experiment, family: str) -> list[str]:
    """Return the runs of a family whose settings or metrics in `experiment` are not those of `baseline`."""
    return [
        run
        for run in experiment.values
        if run.startswith(f"{family}/")
        and (
            run_settings(experiment, run) != run_settings(baseline, run)
            or experiment.values[run] != baseline.values.get(run)
        )
    ]


def comparison_frame(
    baseline: Experiment,
    experiments: Sequence[Experiment],
    family: str,
    shown: Mapping[str, Sequence[str]],
    better: Mapping[str, Better],
    by: str | None = None,
) -> pd.DataFrame:
    """Return a line of text for each run of the family and each experiment that changed it, after its baseline.

    `shown` are the metrics of each run's tables. The experiments of a run are sorted, and the best is marked, by the
    metric `by`; without it by a validation metric, or else by the last metric that the run's tables show. Of the
    settings, those that differ have a column.

    Raises:
        UserError: a metric has no direction, or no changed run has the metric `by`.
    """
    changed = {experiment.name: changed_runs(baseline, experiment, family) for experiment in experiments}
    runs = list(dict.fromkeys(run for state in (baseline, *experiments) for run in state.values))
    groups = {
        run: states
        for run in runs
        if (states := [experiment for experiment in experiments if run in changed[experiment.name]])
    }
    metrics = {run: _shown_metrics(states[0], run, shown) for run, states in groups.items()}
    known = list(dict.fromkeys(metric for names in metrics.values() for metric in names))
    for metric in known:
        if metric not in better:
            raise UserError(f"stages/{family}/metrics.yaml: metrics.{metric} is missing")
    if by is not None and by not in known:
        raise UserError(f"--by = {by!r}: must be one of {', '.join(known) or 'nothing'}")

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
            own = run_settings(state, run)
            line = {"row": run.removeprefix(f"{family}/"), "experiment": state.name}
            line["experiment"] += BEST if state in best[run] else ""
            line |= {words(name): show_argument(own.get(name)) for name in settings}
            for metric in known:
                old = {} if state is baseline else baseline.values.get(run, {}).get(metric, {})
                share = test_share_of(state.settings.get(run, {}))
                cell = _cell(state.values[run].get(metric, {}), old, better[metric], share)
                line[words(metric) + ARROWS[better[metric]]] = cell
            lines.append(line)
    return pd.DataFrame(lines)


def _differing_settings(groups: Mapping[str, Sequence[Experiment]]) -> list[str]:
    """Return the settings in which the states of some run differ."""
    differing: dict[str, None] = {}
    for run, states in groups.items():
        settings = [run_settings(state, run) for state in states]
        names = dict.fromkeys(name for each in settings for name in each)
        differing |= {name: None for name in names if any(each.get(name) != settings[0].get(name) for each in settings)}
    return list(differing)


def _cell(values: Mapping[str, float], old: Mapping[str, float], better: Better, test_share: float | None) -> str:
    """Return `mean ± sd (n)` and below it the difference from `old`, seed by seed, with its interval."""
    if not values:
        return NOTHING
    ours = show_values(list(values.values()), DIGITS)
    differences = paired_differences(values, old)
    if not differences:
        return f"{ours}\nno seed in common" if old else ours
    if not any(differences):
        return f"{ours}\nthe same"
    shown = show_number(mean(differences), DIGITS, signed=True)
    interval = mean_interval(differences, test_share=test_share)
    if interval is None:
        return f"{ours}\n{shown}\n(one seed)"
    low, high = interval
    verdict = "undecided"
    if low > 0 or high < 0:
        verdict = "moved" if better == "neither" else "better" if (low > 0) == (better == "higher") else "worse"
    bounds = " to ".join(show_number(bound, DIGITS, signed=True) for bound in interval)
    return f"{ours}\n{shown} {verdict}\n{bounds}"


def _shown_metrics(state: Experiment, run: str, shown: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the metrics of the run's tables, and those of validation data, which no table shows, before them."""
    listed = dict.fromkeys(shown.get(run, ()))
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
            yield from _flatten(inner, f"{name}.{key}".removeprefix("."))
    else:
        yield name, value
