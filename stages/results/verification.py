"""Whether the metrics of a rebuild are those of the references. Pure functions, but for `load_family_metrics`.

Each metric of each row is compared in three ways, the strictest first:

1. exact: each seed gives its recorded number again, to six digits, on whatever machine. On the same machine (the same
   fingerprint: processor and torch) nothing else will do, because there any change is a change of code or data.
2. paired: the same seed draws the same examples on every machine, so that only rounding can move its number. The
   metric passes if every seed stays within what its family's metrics.yaml declares as `rounding`. Every seed, and not
   their mean, because rounding leaves most seeds alone and a mean would thin out the one that broke; a declared limit,
   and not a test of significance, because rounding is a real change, small and often to one side, that a test with
   enough seeds must find.
3. band: training may amplify rounding until a seed ends where another seed would have. Then the mean over the fresh
   seeds must lie in the prediction interval of the recorded ones. Where seeds are the folds of a cross-validation, most
   of their scatter is that of their test examples, which a rebuild has again: then it is the mean change, fold by fold,
   that must lie within what the metric declares as `max_width`, and no fold may change by more than `PER_FOLD` times as
   much.

An earlier way that succeeds can only turn an alarm off, so that false alarms are those of bands. An honest family
gives one with the probability `FALSE_ALARM`, divided over its bands (Bonferroni): another family changes nothing. But
a band is never wider than the metric's declared `max_width`, however much the recorded seeds scatter and however many
bands there are: a greater change always fails, and catching it goes before `FALSE_ALARM`. Recorded seeds that scatter
so much that the metric, if it were the only one, would leave `max_width` by chance with more than that probability
show nothing and do not pass ("underpowered"): more seeds must be recorded. That limit does not depend on how many
other metrics there are.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import Field, model_validator

from stages.core.family import code_of
from stages.core.run import family_file
from stages.core.schema import Strict, read_yaml, validate
from stages.results.references import Reference
from stages.results.statistics import prediction_interval

RELATIVE, ABSOLUTE = 1e-6, 1e-9  # how near numbers are that the same computation gave
FALSE_ALARM = 0.01  # the probability that an honest rebuild of a family fails by its bands

PER_FOLD = 2  # times `max_width`: more than that in one fold is no rounding, whatever the others do

Better = Literal["higher", "lower", "neither"]
Way = Literal["exact", "paired", "band"]
WAYS: tuple[Way, ...] = get_args(Way)  # the strictest first

Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Tolerance(Strict):
    """How far a metric may move, in its unit or as a share of the recorded number, whichever allows more.

    Attributes:
        rounding: by how much another processor's rounding may change the number of one seed.
        rounding_share: the same as a share.
        max_width: the greatest half-width of a band. A greater change of the mean always fails.
        max_share: the same as a share.
        same_machine_only: another processor may move it so far that a limit which allows for that would allow
            everything: there it is not compared.
    """

    rounding: Limit
    rounding_share: Share = 0.0
    max_width: Limit
    max_share: Share = 0.0
    same_machine_only: bool = False

    @model_validator(mode="after")
    def _a_band_holds_rounding(self) -> "Tolerance":
        if self.rounding > self.max_width:
            raise ValueError("rounding must not be more than max_width")
        return self

    def rounding_of(self, recorded: float) -> float:
        """Return by how much rounding may change the number of a seed."""
        return max(self.rounding, self.rounding_share * abs(recorded))

    def widest(self, recorded: float) -> float:
        """Return the greatest half-width of a band around the recorded mean."""
        return max(self.max_width, self.max_share * abs(recorded), self.rounding_of(recorded))


class MetricDescription(Tolerance):
    """What a metric means, in words for a reader who sees it for the first time, and what it tolerates.

    Attributes:
        chance: whether a seed may change it; what counts operations or parameters does not.
    """

    meaning: Annotated[str, Field(min_length=1)]
    better: Better
    chance: bool = True


class RowTolerance(Tolerance):
    """What a metric of a single row tolerates, and why this is not what it tolerates in other rows."""

    reason: Annotated[str, Field(min_length=1)]


class FamilyMetrics(Strict):
    """stages/<family>/metrics.yaml.

    Attributes:
        folds: whether the seeds are the folds of a cross-validation.
        metrics: all that the family's rows have, and those of the family whose code runs.
        rows: by row and metric, the few that tolerate something else.
    """

    folds: bool = False
    metrics: dict[str, MetricDescription]
    rows: dict[str, dict[str, RowTolerance]] = {}

    @model_validator(mode="after")
    def _rows_have_known_metrics(self) -> "FamilyMetrics":
        for row, tolerances in self.rows.items():
            for metric in tolerances:
                if metric not in self.metrics:
                    raise ValueError(f"rows.{row}.{metric}: metrics does not describe '{metric}'")
        return self

    def tolerance(self, row: str, metric: str) -> Tolerance | None:
        """Return what a metric tolerates in a row (its name without the family); None if nobody described it."""
        return self.rows.get(row, {}).get(metric) or self.metrics.get(metric)


def load_family_metrics(family: str) -> FamilyMetrics:
    """Read stages/<family>/metrics.yaml; what it does not say of a metric is as in the family whose code runs.

    Raises:
        UserError: the file is missing, not YAML, or describes a metric incompletely.
    """
    path, code = family_file(family, "metrics.yaml"), code_of(family)
    content = validate(dict[str, Any], read_yaml(path), f"{path}:")
    if code != family:
        shared = load_family_metrics(code)
        content = {"folds": shared.folds, **content}
        described = shared.model_dump()["metrics"]
        own = validate(dict[str, dict[str, Any]], content.get("metrics", {}), f"{path}: metrics")
        content["metrics"] = described | {metric: described.get(metric, {}) | entry for metric, entry in own.items()}
    return validate(FamilyMetrics, content, f"{path}:")


class Finding(NamedTuple):
    """Something that is wrong, as a row of the table that `verify` prints."""

    run: str
    metric: str
    reference: str
    fresh: str
    allowed: str
    why: str


@dataclass(frozen=True)
class Verification:
    """What a comparison gave.

    Attributes:
        ways: by run and metric, which of the three ways showed that it is as recorded; only runs without a finding.
        not_compared: run and metric, where another machine computed what only the same one can compare.
        findings: what is wrong.
    """

    ways: dict[str, dict[str, Way]]
    not_compared: list[tuple[str, str]]
    findings: list[Finding]

    @property
    def verified(self) -> dict[str, Way]:
        """By run: the weakest of the ways of its metrics."""
        return {run: max(ways.values(), key=WAYS.index) for run, ways in self.ways.items()}


class Comparison(NamedTuple):
    """One metric of one run: values by seed on both sides, and whether one machine computed both."""

    run: str
    metric: str
    recorded: Mapping[str, float]
    fresh: Mapping[str, float]
    same_machine: bool

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """Recorded and fresh value of each seed that was recorded."""
        return [(self.recorded[seed], value) for seed, value in self.fresh.items() if seed in self.recorded]

    @property
    def is_exact(self) -> bool:
        """Whether every fresh seed was recorded and gives that number again."""
        return len(self.pairs) == len(self.fresh) and all(_near(*pair) for pair in self.pairs)


def verify_runs(
    references: Mapping[str, Reference],
    fresh: Mapping[str, Mapping[str, Any]],
    expected: Mapping[str, Sequence[int]],
    families: Mapping[str, FamilyMetrics],
) -> Verification:
    """Compare what a rebuild gave with the references, each family on its own.

    Args:
        references: by run, `family/row`.
        fresh: content of the metrics files, by run.
        expected: the runs that should be there, and the seeds of each.
        families: what their metrics.yaml say, by family.
    """
    comparisons: dict[str, list[Comparison]] = defaultdict(list)
    findings: list[Finding] = []
    for run in sorted({*references, *fresh, *expected}):
        family = _family(run)
        if family not in families:
            findings.append(_wrong(run, f"no such family: stages/{family}/metrics.yaml is missing"))
            continue
        for item in _compare_run(run, references, fresh, expected):
            (findings if isinstance(item, Finding) else comparisons[family]).append(item)
    ways: dict[str, dict[str, Way]] = defaultdict(dict)
    not_compared = []
    for family, known in comparisons.items():
        false_alarm = FALSE_ALARM / max(1, _count_bands(known))
        for comparison in known:
            result = _verify_metric(comparison, families[family], false_alarm)
            if isinstance(result, Finding):
                findings.append(result)
            elif result is None:
                not_compared.append((comparison.run, comparison.metric))
            else:
                ways[comparison.run][comparison.metric] = result
    wrong = {found.run for found in findings}
    return Verification(
        {run: metrics for run, metrics in ways.items() if run not in wrong}, not_compared, sorted(findings)
    )


def _family(run: str) -> str:
    return run.partition("/")[0]


def _verify_metric(comparison: Comparison, metrics: FamilyMetrics, false_alarm: float) -> Way | Finding | None:
    run, metric = comparison.run, comparison.metric
    tolerance = metrics.tolerance(run.partition("/")[2], metric)
    if tolerance is None:
        return _wrong(run, "metrics.yaml of the family does not describe this metric", metric)
    if tolerance.same_machine_only and not comparison.same_machine and not comparison.is_exact:
        return None
    better = metrics.metrics[metric].better
    return compare_metric(comparison, tolerance, better, false_alarm, folds=metrics.folds)


def _count_bands(comparisons: Collection[Comparison]) -> int:
    """Count the comparisons by band that could give a false alarm.

    They are the scattering metrics of all runs that are not exact, whether or not pairs will do for them: which of them
    end up with bands is itself a matter of chance. What is the same for every seed, such as a count, cannot differ by
    chance, and what came out exactly has no band.
    """
    inexact = {comparison.run for comparison in comparisons if not comparison.is_exact}
    return sum(comparison.run in inexact and len(set(comparison.recorded.values())) > 1 for comparison in comparisons)


def _compare_run(
    run: str,
    references: Mapping[str, Reference],
    fresh: Mapping[str, Mapping[str, Any]],
    expected: Mapping[str, Sequence[int]],
) -> Iterator[Finding | Comparison]:
    """Yield what is wrong with a run as a whole, and its metrics that can be compared."""
    if run not in expected:
        yield _wrong(run, "extra: params.yaml has no such run")
    elif run not in fresh:
        yield _wrong(run, "missing: no fresh metrics; run `dvc repro`")
    elif run not in references:
        yield _wrong(run, "no reference: `verify --update` records one")
    else:
        yield from _compare_metrics(run, references[run], fresh[run], [str(seed) for seed in expected[run]])


def _compare_metrics(
    run: str, reference: Reference, fresh: Mapping[str, Any], seeds: Sequence[str]
) -> Iterator[Finding | Comparison]:
    old, new = dict(reference.settings), dict(fresh.get("settings", {}))
    same_machine = old.pop("fingerprint", None) == new.pop("fingerprint", None)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield _wrong(run, "another setting", f"settings.{name}", str(old.get(name)), str(new.get(name)), "equal")
    for metric in sorted({*reference.metrics, *fresh} - {"settings"}):
        if metric not in fresh:
            yield _wrong(run, "missing metric", metric, "present")
            continue
        if metric not in reference.metrics:
            yield _wrong(run, "extra metric", metric, fresh="present")
            continue
        values = fresh[metric].get("seeds", {})
        bad = [seed for seed, value in values.items() if not _is_number(value)]
        if sorted(values) != sorted(seeds):
            yield _wrong(run, "other seeds", metric, "", ", ".join(values), ", ".join(seeds))
        elif bad:
            yield _wrong(run, f"seed {bad[0]}", metric, "", str(values[bad[0]]), "finite numbers")
        else:
            yield Comparison(run, metric, reference.metrics[metric], values, same_machine)


def compare_metric(
    comparison: Comparison, tolerance: Tolerance, better: Better, false_alarm: float, *, folds: bool = False
) -> Way | Finding:
    """Return how a metric was shown to be as recorded, or what is wrong with it.

    `false_alarm` is the probability that its band, if it comes to one, leaves out an honest mean.
    """
    if comparison.is_exact:
        return "exact"
    if comparison.same_machine:
        for seed, value in comparison.fresh.items():
            then = comparison.recorded.get(seed, value)
            if not _near(then, value):
                why = f"seed {seed}, same machine: {_direction(better, value - then)}"
                return _wrong(comparison.run, why, comparison.metric, f"{then:.8g}", f"{value:.8g}", "near-exact")
    pairs_agree = all(abs(new - old) <= tolerance.rounding_of(old) for old, new in comparison.pairs)
    unrecorded = [value for seed, value in comparison.fresh.items() if seed not in comparison.recorded]
    if pairs_agree and not unrecorded:
        return "paired"
    if folds and not unrecorded:
        return _compare_folds(comparison, tolerance, better)
    # Seeds that were never recorded have no pair: they are judged by how far the recorded ones scatter, as are all
    # seeds where rounding does not explain the pairs.
    return _compare_by_band(
        comparison, unrecorded if pairs_agree else [*comparison.fresh.values()], tolerance, better, false_alarm
    )


def _compare_folds(comparison: Comparison, tolerance: Tolerance, better: Better) -> Way | Finding:
    recorded, fresh = (list(side) for side in zip(*comparison.pairs, strict=True))
    widest = tolerance.widest(mean(recorded))
    old, new = max(comparison.pairs, key=lambda pair: abs(pair[1] - pair[0]))
    if abs(new - old) > PER_FOLD * widest:
        return _out_of_band(comparison, [old], [new], PER_FOLD * widest, f"one fold: {_direction(better, new - old)}")
    return "band" if len(fresh) == 1 else _compare_means(comparison, recorded, fresh, widest, better)


def _compare_by_band(
    comparison: Comparison, fresh: Sequence[float], tolerance: Tolerance, better: Better, false_alarm: float
) -> Way | Finding:
    recorded = list(comparison.recorded.values())
    widest = tolerance.widest(mean(recorded))
    band = max(tolerance.rounding_of(mean(recorded)), half_width(recorded, len(fresh), false_alarm))
    if half_width(recorded, len(fresh), FALSE_ALARM) > widest:
        why = f"underpowered: chance alone may move it farther than ± {widest:.2g}; record more seeds"
        return _out_of_band(comparison, recorded, fresh, min(band, widest), why)
    return _compare_means(comparison, recorded, fresh, min(band, widest), better)


def _compare_means(
    comparison: Comparison, recorded: Sequence[float], fresh: Sequence[float], allowed: float, better: Better
) -> Way | Finding:
    change = mean(fresh) - mean(recorded)
    if abs(change) <= allowed:
        return "band"
    return _out_of_band(comparison, recorded, fresh, allowed, _direction(better, change))


def _out_of_band(
    comparison: Comparison, recorded: Sequence[float], fresh: Sequence[float], allowed: float, why: str
) -> Finding:
    shown = (f"{mean(recorded):.6g}", f"{mean(fresh):.6g}", f"± {allowed:.2g}")
    return _wrong(comparison.run, why, comparison.metric, *shown)


def half_width(recorded: Sequence[float], num_fresh: int, false_alarm: float) -> float:
    """Return half the width of the prediction interval for the mean of fresh seeds; infinite for one recorded seed."""
    interval = prediction_interval(recorded, num_fresh, 1 - false_alarm)
    return math.inf if interval is None else (interval[1] - interval[0]) / 2


def _near(recorded: float, fresh: float) -> bool:
    return math.isclose(recorded, fresh, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _direction(better: Better, change: float) -> str:
    if better == "neither":
        return "left its band"
    return "better than expected: look for a leak" if (change > 0) == (better == "higher") else "worse"


def _wrong(run: str, why: str, metric: str = "", reference: str = "", fresh: str = "", allowed: str = "") -> Finding:
    return Finding(run, metric, reference, fresh, allowed, why)
