"""Whether fresh metrics lie where the references say they should. Pure functions.

The same machine and the same seed must give the same number again, near-exactly. Otherwise the mean over the fresh
seeds must lie in the prediction interval of the recorded seeds. The confidence holds for all such checks of a
verification together (Bonferroni): of a hundred metrics, each at 99 %, one would leave its band by chance in most clean
rebuilds. An interval wider than the metric's declared maximum proves nothing and does not pass: more seeds must be
recorded.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, Literal, NamedTuple

from pydantic import Field
from scipy import stats

from stages.core.schema import Strict
from stages.results.references import Reference

Better = Literal["higher", "lower", "neither"]


class Width(Strict):
    """Least and greatest half-width of a metric's band, in the metric's unit, or as a share of the recorded mean.

    Attributes:
        floor: what rounding alone may change on another processor.
        max_width: a band that must be wider than this, because the recorded seeds scatter, does not count.
        max_share: a share of the recorded mean that is allowed where it is more than `max_width`.
    """

    floor: float = Field(gt=0)
    max_width: float = Field(gt=0)
    max_share: float = Field(default=0.0, ge=0, lt=1)

    def widest(self, centre: float) -> float:
        """Return the largest half-width allowed around `centre`."""
        return max(self.max_width, self.max_share * abs(centre))


class SameFingerprint(Strict):
    """How near to each other values must be that the same processor and library computed from the same seed."""

    relative: float = Field(ge=0)
    absolute: float = Field(ge=0)


class Tolerances(Strict):
    """metrics/tolerances.yaml.

    Attributes:
        confidence: the probability that a clean rebuild elsewhere passes all checks by bands.
        better: of each metric, which direction is the better one.
        metrics: widths of each metric.
        runs: widths of metrics of single runs, which go before those of all runs.
        same_machine_only: metrics of runs that another machine's judge decides: a band that allows for it allows all.
    """

    confidence: float = Field(gt=0.5, lt=1)
    same_fingerprint: SameFingerprint
    better: dict[str, Better]
    metrics: dict[str, Width]
    runs: dict[str, dict[str, Width]] = {}
    same_machine_only: dict[str, list[str]] = {}

    def width(self, run: str, metric: str) -> Width | None:
        """Return the widths of a metric, those of the run before those of all runs."""
        return self.runs.get(run, {}).get(metric) or self.metrics.get(metric)


class Finding(NamedTuple):
    """Something that is wrong, as a row of the table that `verify` prints."""

    run: str
    metric: str
    reference: str
    fresh: str
    allowed: str
    why: str


class Comparison(NamedTuple):
    """One metric of one run: values by seed on both sides, and the seeds that must be equal near-exactly."""

    run: str
    metric: str
    recorded: Mapping[str, float]
    fresh: Mapping[str, float]
    exact: Sequence[str]


def compare_runs(
    references: Mapping[str, Reference],
    fresh: Mapping[str, Mapping[str, Any]],
    expected: Mapping[str, Sequence[int]],
    tolerances: Tolerances,
) -> list[Finding]:
    """Return what is wrong.

    Args:
        references: by run.
        fresh: content of the metrics files, by run.
        expected: the runs that should be there, and the seeds of each.
        tolerances: how far metrics may move.
    """
    findings: list[Finding] = []
    comparisons: list[Comparison] = []
    for run in sorted({*references, *fresh, *expected}):
        if run not in expected:
            findings.append(_wrong(run, "extra: params.yaml has no such run"))
        elif run not in fresh:
            findings.append(_wrong(run, "missing: no fresh metrics; run `dvc repro`"))
        elif run not in references:
            findings.append(_wrong(run, "no reference: `verify --update` records one"))
        else:
            for item in _compare_run(run, references[run], fresh[run], expected[run]):
                (findings if isinstance(item, Finding) else comparisons).append(item)
    # Each band gets its share of the probability that any of them gives a false alarm. What is the same for every
    # seed, such as a count, cannot give one by chance.
    num_bands = sum(
        len(comparison.exact) < len(comparison.fresh) and len(set(comparison.recorded.values())) > 1
        for comparison in comparisons
    )
    confidence = 1 - (1 - tolerances.confidence) / max(1, num_bands)
    for comparison in comparisons:
        findings += compare_metric(comparison, tolerances, confidence)
    return sorted(findings)


def _wrong(run: str, why: str, metric: str = "", reference: str = "", fresh: str = "", allowed: str = "") -> Finding:
    return Finding(run, metric, reference, fresh, allowed, why)


def _compare_run(
    run: str, reference: Reference, fresh: Mapping[str, Any], seeds: Sequence[int]
) -> Iterator[Finding | Comparison]:
    """Yield what is wrong with a run as a whole, and its metrics that can be compared."""
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
        recorded, values = reference.metrics[metric], fresh[metric].get("seeds", {})
        wanted = [str(seed) for seed in seeds]
        bad = [seed for seed, value in values.items() if not _is_number(value)]
        if sorted(values) != sorted(wanted):
            yield _wrong(run, "other seeds", metric, "", ", ".join(values), ", ".join(wanted))
        elif bad:
            yield _wrong(run, f"seed {bad[0]}", metric, "", str(values[bad[0]]), "finite numbers")
        else:
            exact = [seed for seed in wanted if seed in recorded] if same_machine else []
            yield Comparison(run, metric, recorded, values, exact)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def compare_metric(comparison: Comparison, tolerances: Tolerances, confidence: float) -> list[Finding]:
    """Return what is wrong with one metric; `confidence` is that of its band."""
    run, metric, recorded, fresh, exact = comparison
    width, better = tolerances.width(run, metric), tolerances.better.get(metric)
    if width is None or better is None:
        return [_wrong(run, "metrics/tolerances.yaml does not say how far it may move and what is better", metric)]
    near, findings = tolerances.same_fingerprint, []
    for seed in exact:
        then, now = recorded[seed], fresh[seed]
        if not math.isclose(then, now, rel_tol=near.relative, abs_tol=near.absolute):
            why = f"seed {seed}, same machine: {_direction(better, now - then)}"
            findings.append(_wrong(run, why, metric, f"{then:.8g}", f"{now:.8g}", "near-exact"))
    if len(exact) == len(fresh) or metric in tolerances.same_machine_only.get(run, []):
        return findings
    # Seeds that were never recorded, or another machine's, can only be judged by how far the recorded ones scatter.
    old, new = list(recorded.values()), list(fresh.values())
    centre, change = mean(old), mean(new) - mean(old)
    half, widest = max(width.floor, prediction_half_width(old, len(new), confidence)), width.widest(centre)
    shown = (metric, f"{centre:.6g}", f"{mean(new):.6g}", f"± {half:.2g}")
    if half > widest:
        return [*findings, _wrong(run, f"underpowered: wider than ± {widest:.2g}; record more seeds", *shown)]
    return findings if abs(change) <= half else [*findings, _wrong(run, _direction(better, change), *shown)]


def prediction_half_width(recorded: Sequence[float], num_fresh: int, confidence: float) -> float:
    """Return the half-width of the two-sided prediction interval for the mean of `num_fresh` further values.

    t(n - 1) · sd · sqrt(1/n + 1/m) (Hahn and Meeker 1991, Statistical Intervals, section 4.7); infinite for one value.
    """
    n = len(recorded)
    if n < 2:
        return math.inf
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    return quantile * stdev(recorded) * math.sqrt(1 / n + 1 / num_fresh)


def _direction(better: Better, change: float) -> str:
    if better == "neither":
        return "left its band"
    return "better than expected: look for a leak" if (change > 0) == (better == "higher") else "worse"
