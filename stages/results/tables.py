"""Results tables: the documents' numbers beside ours, as pandas tables of text. Pure functions, but for `read_values`.

No torch here, so that commands that only show results start at once.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import Any, Literal, get_args

import pandas as pd

from stages.core.errors import UserError
from stages.core.run import family_file, one_of
from stages.results.formatting import NOTHING, show_argument, show_number, show_values, words
from stages.results.presentation import Table, family_of
from stages.results.statistics import (
    Interval,
    mean_interval,
    paired_differences,
    prediction_interval,
    proportion_test,
    test_share_of_difference,
)

Verdict = Literal["agrees", "close", "undecided", "differs"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
OUTSIDE: tuple[Verdict, ...] = ("undecided", "differs")

AGREEMENT_RULE = (
    "The document prints the result of one run, rounded. We ask two questions about its number. Is it within the "
    "table's margin of our mean? Does it lie in the 95 % prediction interval, where one more run of ours would fall "
    "(mean ± t · sd · √(1 + 1/n), and on either side half a unit of the last decimal that the document prints in that "
    "column, because it rounds)? The number **agrees** if both answers are yes, and **differs** if both are no. It is "
    "**close** if it is within the margin but outside the interval. It is **undecided** if it is inside the interval "
    "but not within the margin: our runs scatter too much to tell. In brackets stands our mean minus the document's "
    "number. A row with a single seed has no interval, so that its numbers are close at best. The interval is of our "
    "seeds: the test examples are the document's own where it has the same data, and their choice moves both numbers."
)


@dataclass(frozen=True)
class Row:
    """One row: what its family declares of a run, and what was measured.

    Attributes:
        name: of the run, `family/row`.
        arguments: those of its preset, overridden by the run's own.
        values: of each metric, its numbers by seed.
        document: the document's numbers, by metric.
        test_share: where seeds are the folds of a cross-validation, the examples that one tests on divided by those
            that it trains on; see `stages.results.statistics.mean_interval`.
        seconds_a_seed: of training, as recorded with the run's reference; None if nothing is.
    """

    name: str
    label: str
    arguments: dict[str, Any]
    num_parameters: int
    values: Mapping[str, Mapping[str, float]]
    document: dict[str, float]
    note: str = ""
    test_share: float | None = None
    seconds_a_seed: float | None = None

    def numbers(self, metric: str) -> list[float]:
        """Return a metric's numbers, one a seed."""
        return list(self.values[metric].values())


@dataclass(frozen=True)
class Comparison:
    """A number of the document beside ours.

    Attributes:
        interval: 95 % prediction interval for one more run of ours; None for a single seed.
        difference: our mean minus the document's number.
    """

    run: str
    label: str
    metric: str
    document: float
    values: list[float]
    interval: Interval | None
    difference: float
    verdict: Verdict


