"""Whether fresh metrics lie where the committed ones say they should."""

import math
from statistics import mean, stdev
from typing import Any, NamedTuple

from pydantic import Field
from scipy import stats

from stages.core.schema import Strict


class Width(Strict):
    """Least and greatest half-width of a metric's band, in the metric's unit, or as a share of the committed mean.

    Attributes:
        floor: what rounding alone may change on another processor.
        max_width: however much the recorded seeds scatter, the band is never wider: noise cannot buy a pass.
        max_share: a share of the committed mean that is allowed where it is more than `max_width`.
    """

    floor: float = Field(gt=0)
    max_width: float = Field(gt=0)
    max_share: float = Field(default=0.0, ge=0, lt=1)


class SameFingerprint(Strict):
    """How near to each other values must be that the same processor and library computed from the same seed."""

    relative: float = Field(ge=0)
    absolute: float = Field(ge=0)


class Tolerances(Strict):
    """metrics/tolerances.yaml."""

    confidence: float = Field(gt=0.5, lt=1)
    same_fingerprint: SameFingerprint
    metrics: dict[str, Width]
    runs: dict[str, dict[str, Width]] = {}

    def width(self, run: str, metric: str) -> Width | None:
        """Return the widths of a metric, those of the run before those of all runs."""
        return self.runs.get(run, {}).get(metric) or self.metrics.get(metric)


class Finding(NamedTuple):
    """Something that left its band, as a row of the table that `verify` prints."""

    run: str
    metric: str
    committed: str
    fresh: str
    allowed: str
    why: str


def compare_runs(
    committed: dict[str, Any], fresh: dict[str, Any], expected: list[str], tolerances: Tolerances
) -> list[Finding]:
    """Return what is wrong, given `{run: content of its metrics file}` of both sides and the runs of params.yaml."""
    findings = []
    for run in sorted({*committed, *fresh, *expected}):
        if run not in expected:
            findings.append(Finding(run, "", "", "", "", "extra: params.yaml has no such run"))
        elif run not in fresh:
            findings.append(Finding(run, "", "", "", "", "missing: no fresh metrics; run `dvc repro`"))
        elif run not in committed:
            findings.append(Finding(run, "", "", "", "", "extra: no committed metrics to compare with"))
        else:
            findings += compare_run(run, committed[run], fresh[run], tolerances)
    return findings


def compare_run(run: str, committed: dict, fresh: dict, tolerances: Tolerances) -> list[Finding]:
    """Return what is wrong with one run."""
    findings = []
    old_settings, new_settings = dict(committed.get("settings", {})), dict(fresh.get("settings", {}))
    same = old_settings.pop("fingerprint", None) == new_settings.pop("fingerprint", None)
    for name in sorted({*old_settings, *new_settings}):
        old, new = old_settings.get(name), new_settings.get(name)
        if old != new:
            findings.append(Finding(run, f"settings.{name}", str(old), str(new), "equal", "another setting"))
    names = sorted({*committed, *fresh} - {"settings"})
    for name in names:
        if name not in fresh:
            findings.append(Finding(run, name, "present", "", "", "missing metric"))
        elif name not in committed:
            findings.append(Finding(run, name, "", "present", "", "extra metric"))
        else:
            findings += compare_metric(run, name, committed[name]["seeds"], fresh[name]["seeds"], same, tolerances)
    return findings


def compare_metric(
    run: str, metric: str, old: dict[str, float], new: dict[str, float], same: bool, tolerances: Tolerances
) -> list[Finding]:
    """Return what is wrong with one metric, given its values by seed; `same` says the fingerprints are equal."""
    if old.keys() != new.keys():
        return [Finding(run, metric, ", ".join(old), ", ".join(new), "the same seeds", "other seeds")]
    for seed, value in [*old.items(), *new.items()]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return [Finding(run, metric, str(old[seed]), str(new[seed]), "finite numbers", f"seed {seed}")]
    width = tolerances.width(run, metric)
    if width is None:
        return [Finding(run, metric, "", "", "", "metrics/tolerances.yaml does not say how far it may move")]
    if same:
        near = tolerances.same_fingerprint
        return [
            Finding(run, metric, f"{old[seed]:.8g}", f"{new[seed]:.8g}", "near-exact", f"seed {seed}, same machine")
            for seed in old
            if not math.isclose(old[seed], new[seed], rel_tol=near.relative, abs_tol=near.absolute)
        ]
    half = half_width(list(old.values()), len(new), width, tolerances.confidence)
    centre, fresh = mean(old.values()), mean(new.values())
    if abs(fresh - centre) <= half:
        return []
    return [Finding(run, metric, f"{centre:.6g}", f"{fresh:.6g}", f"± {half:.2g}", _direction(metric, fresh - centre))]


def half_width(old: list[float], num_new: int, width: Width, confidence: float) -> float:
    """Return the half-width of the band around the committed mean in which the mean of new seeds must lie.

    It is the prediction interval for the mean of `num_new` further values (Hahn and Meeker 1991, Statistical
    Intervals, section 4.7), kept between the declared floor and maximum.
    """
    widest = max(width.max_width, width.max_share * abs(mean(old)))
    if len(old) < 2:
        return widest
    quantile = stats.t.ppf((1 + confidence) / 2, len(old) - 1)
    interval = quantile * stdev(old) * math.sqrt(1 / len(old) + 1 / num_new)
    return min(max(interval, width.floor), widest)


def _direction(metric: str, change: float) -> str:
    lower_is_better = metric.endswith(("_loss", "_error"))
    higher_is_better = metric.endswith("_accuracy")
    if not (lower_is_better or higher_is_better):
        return "left its band"
    better = (change < 0) == lower_is_better
    return "better than expected: look for a leak" if better else "worse"
