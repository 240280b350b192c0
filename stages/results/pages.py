"""The report's pages: index.html, which holds its pictures, and a page for each document, which links to them."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from stages.core.run import STAGES
from stages.obtain.catalog import Entry
from stages.results.claims import VERDICT_RULE, Outcome
from stages.results.documents import Documents, Experiment, Explanation, Section
from stages.results.params import Params, Table
from stages.results.tables import (
    AGREEMENT_RULE,
    NOTHING,
    VERDICTS,
    Row,
    common_arguments,
    comparison_frame,
    results_frame,
    source,
    summary_frame,
    words,
)
from stages.results.times import Timing, show_seconds


@dataclass(frozen=True)
class Content:
    """All that the pages show.

    Attributes:
        rows: of each table, in order.
        claims: one line for each claim of `params`, in order.
        pictures: name of each figure, with its caption and its PNG, or the text that stands in its place.
        drawn: names of the figures of each run that has some.
        of_tables: names of the figures of each table, but for that of the document's numbers.
        timings: how long each run took.
        machines: on which the numbers were computed, in words.
    """

    params: Params
    documents: Documents
    explanations: Sequence[Explanation]
    rows: Mapping[str, Sequence[Row]]
    claims: pd.DataFrame
    pictures: Mapping[str, tuple[str, bytes | str]]
    drawn: Mapping[str, list[str]]
    of_tables: Mapping[str, list[str]]
    timings: Mapping[str, Timing]
    data_sets: Sequence[Entry]
    machines: Sequence[str]


@dataclass(frozen=True)
class Block:
    """A results table, or some rows of one, as a page shows it; `table_name` is the table's anchor in index.html."""

    table_name: str
    table: Table
    source: str
    arguments: str
    frame: pd.DataFrame
    details: pd.DataFrame
    notes: list[tuple[str, str]]
    agreement: str | None
    drawings: list[str]


def index_page(content: Content) -> str:
    """Return index.html, which needs no other file."""
    params = content.params
    groups: dict[str, list[Block]] = {number: [] for number in [*content.documents.documents, ""]}
    for name, table in params.tables.items():
        groups[table.document].append(whole_table(content, name))
    return _render(
        "index.html.j2",
        content,
        groups={number: blocks for number, blocks in groups.items() if blocks},
        inside={
            name: base64.b64encode(picture).decode()
            for name, (_, picture) in content.pictures.items()
            if isinstance(picture, bytes)
        },
        open_conclusions={
            number: text for number, text in content.documents.conclusions.items() if _claims_of(content, number).empty
        },
        summary=summary_frame(params.tables, content.rows),
        agreement_rule=AGREEMENT_RULE,
        verdict_rule=VERDICT_RULE,
        timed_on=sorted({timing.machine for timing in content.timings.values() if timing.seconds is not None}),
        home="",
    )


def document_page(content: Content, number: str) -> str:
    """Return the page of a document; it links to ../index.html and to the pictures in ../figures."""
    return _render(
        "document.html.j2",
        content,
        number=number,
        document=content.documents.documents[number],
        blocks=lambda experiment: experiment_blocks(content, experiment),
        claims_of=lambda conclusion: _claims_of(content, conclusion),
        state_of=lambda section: state(content, section),
        inside={},
        home="../index.html",
    )


def whole_table(content: Content, name: str) -> Block:
    """Return a table with all its rows and pictures; a run in several tables is drawn in its first."""
    params, rows = content.params, content.rows[name]
    drawn = [row.name for row in rows if params.runs[row.name].tables[0] == name]
    return _block(content, name, rows, [*content.of_tables[name], *_drawings(content, drawn)])


def experiment_blocks(content: Content, experiment: Experiment) -> list[Block]:
    """Return the results of an experiment: its tables, then its rows, those of the same table together."""
    blocks = [whole_table(content, name) for name in experiment.tables]
    firsts = dict.fromkeys(content.params.runs[run].tables[0] for run in experiment.runs)
    for table in firsts:
        rows = [row for row in content.rows[table] if row.name in experiment.runs]
        blocks.append(_block(content, table, rows, _drawings(content, [row.name for row in rows])))
    return blocks


