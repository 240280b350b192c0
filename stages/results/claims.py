"""Claims of the notes as inequalities between metrics of runs, with a verdict over seeds.

Two runs with the same seed see the examples in the same order, or in the same folds, if neither draws anything else,
so that much of what chance does, it does to both: the difference is taken seed by seed. The verdict rests on its 95 %
interval by the paired t test: the claim holds when the whole interval lies on the asserted side of the margin, fails
when the whole interval lies on the other side, and is undecided otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Literal

import pandas as pd

from stages.core.errors import UserError
from stages.results.inequality import Inequality, parse
from stages.results.params import Claim
from stages.results.tables import NOTHING, mean_interval, show_number, words

VERDICT_RULE = (
    "A claim of the notes is an inequality between the means of two runs. Most runs with the same seed see the "
    "examples in the same order, so the difference is taken seed by seed. The claim **holds** when the 95 % "
    "confidence interval of the mean difference (paired t test) lies wholly on the asserted side, **fails** when it "
    "lies wholly on the other side, and is **undecided** otherwise, or where the runs have fewer than two seeds in "
    "common. Beside the seeds of the tables, which are trained in every rebuild, it rests on those recorded in "
    "metrics/references with the same parameters, as long as the seeds of the rebuild come out as recorded. Text "
    "classifiers have folds for seeds, which share training texts: corrected for that (Nadeau and Bengio 2003, "
    "Inference for the Generalization Error), intervals of ten folds are 1.9 times as wide where all texts are "
    "trained on; a verdict near its margin is uncertain."
)

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Judgement:
    """What the seeds say of an inequality.

    Attributes:
        num_seeds: that both sides have.
        difference: left side minus right one, the mean over these seeds.
        interval: of that difference, 95 %; None with fewer than two such seeds.
    """

    num_seeds: int
    difference: float
    interval: tuple[float, float] | None
    outcome: Outcome


def judge(inequality: Inequality, values: Mapping[str, Mapping[str, Mapping[str, float]]], where: str) -> Judgement:
    """Judge an inequality by `values[run][metric][seed]`.

    Raises:
        UserError: a run has no such metric, or the two have no seed in common.
    """
    left = _values(values, inequality.left, inequality.left_metric, where)
    right = _values(values, inequality.right, inequality.right_metric, where)
    differences = [left[seed] - right[seed] for seed in left if seed in right]
    if not differences:
        raise UserError(f"{where}: '{inequality.left}' and '{inequality.right}' must have a seed in common")
    interval = mean_interval(differences)
    outcome = _outcome(interval, inequality) if interval else "undecided"
    return Judgement(len(differences), mean(differences), interval, outcome)


def claims_frame(
    claims: Mapping[str, Claim], labels: Mapping[str, str], values: Mapping[str, Mapping[str, Mapping[str, float]]]
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
                "seeds": str(judgement.num_seeds),
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


def _values(
    values: Mapping[str, Mapping[str, Mapping[str, float]]], run: str, metric: str, where: str
) -> Mapping[str, float]:
    if run not in values:
        raise UserError(f"{where}: no run '{run}'; there are {', '.join(values)}")
    if metric not in values[run]:
        raise UserError(f"{where}: run '{run}' has no metric '{metric}'; it has {', '.join(values[run])}")
    return values[run][metric]
