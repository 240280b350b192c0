"""All families together: what is computed, what is shown and what is claimed, typed and checked.

Train and evaluate read the parameters of one family only (`stages/core/run.py`): a change here retrains nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.core.errors import UserError
from stages.core.family import family_module, family_names
from stages.core.run import (
    PARAMS,
    Device,
    FamilyParams,
    Name,
    Run,
    RunEntry,
    choose,
    family_file,
    load_family,
    load_run,
    one_of,
)
from stages.core.schema import Strict, read_yaml, validate
from stages.obtain.catalog import load_catalog
from stages.prepare import load_recipes
from stages.results.inequality import claim_key, parse_claim
from stages.results.presentation import (
    Claim,
    FamilyTables,
    Headline,
    RowText,
    Table,
    family_of,
    load_tables,
)
from stages.texts.recipes import Join, Tokenize, Vocab

CATALOG = Path("data/catalog.yaml")


class Shared(Strict):
    """params.yaml, what all families share."""

    device: Device
    fetch: list[Name]
    tokenize: dict[Name, Tokenize] = {}
    join: dict[Name, Join] = {}
    vocab: dict[Name, Vocab] = {}


@dataclass(frozen=True)
class Project:
    """What all families declare; rows, tables and claims by full name, `family/name`, which their entries use too.

    Claims are in the order of the conclusions that they belong to.
    """

    shared: Shared
    families: dict[str, FamilyParams]
    runs: dict[str, RunEntry]
    texts: dict[str, RowText]
    tables: dict[str, Table]
    claims: dict[str, Claim]
    headlines: dict[str, Headline]

    def seeds_of(self, run: str) -> list[int]:
        """Return the seeds of a run."""
        return list(range(1, self.runs[run].seeds + 1))

    def first_table(self, run: str) -> str | None:
        """Return the first table that shows a run; None if none does."""
        return next((name for name, table in self.tables.items() if run in table.rows), None)

    def shown_metrics(self, run: str) -> list[str]:
        """Return the metrics in the tables of a run: those that the documents' numbers and the claims may name."""
        tables = (table for table in self.tables.values() if run in table.rows)
        return sorted({metric for table in tables for metric in table.metrics})

    def load_run(self, name: str) -> Run:
        """Return a run with its checked arguments."""
        return load_run(name, self.families[family_of(name)], self.shared.device)


def load_project() -> Project:
    """Read and check params.yaml and the files of every family: keys, types, references, every run's arguments.

    Raises:
        UserError: one line that names the first wrong key, its value and what is allowed.
    """
    shared = validate(Shared, read_yaml(PARAMS), f"{PARAMS}:")
    _check_shared(shared)
    families, recipes = {}, {}
    for family in family_names():
        families[family] = load_family(family)
        recipes[family], _ = load_recipes(family, families[family])
    for family, params in families.items():
        _check_family(family, params, families, recipes, shared)
    shown = {family: load_tables(family) for family in families}
    project = Project(
        shared,
        families,
        _by_full_name(families, lambda params: params.runs),
        _by_full_name(shown, lambda tables: tables.rows),
        _by_full_name(shown, lambda tables: tables.tables),
        dict(sorted(_by_full_name(shown, lambda tables: tables.claims).items(), key=lambda item: item[1].number)),
        {family: tables.headline for family, tables in shown.items()},
    )
    for family in families:
        _check_shown(family, shown[family], project)
    return project


