"""Claims of the notes as inequalities between metrics of runs, with a verdict over seeds.

The verdict rests on the 95 % interval of the difference of the two means that Welch's t test gives, which
allows the two runs different spreads: the claim holds when the whole interval lies on the asserted side of the
margin, fails when the whole interval lies on the other side, and is undecided otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, variance
from typing import Literal

import pandas as pd
from scipy.stats import t

from stages.core.errors import UserError
from stages.core.inequality import Inequality, parse
from stages.core.params import Claim
from stages.core.tables import NOTHING, show_number, words

VERDICT_RULE = (
    "A claim of the notes is an inequality between the means of two runs. It **holds** when the 95 % confidence "
    "interval of their difference over seeds (Welch's t, each run with its own spread) lies wholly on the asserted "
    "side, **fails** when it lies wholly on the other side, and is **undecided** otherwise, or where a run has a "
    "single seed."
)

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """What the seeds say of an inequality.

    Attributes:
        difference: mean of the left side minus mean of the right one.
        interval: of that difference, 95 %; None where a side has a single seed.
    """

    difference: float
    interval: tuple[float, float] | None
    outcome: Outcome


def judge(inequality: Inequality, values: Mapping[str, Mapping[str, Sequence[float]]], where: str) -> Judgement:
    """Judge an inequality by `values[run][metric]`, one number a seed; a single seed decides nothing.

    Raises:
        UserError: a run has no such metric.
    """
    left = _values(values, inequality.left, inequality.left_metric, where)
    right = _values(values, inequality.right, inequality.right_metric, where)
    difference = mean(left) - mean(right)
    interval = welch_interval(left, right)
    if interval is None:
        return Judgement(difference, None, "undecided")
    return Judgement(difference, interval, _outcome(interval, inequality))


def welch_interval(left: Sequence[float], right: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of mean(left) - mean(right); None if a side has one value.

    Where neither side varies, as counts do, the interval is the difference itself. By hand, because
    scipy's `ttest_ind` gives NaN there and warns when only one side varies.
    """
    if min(len(left), len(right)) < 2:
        return None
    difference = mean(left) - mean(right)
    part_left, part_right = variance(left) / len(left), variance(right) / len(right)
    total = part_left + part_right
    if total == 0:
        return difference, difference
    freedom = total**2 / (part_left**2 / (len(left) - 1) + part_right**2 / (len(right) - 1))
    half = float(t.ppf(0.975, freedom)) * sqrt(total)
    return difference - half, difference + half


def claims_frame(
    claims: Mapping[str, Claim], labels: Mapping[str, str], values: Mapping[str, Mapping[str, Sequence[float]]]
) -> pd.DataFrame:
    """Return one line of text for each claim; `labels` and `values` go by run.

    Raises:
        UserError: an inequality is malformed or names a metric that its run does not have.
    """
    lines = []
    for name, claim in claims.items():
        where = f"params.yaml: claims.{name}.inequality"
        inequality = parse(claim.inequality, where)
        judgement = judge(inequality, values, where)
        interval = NOTHING
        if judgement.interval is not None:
            interval = " to ".join(show_number(bound, 4, signed=True) for bound in judgement.interval)
        lines.append(
            {
                "claim": f"{claim.number}. {claim.text} ({claim.document})",
                "verdict": judgement.outcome,
                "difference": show_number(judgement.difference, 4, signed=True),
                "95 % interval": interval,
                "asserted": f"{inequality.operator} {inequality.margin:g}",
                "difference of": _compared(inequality, labels),
            }
        )
    return pd.DataFrame(lines)


def _compared(inequality: Inequality, labels: Mapping[str, str]) -> str:
    left, right = words(inequality.left_metric), words(inequality.right_metric)
    right = "" if left == right else f"{right}, "
    return f"{left}, “{labels[inequality.left]}” minus {right}“{labels[inequality.right]}”"


def _outcome(interval: tuple[float, float], inequality: Inequality) -> Outcome:
    low, high = (bound - inequality.margin for bound in interval)
    if inequality.operator.startswith("<"):
        low, high = -high, -low
    equal_counts = inequality.operator.endswith("=")
    if low > 0 or (equal_counts and low == 0):
        return "holds"
    if high < 0 or (high == 0 and not equal_counts):
        return "fails"
    return "undecided"


def _values(values: Mapping[str, Mapping[str, Sequence[float]]], run: str, metric: str, where: str) -> Sequence[float]:
    if run not in values:
        raise UserError(f"{where}: no run '{run}'; there are {', '.join(values)}")
    if metric not in values[run]:
        raise UserError(f"{where}: run '{run}' has no metric '{metric}'; it has {', '.join(values[run])}")
    return values[run][metric]