@dataclass(frozen=True)
class Progress:
    """How much of a document is rebuilt; as text "3 of 8 experiments rebuilt, 1 of 2 conclusions judged"."""

    experiments: int
    rebuilt: int
    conclusions: int
    judged: int

    def __str__(self) -> str:
        """Return the sentence above."""
        return (
            f"{self.rebuilt} of {self.experiments} experiments rebuilt, "
            f"{self.judged} of {self.conclusions} conclusions judged"
        )


def progress(content: Content, sections: Sequence[Section]) -> Progress:
    """Count what the sections describe and what is rebuilt of it; a conclusion drawn twice counts once."""
    experiments = [experiment for section in sections for experiment in section.experiments]
    conclusions = {number for section in sections for number in section.conclusions}
    judged = {claim.number for claim in content.params.claims.values()}
    rebuilt = sum(experiment.rebuilt for experiment in experiments)
    return Progress(len(experiments), rebuilt, len(conclusions), len(conclusions & judged))


def state(content: Content, section: Section) -> str:
    """Say in a word or two what a section has to show."""
    count = progress(content, [section])
    total, done = count.experiments + count.conclusions, count.rebuilt + count.judged
    if not total:
        return "nothing to measure"
    return "results" if done == total else "results in part" if done else "not yet"


def _block(content: Content, name: str, rows: Sequence[Row], drawings: list[str]) -> Block:
    """Return the block of some rows of a table, without the columns that none of them has."""
    table = content.params.tables[name]
    shown = {
        "metrics": [metric for metric in table.metrics if any(metric in row.values for row in rows)],
        "arguments": [key for key in table.arguments if any(key in row.arguments for row in rows)],
    }
    part = table.model_copy(update=shown | {"published": []}) if len(rows) < len(content.rows[name]) else table
    frame = results_frame(part, rows, stacked=True)
    times = [show_seconds(content.timings[row.name].seconds) for row in rows] + [NOTHING] * len(part.published)
    frame.insert(frame.columns.get_loc("parameters") + 1, "time", times)
    return Block(
        table_name=name,
        table=part,
        source=source(part, rows),
        arguments=common_arguments(part, rows),
        frame=frame,
        details=comparison_frame(part, rows),
        notes=[(row.label, row.note) for row in rows if row.note],
        agreement=f"{name}_agreement" if part is table and f"{name}_agreement" in content.pictures else None,
        drawings=drawings,
    )


def _drawings(content: Content, runs: Sequence[str]) -> list[str]:
    return [picture for run in runs for picture in content.drawn.get(run, [])]


def _claims_of(content: Content, conclusion: int) -> pd.DataFrame:
    chosen = [claim.number == conclusion for claim in content.params.claims.values()]
    return content.claims[pd.Series(chosen, dtype=bool, index=content.claims.index)]


def _render(template: str, content: Content, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(STAGES / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"bold": _bold, "verdict": _verdict}
    shown = {metric for table in content.params.tables.values() for metric in table.metrics}
    explanations = [
        ([metric for metric in entry.metrics if metric in shown], entry.text) for entry in content.explanations
    ]
    explained = {words(metric): metric.replace("_", "-") for metrics, _ in explanations for metric in metrics}
    return environment.get_template(template).render(
        content=content,
        explanations=[(metrics, text) for metrics, text in explanations if metrics],
        explained=explained | {"parameters": "parameters", "time": "time"},
        documents=[
            (number, document, progress(content, document.sections))
            for number, document in content.documents.documents.items()
        ],
        words=words,
        **values,
    )


def _bold(text: str) -> Markup:
    """Turn Markdown's ** into strong, and keep "95 %" on one line."""
    html = str(escape(text)).replace(" %", "&nbsp;%")
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html))


def _verdict(line: str) -> str:
    """Return the verdict that a line of a cell states, for its colour: "holds", "0.869 differs (+0.0123)"."""
    found = {*VERDICTS, *get_args(Outcome)}.intersection(line.split()[:2])
    return found.pop() if len(found) == 1 else ""