def _by_full_name(families: dict[str, Any], part: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    return {f"{family}/{name}": entry for family, content in families.items() for name, entry in part(content).items()}


def _check_shared(shared: Shared) -> None:
    catalog = load_catalog(CATALOG)
    for name in shared.fetch:
        one_of(name, list(catalog), f"{PARAMS}: fetch")
    for name, entry in shared.tokenize.items():
        if not (Path("data/raw") / entry.raw).is_dir():  # else the user made it
            one_of(entry.raw, shared.fetch, f"{PARAMS}: tokenize.{name}.raw")
    texts = [*shared.tokenize, *shared.join]
    for name, entry in shared.join.items():
        if name in shared.tokenize:
            raise UserError(f"{PARAMS}: join.{name}: the name is used under tokenize too; it must be used once")
        for place in ("first", "second"):
            one_of(getattr(entry, place), [text for text in texts if text != name], f"{PARAMS}: join.{name}.{place}")
    for name, entry in shared.vocab.items():
        one_of(entry.tokens, texts, f"{PARAMS}: vocab.{name}.tokens")


def _check_family(
    family: str, params: FamilyParams, families: dict[str, FamilyParams], recipes: dict[str, Any], shared: Shared
) -> None:
    """Check what recipes and runs refer to."""
    path = family_file(family)
    source = family_module(family, "data").PREPARED_BY or family
    allowed = {
        "raw": shared.fetch,
        "tokens": [*shared.tokenize, *shared.join],
        "vocab": list(shared.vocab),
        "data": list(recipes[source]),
    }
    for kind, entries in params.data.items():
        for name, entry in entries.items():
            for key in entry.keys() & allowed:
                others = [other for other in allowed[key] if (key, other) != ("data", name)]
                one_of(entry[key], others, f"{path}: data.{kind}.{name}.{key}")
    types = family_module(family, "prepare").SECTIONS
    for section, entries in params.sections.items():
        for name, entry in entries.items():
            one_of(name, list(params.runs), f"{path}: {section}")
            validate(types[section], entry, f"{path}: {section}.{name}")
            for key in entry.keys() & allowed:
                one_of(entry[key], allowed[key], f"{path}: {section}.{name}.{key}")
    for row, entry in params.runs.items():
        where = f"{path}: runs.{row}"
        run = load_run(f"{family}/{row}", params, shared.device)
        kinds = family_module(family, entry.model).DATA_KINDS or tuple(families[source].data)
        fitting = [name for kind in kinds for name in families[source].data.get(kind, {})]
        recipe = recipes[source][one_of(entry.data, fitting, f"{where}.data")]
        if getattr(run.args, "keep", "last") == "best" and not recipe.has_validation:
            having = ", ".join(key for key, other in recipes[source].items() if other.has_validation)
            raise UserError(f"{where}.args.keep = 'best' needs data with a validation split: {having or 'none'}")


def _check_shown(family: str, shown: FamilyTables, project: Project) -> None:
    path, runs = family_file(family, "tables.yaml"), project.families[family].runs
    for row in runs:
        choose(shown.rows, row, f"{path}: rows")
    for row, text in shown.rows.items():
        name = f"{family}/{one_of(row, list(runs), f'{path}: rows')}"
        for metric in text.document:
            one_of(metric, project.shown_metrics(name), f"{path}: rows.{row}.document")
    for name, table in shown.tables.items():
        where = f"{path}: tables.{name}"
        for row in table.rows:
            one_of(row, [f"{family}/{run}" for run in runs], f"{where}.rows")
        arguments = set(_arguments(project, table))
        for argument in table.arguments:
            one_of(argument, sorted(arguments), f"{where}.arguments")
        for metric in table.shares:
            one_of(metric, table.metrics, f"{where}.shares")
        for option in ("relative_to", "cost_in", "difference_from"):
            if getattr(table, option) is not None:
                one_of(getattr(table, option), table.rows, f"{where}.{option}")
        for metric in {metric for entry in table.published for metric in entry.values}:
            one_of(metric, table.metrics, f"{where}.published")
    headline, where = shown.headline, f"{path}: headline"
    table = choose(shown.tables, headline.table, f"{where}.table: tables")
    one_of(f"{family}/{headline.row}", table.rows, f"{where}.row")
    one_of(headline.metric, table.metrics, f"{where}.metric")
    for name, claim in shown.claims.items():
        where = claim_key(f"{family}/{name}")
        for inequality in parse_claim(f"{family}/{name}", claim):
            for term in inequality.factors:
                one_of(term.run, list(project.runs), where)
                one_of(term.metric, project.shown_metrics(term.run), where)


def _arguments(project: Project, table: Table) -> Iterator[str]:
    """Yield the arguments of a table's rows, and those of the sections that name them."""
    for row in table.rows:
        yield from type(project.load_run(row).args).model_fields
        family, _, short = row.partition("/")
        for entries in project.families[family].sections.values():
            yield from entries.get(short, {})