def read_values(path: Path, run: str) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Read a metrics file: `{metric: {seed: value}}`, and the settings that give the values meaning.

    Args:
        path: of the file.
        run: its full name, for the message.

    Raises:
        UserError: the file is missing or damaged, or holds a number that is not finite.
    """
    remedy = f"`python -m stages repro {run}` makes it again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        settings = content.pop("settings")
        values = {metric: dict(summary["seeds"]) for metric, summary in content.items()}
        if not values:
            raise ValueError("nothing was measured")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; {remedy}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged; {remedy}") from error
    for metric, numbers in values.items():
        finite = (isinstance(number, int | float) and math.isfinite(number) for number in numbers.values())
        if not numbers or not all(finite):
            raise UserError(f"{path}: {metric} = {numbers}: every seed must have a finite number; {remedy}")
    return values, settings


def verdict_on(values: Sequence[float], document: float, half_unit: float, close: float) -> Verdict:
    """Say whether the document's number, a single run rounded to `half_unit`, is one that our runs could have given.

    `AGREEMENT_RULE` says the rule in words.
    """
    interval = prediction_interval(values)
    inside = interval is not None and interval[0] - half_unit <= document <= interval[1] + half_unit
    if abs(mean(values) - document) <= close:
        return "agrees" if inside else "close"
    return "undecided" if inside else "differs"


def compare(table: Table, rows: Sequence[Row]) -> list[Comparison]:
    """Compare every number that the document prints in a table with ours.

    Raises:
        UserError: the document has a number for a metric that the run does not have.
    """
    comparisons = []
    for row in rows:
        family, _, name = row.name.partition("/")
        for metric in row.document:
            one_of(metric, list(row.values), f"{family_file(family, 'tables.yaml')}: rows.{name}.document")
        for metric in table.metrics:
            if metric in row.document:
                values, document = row.numbers(metric), row.document[metric]
                half_unit = 0.5 * 10.0 ** -printed_decimals(rows, metric)
                comparisons.append(
                    Comparison(
                        run=row.name,
                        label=row.label,
                        metric=metric,
                        document=document,
                        values=values,
                        interval=prediction_interval(values),
                        difference=mean(values) - document,
                        verdict=verdict_on(values, document, half_unit, table.close),
                    )
                )
    return comparisons


def printed_decimals(rows: Sequence[Row], metric: str) -> int:
    """Return the decimals that the document prints in a column: the most that any of its numbers needs.

    YAML reads 0.290 as 0.29, so a single number does not tell.
    """
    numbers = [row.document[metric] for row in rows if metric in row.document]
    return max((max(0, -int(Decimal(str(number)).as_tuple().exponent)) for number in numbers), default=0)


def results_frame(table: Table, rows: Sequence[Row], *, stacked: bool = False) -> pd.DataFrame:
    """Return the table as text: label, arguments that vary, parameters, and per metric ours and the document's.

    With `stacked` the document's number stands in the same cell as ours, below it, which saves columns.

    Raises:
        UserError: no row has one of the metrics, or a document's number has no counterpart.
    """
    verdicts = {(entry.run, entry.metric): entry for entry in compare(table, rows)}
    columns: dict[str, list[str]] = {"row": [row.label for row in rows]}
    for argument in varying_arguments(table, rows):
        columns[words(argument)] = [show_argument(row.arguments.get(argument)) for row in rows]
    columns["parameters"] = [f"{row.num_parameters:,}" for row in rows]
    for metric in table.metrics:
        one_of(metric, sorted({metric for row in rows for metric in row.values}), f"{_where(table, rows)}.metrics")
        show = show_share if metric in table.shares else show_values
        ours = [show(row.numbers(metric), table.digits) if metric in row.values else NOTHING for row in rows]
        decimals = printed_decimals(rows, metric)
        theirs = [_show_document(verdicts.get((row.name, metric)), decimals, table.digits) for row in rows]
        if stacked:
            ours = [f"{a}\n{b}" if b else a for a, b in zip(ours, theirs, strict=True)]
        columns[words(metric)] = ours
        if any(theirs) and not stacked:
            columns[f"{words(metric)}, document"] = [text or NOTHING for text in theirs]
    for row in (row for row in rows if row.name == table.relative_to):
        metric = table.metrics[0]
        columns["ratio"] = [_show_ratio(other, row, metric) for other in rows]
    for row in (row for row in rows if row.name == table.cost_in):
        columns[f"cost in “{row.label}”"] = [_show_cost(other, row) for other in rows]
    for row in (row for row in rows if row.name == table.difference_from):
        metric = table.metrics[0]
        columns[f"{words(metric)} minus “{row.label}” (95 % interval)"] = [
            NOTHING if other is row else _show_paired(other, row, metric, table.digits) for other in rows
        ]
    others = [
        {"row": entry.label} | {words(metric): f"{value:g}" for metric, value in entry.values.items()}
        for entry in table.published
    ]
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(others)], ignore_index=True).fillna(NOTHING)


def comparison_frame(table: Table, rows: Sequence[Row], verdicts: Sequence[Verdict] | None = None) -> pd.DataFrame:
    """Return one line for each number of the document, with the interval; only those with one of the `verdicts`."""
    lines = []
    for entry in compare(table, rows):
        if verdicts is None or entry.verdict in verdicts:
            interval = NOTHING
            if entry.interval is not None:
                interval = " to ".join(show_number(bound, table.digits) for bound in entry.interval)
            lines.append(
                {
                    "row": entry.label,
                    "number": words(entry.metric),
                    "document": f"{entry.document:.{printed_decimals(rows, entry.metric)}f}",
                    "ours": show_values(entry.values, table.digits),
                    "95 % prediction interval": interval,
                    "ours - document": _show_difference(entry, table.digits),
                    "verdict": entry.verdict,
                }
            )
    return pd.DataFrame(lines)


def varying_arguments(table: Table, rows: Sequence[Row]) -> list[str]:
    """Return the arguments worth a column: those that differ between rows, or all of them if there is one row.

    Raises:
        UserError: no run of the table has such an argument.
    """
    for argument in table.arguments:
        one_of(argument, sorted({name for row in rows for name in row.arguments}), f"{_where(table, rows)}.arguments")
    if len(rows) == 1:
        return table.arguments
    return [name for name in table.arguments if len({str(row.arguments.get(name)) for row in rows}) > 1]


def _where(table: Table, rows: Sequence[Row]) -> str:
    """Return how a message about a table begins: its file and its title."""
    return f"{family_file(family_of(rows[0].name), 'tables.yaml')}: tables, '{table.title}'"


def common_arguments(table: Table, rows: Sequence[Row]) -> str:
    """Say which arguments are the same in every row, as a sentence; empty if none is."""
    varying = varying_arguments(table, rows)
    same = [
        f"{words(name)} {show_argument(rows[0].arguments[name])}" for name in table.arguments if name not in varying
    ]
    return f"In every row: {', '.join(same)}." if same else ""


def summary_frame(tables: Mapping[str, Table], rows: Mapping[str, Sequence[Row]]) -> pd.DataFrame:
    """Count, for each table (`rows[table]`), how many of the document's numbers have which verdict."""
    lines = []
    for name, table in tables.items():
        verdicts = [entry.verdict for entry in compare(table, rows[name])]
        if verdicts:
            counts = {verdict: str(verdicts.count(verdict)) for verdict in VERDICTS}
            lines.append({"table": table.title, "numbers": str(len(verdicts))} | counts)
    return pd.DataFrame(lines)


