"""Claims of the notes as inequalities between metrics of runs, with a verdict over seeds.

The difference is taken seed by seed, because runs with the same seed mostly share what chance decides: the order of
the examples, or the folds of a cross-validation. The verdict rests on its 95 % confidence interval by the paired t
test: the claim holds if the whole interval lies on the asserted side of the margin, fails if it lies wholly on the
other side, and is undecided otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Literal

import pandas as pd

from stages.core.errors import UserError
from stages.results.formatting import NOTHING, show_number, words
from stages.results.inequality import Inequality, claim_key, parse_claim
from stages.results.presentation import Claim
from stages.results.statistics import Interval, mean_interval, paired_differences

VERDICT_RULE = (
    "A claim is a conclusion of the notes, written as an inequality between the metrics of two rows. Their difference "
    "is taken seed by seed, because runs with the same seed mostly see the same examples in the same order. The claim "
    "**holds** if the whole 95 % confidence interval of the mean difference (paired t test) lies on the side that the "
    "claim asserts, **fails** if it lies wholly on the other side, and is **undecided** if it reaches to both sides or "
    "if the two rows have fewer than two seeds in common. A rebuild trains only some of the seeds; as long as the "
    "rebuild verifies, on whatever machine, a verdict rests on all seeds that are recorded in metrics/references. "
    "Where the seeds are the folds of a cross-validation, they share training examples, and the interval is too "
    "narrow: corrected for that (Nadeau and Bengio 2003, Inference for the Generalization Error), the interval of two "
    "rounds of five folds would be 1.9 times as wide, and wider still where fewer examples are trained on. Such a "
    "verdict is uncertain if the interval ends near the margin."
)

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Decision:
    """What the seeds say about an inequality.

    Attributes:
        num_seeds: that both sides have.
        difference: left side minus right one, the mean over these seeds.
        interval: of that difference, 95 %; None with fewer than two such seeds.
    """

    num_seeds: int
    difference: float
    interval: Interval | None
    outcome: Outcome


def decide(inequality: Inequality, values: Mapping[str, Mapping[str, Mapping[str, float]]], where: str) -> Decision:
    """Decide an inequality by `values[run][metric][seed]`.

    Raises:
        UserError: a run has no such metric, or the two have no seed in common.
    """
    left = _values(values, inequality.left, inequality.left_metric, where)
    right = _values(values, inequality.right, inequality.right_metric, where)
    differences = paired_differences(left, right)
    if not differences:
        raise UserError(f"{where}: '{inequality.left}' and '{inequality.right}' must have a seed in common")
    interval = mean_interval(differences)
    outcome = _outcome(interval, inequality) if interval else "undecided"
    return Decision(len(differences), mean(differences), interval, outcome)


def claims_frame(
    claims: Mapping[str, Claim], labels: Mapping[str, str], values: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> pd.DataFrame:
    """Return one line of text for each claim; `labels` and `values` go by run.

    Raises:
        UserError: an inequality is malformed or names a metric that its run does not have.
    """
    lines = []
    for name, claim in claims.items():
        inequality = parse_claim(name, claim)
        decision = decide(inequality, values, claim_key(name))
        interval = NOTHING
        if decision.interval is not None:
            interval = " to ".join(show_number(bound, 4, signed=True) for bound in decision.interval)
        lines.append(
            {
                "claim": f"{claim.number}. {claim.text} ({claim.document})",
                "verdict": decision.outcome,
                "difference": show_number(decision.difference, 4, signed=True),
                "95 % interval": interval,
                "seeds": str(decision.num_seeds),
                "asserted": f"{inequality.operator} {inequality.margin:g}",
                "difference of": _compared(inequality, labels),
            }
        )
    return pd.DataFrame(lines)


def _compared(inequality: Inequality, labels: Mapping[str, str]) -> str:
    left, right = words(inequality.left_metric), words(inequality.right_metric)
    right = "" if left == right else f"{right}, "
    return f"{left}, “{labels[inequality.left]}” minus {right}“{labels[inequality.right]}”"


def _outcome(interval: Interval, inequality: Inequality) -> Outcome:
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
