"""The report's pages: index.html, which holds its pictures, and a page for each document, which links to them."""

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from stages.core.run import choose, family_file
from stages.figures import Picture
from stages.obtain.catalog import Entry
from stages.results.claims import VERDICT_RULE, Outcome
from stages.results.documents import Documents, Experiment, Section
from stages.results.presentation import Table, family_of
from stages.results.project import Project
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
from stages.results.verification import MetricDescription

TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True)
class Content:
    """All that the pages show.

    Attributes:
        rows: of each table, in order.
        metrics: what each metric means, by family.
        claims: one line for each claim of `project`, in order.
        pictures: by name, the agreement of a table under `<table>_agreement`.
        of_rows: names of the pictures of each run that has some.
        of_tables: names of the pictures of each table that has some, but for its agreement.
        timings: how long each run took.
        machines: on which the numbers were computed, in words.
    """

    project: Project
    documents: Documents
    metrics: Mapping[str, Mapping[str, MetricDescription]]
    rows: Mapping[str, Sequence[Row]]
    claims: pd.DataFrame
    pictures: Mapping[str, Picture]
    of_rows: Mapping[str, list[str]]
    of_tables: Mapping[str, list[str]]
    timings: Mapping[str, Timing]
    data_sets: Sequence[Entry]
    machines: Sequence[str]


@dataclass(frozen=True)
class Block:
    """A results table, or some rows of one, as a page shows it; `anchor` is the table's in index.html."""

    family: str
    anchor: str
    table: Table
    source: str
    arguments: str
    frame: pd.DataFrame
    details: pd.DataFrame
    notes: list[tuple[str, str]]
    agreement: str | None
    drawings: list[str]


class Explanation(NamedTuple):
    """What metrics of the same meaning mean: their titles with the anchor of each, and the sentence."""

    titles: dict[str, str]
    meaning: str


def index_page(content: Content) -> str:
    """Return index.html, which needs no other file."""
    project = content.project
    groups: dict[str, list[Block]] = {number: [] for number in [*content.documents.documents, ""]}
    for name, table in project.tables.items():
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
        summary=summary_frame(project.tables, content.rows),
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
    rows = content.rows[name]
    drawn = [row.name for row in rows if content.project.first_table(row.name) == name]
    return _block(content, name, rows, [*content.of_tables.get(name, []), *_drawings(content, drawn)])


def experiment_blocks(content: Content, experiment: Experiment) -> list[Block]:
    """Return the results of an experiment: its tables, then its rows, those of the same table together."""
    blocks = [whole_table(content, name) for name in experiment.tables]
    firsts = dict.fromkeys(content.project.first_table(run) for run in experiment.runs)
    for table in firsts:
        rows = [row for row in content.rows[table] if row.name in experiment.runs]
        blocks.append(_block(content, table, rows, _drawings(content, [row.name for row in rows])))
    return blocks


@dataclass(frozen=True)
class Progress:
    """How much of a document is rebuilt; as text "3 of 8 experiments rebuilt, 1 of 2 conclusions tested"."""

    experiments: int
    rebuilt: int
    conclusions: int
    tested: int

    def __str__(self) -> str:
        """Return the sentence above."""
        return (
            f"{self.rebuilt} of {self.experiments} experiments rebuilt, "
            f"{self.tested} of {self.conclusions} conclusions tested"
        )


def progress(content: Content, sections: Sequence[Section]) -> Progress:
    """Count what the sections describe and what is rebuilt of it; a conclusion drawn twice counts once."""
    experiments = [experiment for section in sections for experiment in section.experiments]
    conclusions = {number for section in sections for number in section.conclusions}
    tested = {claim.number for claim in content.project.claims.values()}
    rebuilt = sum(experiment.rebuilt for experiment in experiments)
    return Progress(len(experiments), rebuilt, len(conclusions), len(conclusions & tested))


def state(content: Content, section: Section) -> str:
    """Say in a word or two what a section has to show."""
    count = progress(content, [section])
    total, done = count.experiments + count.conclusions, count.rebuilt + count.tested
    if not total:
        return "nothing to measure"
    return "results" if done == total else "results in part" if done else "not yet"


def _block(content: Content, name: str, rows: Sequence[Row], drawings: list[str]) -> Block:
    """Return the block of some rows of a table, without the columns that none of them has."""
    table = content.project.tables[name]
    shown = {
        "metrics": [metric for metric in table.metrics if any(metric in row.values for row in rows)],
        "arguments": [key for key in table.arguments if any(key in row.arguments for row in rows)],
    }
    part = table.model_copy(update=shown | {"published": []}) if len(rows) < len(content.rows[name]) else table
    frame = results_frame(part, rows, stacked=True)
    times = [show_seconds(content.timings[row.name].seconds) for row in rows] + [NOTHING] * len(part.published)
    frame.insert(frame.columns.get_loc("parameters") + 1, "time", times)
    return Block(
        family=family_of(name),
        anchor=name.replace("/", "-"),
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
    return [picture for run in runs for picture in content.of_rows.get(run, [])]


def _claims_of(content: Content, conclusion: int) -> pd.DataFrame:
    chosen = [claim.number == conclusion for claim in content.project.claims.values()]
    return content.claims[pd.Series(chosen, dtype=bool, index=content.claims.index)]


def _render(template: str, content: Content, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"bold": _bold, "verdict": _verdict}
    explanations, anchors = _explanations(content)
    return environment.get_template(template).render(
        content=content,
        explanations=explanations,
        anchors=anchors,
        documents=[
            (number, document, progress(content, document.sections))
            for number, document in content.documents.documents.items()
        ],
        picture_path=lambda name: f"../{'tables' if name.endswith('_agreement') else 'figures'}/{name}.png",
        **values,
    )


def _explanations(content: Content) -> tuple[list[Explanation], dict[str, dict[str, str]]]:
    """Return what the metrics in tables mean, and by family and column the anchor of its explanation."""
    families: dict[tuple[str, str], list[str]] = {}  # by meaning and metric
    for name, table in content.project.tables.items():
        family = family_of(name)
        for metric in table.metrics:
            known = content.metrics[family]
            meaning = choose(known, metric, f"{family_file(family, 'metrics.yaml')}: metrics").meaning
            having = families.setdefault((meaning, metric), [])
            having += [family] if family not in having else []
    num_meanings = Counter(metric for _, metric in families)
    by_meaning: dict[str, dict[str, str]] = {}
    anchors: dict[str, dict[str, str]] = {family: {} for family in content.project.families}
    for (meaning, metric), having in families.items():
        title, anchor = words(metric), f"number-{metric}"
        if num_meanings[metric] > 1:  # families use the name for different things
            title, anchor = f"{title} ({', '.join(map(words, having))})", f"{anchor}-{having[0]}"
        by_meaning.setdefault(meaning, {})[title] = anchor.replace("_", "-")
        for family in having:
            anchors[family][words(metric)] = anchor.replace("_", "-")
    both = {"parameters": "number-parameters", "time": "number-time"}
    return (
        [Explanation(titles, meaning) for meaning, titles in by_meaning.items()],
        {family: own | both for family, own in anchors.items()},
    )


def _bold(text: str) -> Markup:
    """Turn Markdown's ** into strong, and keep "95 %" on one line."""
    html = str(escape(text)).replace(" %", "&nbsp;%")
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html))


def _verdict(line: str) -> str:
    """Return the verdict that a line of a cell states, for its colour: "holds", "0.869 differs (+0.0123)"."""
    found = {*VERDICTS, *get_args(Outcome)}.intersection(line.split()[:2])
    return found.pop() if len(found) == 1 else ""