def table_markdown(table: Table, rows: Sequence[Row], *, every_interval: bool) -> str:
    """Return a table as Markdown without its title: source, description, numbers, notes, intervals.

    With `every_interval` each number of the document is listed with its interval, otherwise only those
    farther from ours than the margin.
    """
    parts = [
        source(table, rows),
        table.description,
        common_arguments(table, rows),
        to_markdown(results_frame(table, rows)),
    ]
    parts.append("\n".join(f"- {row.label}: {row.note}" for row in rows if row.note))
    if every_interval:
        parts.append(to_markdown(comparison_frame(table, rows)))
    elif not (outside := comparison_frame(table, rows, OUTSIDE)).empty:
        parts += [f"Numbers farther than {table.close:g} from the document's:", to_markdown(outside)]
    return "\n\n".join(part for part in parts if part)


def source(table: Table, rows: Sequence[Row]) -> str:
    """Say where the document speaks of it, the margin if the document has numbers, and how many seeds ours are of."""
    parts = []
    if table.document:
        parts.append(f"Document {table.document}, {table.section}.")
    if compare(table, rows):
        parts.append(f"Margin: {table.close:g}.")
    return " ".join([*parts, seeds_sentence(table, rows)]).strip()


def seeds_sentence(table: Table, rows: Sequence[Row]) -> str:
    """Say of how many seeds or folds the numbers are; empty if no seed changes any."""
    numbers = [row.numbers(metric) for row in rows for metric in table.metrics if metric in row.values]
    counts = sorted({len(values) for values in numbers if len(set(values)) > 1 or len(values) == 1})
    if not counts:
        return ""
    many = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
    if any(row.test_share is not None for row in rows):
        return (
            f"Mean ± standard deviation over {many} folds (in brackets), whose test examples differ; intervals of "
            "differences allow for the training examples that folds share (Nadeau and Bengio 2003)."
        )
    unit = "seed" if many == "1" else "seeds"
    return f"Mean ± standard deviation over {many} {unit} (in brackets); the test examples are the same for all."


def to_markdown(frame: pd.DataFrame) -> str:
    """Return a table of text as GitHub's Markdown, first column to the left, the others to the right."""
    if frame.empty:
        return ""
    escaped = frame.map(lambda cell: str(cell).replace("|", r"\|").replace("\n", " "))
    alignment = ("left", *("right" for _ in frame.columns[1:]))
    return escaped.to_markdown(index=False, disable_numparse=True, colalign=alignment)


def show_share(values: Sequence[float], digits: int) -> str:
    """Return `7 of 10 (0.35 to 0.93)` for numbers that are 0 or 1: how many are 1, and the exact 95 % interval."""
    count = list(values).count(1)
    (low, high), _ = proportion_test(count, len(values), 0.5)
    return f"{count} of {len(values)} ({show_number(low, digits)} to {show_number(high, digits)})"


def _show_ratio(row: Row, base: Row, metric: str) -> str:
    if metric not in row.values or metric not in base.values:
        return NOTHING
    return f"{mean(row.numbers(metric)) / mean(base.numbers(metric)):.3f}"


def _show_cost(row: Row, base: Row) -> str:
    if row.seconds_a_seed is None or not base.seconds_a_seed:
        return NOTHING
    return f"{row.seconds_a_seed / base.seconds_a_seed:.1f}"


def _show_paired(row: Row, base: Row, metric: str, digits: int) -> str:
    """Return the mean of a row's values minus another's, seed by seed, and its 95 % interval.

    It is that of the paired t test, corrected where the seeds are folds.
    """
    if metric not in row.values or metric not in base.values:
        return NOTHING
    differences = paired_differences(row.values[metric], base.values[metric])
    share = test_share_of_difference([row.test_share, base.test_share])
    interval = mean_interval(differences, test_share=share)
    if interval is None:
        return NOTHING
    low, high = (show_number(bound, digits, signed=True) for bound in interval)
    return f"{show_number(mean(differences), digits, signed=True)} ({low} to {high})"


def _show_document(entry: Comparison | None, decimals: int, digits: int) -> str:
    if entry is None:
        return ""
    return f"{entry.document:.{decimals}f} {entry.verdict} ({_show_difference(entry, digits)})"


def _show_difference(entry: Comparison, digits: int) -> str:
    return f"{entry.difference:+.{digits}f}"
