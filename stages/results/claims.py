"""Claims of the notes as inequalities between metrics of runs, with a verdict over seeds.

Both sides are subtracted seed by seed, because runs with the same seed mostly share what chance decides: the order of
the examples, or the folds of a cross-validation. `VERDICT_RULE` says the rest in words.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Literal

import pandas as pd

from stages.core.errors import UserError
from stages.results.formatting import NOTHING, show_number, words
from stages.results.inequality import Inequality, Term, claim_key, parse_claim
from stages.results.presentation import Claim
from stages.results.statistics import (
    CONFIDENCE,
    Interval,
    holm,
    mean_interval,
    mean_p_value,
    proportion_test,
    test_share_of_difference,
)

VERDICT_RULE = (
    "A claim is a conclusion of the notes, written as an inequality between metrics of rows; what the notes do not "
    "say is marked as a question of ours. The difference of its two sides is taken seed by seed, because runs with "
    "the same seed mostly see the same examples in the same order. The claim **holds** if the whole 95 % confidence "
    "interval of the mean difference (paired t test) lies on the side that the claim asserts, **fails** if it lies "
    "wholly on the other side, and is **undecided** if it reaches to both sides or if the rows have fewer than two "
    "seeds in common. A chain of inequalities holds if all of them do, and fails if one does. The share of seeds that "
    "diverged has the exact interval of Clopper and Pearson; two shares are compared by the exact test of the seeds "
    "in which they differ (McNemar), which gives no interval. Where seeds are the folds of a cross-validation, which "
    "share training examples, the interval is widened for that (Nadeau and Bengio 2003, Inference for the "
    "Generalization Error): with four of five folds to train on, ten of them, it is 1.9 times as wide. Of so many "
    "verdicts some would hold or fail by chance: **corrected** says which remain when that may happen to any of them "
    "with a probability of at most 5 % (Holm 1979). Intervals over seeds take test images and word pairs as they are, "
    "and others would move both sides; the test texts of folds differ, and their intervals cover that. What no seed "
    "can change has no interval; nor has what is equal in all seeds by chance, which the sign test decides. A rebuild "
    "trains only some of the seeds; as long as it verifies, on whatever machine, a verdict rests on all seeds that are "
    "recorded in metrics/references."
)

Outcome = Literal["holds", "fails", "undecided"]
Values = Mapping[str, Mapping[str, Mapping[str, float]]]  # by run, metric and seed


@dataclass(frozen=True)
class Decision:
    """What the seeds say about an inequality.

    Attributes:
        num_seeds: that all its terms have.
        difference: of the terms, each times its factor: the mean over these seeds.
        interval: of that difference, 95 %; None with fewer than two such seeds, and for two shares.
        p_value: the probability of such a difference from the margin by chance (two-sided).
        exact: whether no seed can change any term.
    """

    num_seeds: int
    difference: float
    interval: Interval | None
    p_value: float
    exact: bool
    outcome: Outcome


def decide(
    inequality: Inequality,
    values: Values,
    where: str,
    test_shares: Mapping[str, float] | None = None,
    certain: Collection[tuple[str, str]] = (),
) -> Decision:
    """Decide an inequality by `values[run][metric][seed]`.

    `test_shares` are by run, where seeds are folds: the examples tested on divided by those trained on. `certain` are
    runs with metrics that no seed can change. Others may be equal in all seeds by chance, so that their scatter is no
    measure of it: they are compared by the sign test.

    Raises:
        UserError: a run has no such metric, or the runs have no seed in common.
    """
    terms = {term: _values(values, term, where) for term in inequality.factors}
    seeds = [seed for seed in next(iter(terms.values())) if all(seed in by_seed for by_seed in terms.values())]
    if not seeds:
        raise UserError(f"{where}: {' and '.join(sorted({term.run for term in terms}))} must have a seed in common")
    differences = [sum(factor * terms[term][seed] for term, factor in inequality.factors.items()) for seed in seeds]
    exact = all((term.run, term.metric) in certain for term in terms)
    if inequality.of_shares:
        interval, p_value = _share_test(differences, inequality)
        low, high = interval or (mean(differences), mean(differences))
        outcome = _outcome((low, high), inequality) if p_value < 1 - CONFIDENCE else "undecided"
        return Decision(len(seeds), mean(differences), interval, p_value, False, outcome)
    share = test_share_of_difference((test_shares or {}).get(term.run) for term in terms)
    interval = mean_interval(differences, CONFIDENCE, share)
    p_value = mean_p_value(differences, inequality.margin, share)
    outcome = _outcome(interval, inequality) if interval else "undecided"
    if exact:
        outcome, p_value = _outcome((differences[0], differences[0]), inequality), 0.0
    elif interval and interval[0] == interval[1]:
        p_value = proportion_test(len(differences), len(differences), 0.5)[1]
        outcome = outcome if p_value < 1 - CONFIDENCE else "undecided"
    return Decision(len(seeds), mean(differences), interval, p_value, exact, outcome)


def _share_test(differences: Sequence[float], inequality: Inequality) -> tuple[Interval | None, float]:
    """Return the exact interval of a share, None for the difference of two, and the p-value."""
    if len(inequality.factors) == 1:
        return proportion_test(differences.count(1), len(differences), inequality.margin)
    # Only the seeds in which the two differ tell them apart: by chance as many would differ either way.
    more, less = differences.count(1), differences.count(-1)
    return None, proportion_test(more, more + less, 0.5)[1] if more + less else 1.0


def claims_frame(
    claims: Mapping[str, Claim],
    labels: Mapping[str, str],
    values: Values,
    test_shares: Mapping[str, float] | None = None,
    certain: Collection[tuple[str, str]] = (),
) -> pd.DataFrame:
    """Return one line of text for each claim; `labels`, `values` and `test_shares` go by run, `certain` see `decide`.

    Raises:
        UserError: an inequality is malformed or names a metric that its run does not have.
    """
    lines, p_values = [], []
    for name, claim in claims.items():
        inequalities = parse_claim(name, claim)
        decisions = [decide(inequality, values, claim_key(name), test_shares, certain) for inequality in inequalities]
        outcome, p_value = _chain(decisions)
        p_values.append(p_value)
        said_by = f"ours, {claim.document}" if claim.ours else claim.document
        lines.append(
            {
                "claim": f"{claim.number}. {claim.text} ({said_by})",
                "verdict": outcome,
                "corrected": "",
                "difference": "; ".join(show_number(each.difference, 4, signed=True) for each in decisions),
                "95 % interval": "; ".join(_show_interval(each) for each in decisions),
                "seeds": "; ".join(dict.fromkeys(str(each.num_seeds) for each in decisions)),
                "asserted": "; ".join(f"{each.operator} {each.margin:g}" for each in inequalities),
                "difference of": "; ".join(dict.fromkeys(_compared(each, labels) for each in inequalities)),
            }
        )
    for line, p_value in zip(lines, holm(p_values), strict=True):
        line["corrected"] = line["verdict"] if p_value < 1 - CONFIDENCE else "undecided"
    return pd.DataFrame(lines)


def _chain(decisions: Sequence[Decision]) -> tuple[Outcome, float]:
    """Return the verdict on all of a chain, and its p-value.

    All must hold, so that the largest p-value counts (Berger 1982, intersection-union test); for the chain to fail one
    must, of as many as there are (Bonferroni).
    """
    failing = [each.p_value for each in decisions if each.outcome == "fails"]
    if failing:
        return "fails", min(1.0, len(decisions) * min(failing))
    largest = max(each.p_value for each in decisions)
    return "holds" if all(each.outcome == "holds" for each in decisions) else "undecided", largest


def _show_interval(decision: Decision) -> str:
    if decision.interval is None or decision.interval[0] == decision.interval[1]:
        return NOTHING
    return " to ".join(show_number(bound, 4, signed=True) for bound in decision.interval)


def _compared(inequality: Inequality, labels: Mapping[str, str]) -> str:
    """Return the terms of an inequality in words: `accuracy, “A” minus loss, “B”`; a metric is not said twice."""
    shown, last = "", ""
    for term, factor in inequality.factors.items():
        name = words(term.metric)
        if term.function:
            name = {"log": f"logarithm of {name}", "share": f"share of seeds with {name}"}[term.function]
        sign = " minus " if factor < 0 else " plus " if shown else ""
        times = "" if abs(factor) == 1 else f"{abs(factor):g} times "
        shown += f"{sign}{times}{'' if name == last else f'{name}, '}“{labels[term.run]}”"
        last = name
    return shown


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


def _values(values: Values, term: Term, where: str) -> dict[str, float]:
    """Return the values of a term by seed."""
    run, metric = term.run, term.metric
    if run not in values:
        raise UserError(f"{where}: no run '{run}'; there are {', '.join(values)}")
    if metric not in values[run]:
        raise UserError(f"{where}: run '{run}' has no metric '{metric}'; it has {', '.join(values[run])}")
    by_seed = dict(values[run][metric])
    wrong = [value for value in by_seed.values() if not _ALLOWED[term.function](value)]
    if wrong:
        raise UserError(f"{where}: {term.function}({run}.{metric}): {wrong[0]:g} has none")
    return {seed: math.log(value) if term.function == "log" else value for seed, value in by_seed.items()}


_ALLOWED = {"": math.isfinite, "log": lambda value: value > 0, "share": lambda value: value in (0, 1)}
