"""The whole of params.yaml, typed: what `check`, `report` and `verify` read.

Train and evaluate read one run only (`stages/core/run.py`), so that a change here retrains nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from stages.core.errors import UserError
from stages.core.recipe import load_recipe
from stages.core.run import PARAMS, Device, Run, Seeds, family_module, family_names, load_run, one_of
from stages.core.schema import Strict, read_yaml, validate
from stages.obtain.catalog import load_catalog
from stages.quality.recipe import Judge, is_generator
from stages.results.inequality import parse
from stages.texts.benchmarks import ANALOGIES, RAW, SIMILARITY
from stages.texts.recipes import Cooccur, Corpus, Divide, Embed, Fold, Mix, Subsample, Tokenize, Vocab

VECTORS = "word_vectors"  # the family whose runs give vectors to others

# DVC cannot track a parameter below a key with a dot in it.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Prepared(Strict):
    """Data made from fetched files: `stages/<family>/data.py` reads data set `raw` as `recipe` says."""

    family: str
    raw: Name
    recipe: dict[str, Any]


class Generated(Strict):
    """Data drawn at random as `recipe` says."""

    family: str
    recipe: dict[str, Any]


class RunEntry(Strict):
    """One row. Only `family`, `model`, `data` and `args` decide what is trained; the rest may be edited freely.

    Attributes:
        tables: the results tables that show this run.
        label: what the row is called there.
        document: the document's numbers for this row, by metric, as printed.
        note: what a reader must know about this row.
        figures: whether the report draws this run, as `stages/<family>/figures.py` does.
    """

    family: str
    model: str
    data: Name
    tables: Annotated[list[Name], Field(min_length=1)]
    label: str
    args: dict[str, Any]  # DVC wants it to be there, even if it is empty
    document: dict[str, float] = {}
    note: str = ""
    figures: bool = False


class Published(Strict):
    """A row that others published, shown below ours and not compared with them.

    Attributes:
        label: what it is, with its source.
        values: as printed, by metric.
    """

    label: str
    values: dict[str, float] = Field(min_length=1)


class Table(Strict):
    """A results table.

    Attributes:
        document: the number of the document, and the section that prints the table; empty if none does.
        arguments: arguments of the runs shown as columns, of judged ones also `extractor`.
        metrics: metrics shown as columns, in order.
        close: how far the document's number may lie from ours and still be called close.
        relative_to: a row by whose first metric that of each row is divided, in a column of its own; null for none.
        difference_from: a row whose first metric is subtracted from that of each row, seed by seed, with its interval,
            in a column of its own; null for none.
        published: rows of others.
    """

    title: str
    family: str
    document: str = ""
    section: str = ""
    description: str
    arguments: list[str] = []
    metrics: Annotated[list[str], Field(min_length=1)]
    digits: int = Field(default=4, ge=0, le=8)
    close: float = Field(default=0.01, gt=0)
    relative_to: Name | None = None
    difference_from: Name | None = None
    published: list[Published] = []


class Claim(Strict):
    """A conclusion of the notes as an inequality between metrics of runs, see `stages/results/claims.py`."""

    number: int = Field(ge=1, le=20)
    document: str
    text: str
    inequality: str


class Params(Strict):
    """params.yaml."""

    seeds: Seeds
    device: Device
    fetch: list[Name]
    prepare: dict[Name, Prepared]
    generate: dict[Name, Generated]
    tokenize: dict[Name, Tokenize] = {}
    corpora: dict[Name, Corpus] = {}
    vocab: dict[Name, Vocab] = {}
    subsample: dict[Name, Subsample] = {}
    cooccur: dict[Name, Cooccur] = {}
    divide: dict[Name, Divide] = {}
    mix: dict[Name, Mix] = {}
    fold: dict[Name, Fold] = {}
    embed: dict[Name, Embed] = {}
    judge: dict[Name, Judge] = {}
    defaults: dict[str, dict[str, Any]]
    tables: dict[Name, Table]
    claims: dict[Name, Claim]
    runs: dict[Name, RunEntry]

    def rows(self, table: str) -> list[str]:
        """Return the names of the runs of a table, in the order of params.yaml."""
        return [name for name, run in self.runs.items() if table in run.tables]

    def seeds_of(self, run: str) -> list[int]:
        """Return the seeds of a run: its own, those of its family, or those of all."""
        defaults = self.defaults.get(self.runs[run].family, {})
        return self.runs[run].args.get("seeds", defaults.get("seeds", self.seeds))

    def shown_metrics(self, run: str) -> list[str]:
        """Return the metrics in the tables of a run: those that the documents' numbers and the claims may name."""
        tables = (self.tables[table] for table in self.runs[run].tables)
        return sorted({metric for table in tables for metric in table.metrics})


def load_params() -> Params:
    """Read and check params.yaml, every reference in it and every run's arguments.

    Raises:
        UserError: one line that names the first wrong key, its value and what is allowed.
    """
    content = read_yaml(PARAMS)
    params = validate(Params, content, f"{PARAMS}:")
    catalog = load_catalog(Path("data/catalog.yaml"))
    for name in params.fetch:
        one_of(name, list(catalog), f"{PARAMS}: fetch")
    recipes = {}
    for section, entries in (("prepare", params.prepare), ("generate", params.generate)):
        for name, entry in entries.items():
            where = f"{PARAMS}: {section}.{name}"
            if name in recipes:
                raise UserError(f"{where}: the name is used under prepare and generate; it must be used once")
            if isinstance(entry, Prepared):
                one_of(entry.raw, params.fetch, f"{where}.raw")
            _, recipes[name] = load_recipe(name, content)
    recipes |= _checked_texts(params, recipes)
    for family in params.defaults:
        one_of(family, family_names(), f"{PARAMS}: defaults")
    runs = {name: _checked_run(name, params, recipes, content) for name in params.runs}
    _check_judges(params)
    for name, table in params.tables.items():
        where = f"{PARAMS}: tables.{name}"
        one_of(table.family, family_names(), f"{where}.family")
        arguments = sorted({argument for row in params.rows(name) for argument in type(runs[row].args).model_fields})
        arguments += ["extractor"] if any(row in params.judge for row in params.rows(name)) else []
        if not arguments:
            raise UserError(f"{where} has no row: no run names it under `tables`")
        for argument in table.arguments:
            one_of(argument, arguments, f"{where}.arguments")
        for row in params.rows(name):
            if "extractor" in table.arguments and row not in params.judge:
                raise UserError(f"{where}.arguments: extractor: its row {row} must be a key of `judge`")
        for option in ("relative_to", "difference_from"):
            if getattr(table, option) is not None:
                one_of(getattr(table, option), params.rows(name), f"{where}.{option}")
        for metric in {metric for entry in table.published for metric in entry.values}:
            one_of(metric, table.metrics, f"{where}.published")
    for name, claim in params.claims.items():
        where = f"{PARAMS}: claims.{name}.inequality"
        inequality = parse(claim.inequality, where)
        sides = ((inequality.left, inequality.left_metric), (inequality.right, inequality.right_metric))
        for run, metric in sides:
            one_of(run, list(params.runs), where)
            one_of(metric, params.shown_metrics(run), where)
    return params


def _checked_texts(params: Params, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Check what the sections about texts refer to; return the recipes of those that are data for runs."""
    recipes: dict[str, Any] = {}
    for name, entry in params.tokenize.items():
        if not (RAW / entry.raw).is_dir():  # else the user made it
            one_of(entry.raw, params.fetch, f"{PARAMS}: tokenize.{name}.raw")
    if params.subsample or params.cooccur:
        for name in (*SIMILARITY, ANALOGIES[0]):
            if name not in params.fetch:
                raise UserError(f"{PARAMS}: fetch lacks '{name}', which the data of `subsample` and `cooccur` need")
    for name, data_sets in params.corpora.items():
        for data_set in data_sets:
            one_of(data_set, list(params.tokenize), f"{PARAMS}: corpora.{name}")
    for name, entry in params.vocab.items():
        one_of(entry.corpus, list(params.corpora), f"{PARAMS}: vocab.{name}.corpus")
    sections = {name: getattr(params, name) for name in ("subsample", "cooccur", "divide", "mix", "fold", "embed")}
    for section, entries in sections.items():
        for name, entry in entries.items():
            where = f"{PARAMS}: {section}.{name}"
            if name in {*taken, *recipes}:
                raise UserError(f"{where}: the name is used for other data too; it must be used once")
            one_of(entry.family, family_names(), f"{where}.family")
            if isinstance(entry, Mix):
                one_of(entry.data, list(params.divide), f"{where}.data")
                mixed = [run for run, row in params.runs.items() if row.data == entry.data]
                for place in ("first", "second"):
                    one_of(getattr(entry, place), mixed, f"{where}.{place}")
            elif isinstance(entry, Embed):
                one_of(entry.data, list(params.fold), f"{where}.data")
                having = [run for run, row in params.runs.items() if row.family == VECTORS]
                one_of(entry.run, having, f"{where}.run")
            else:
                one_of(entry.vocab, list(params.vocab), f"{where}.vocab")
                if isinstance(entry, Fold):
                    one_of(entry.raw, params.fetch, f"{where}.raw")
            recipes[name] = entry
    return recipes


def _check_judges(params: Params) -> None:
    """Check that a judged run draws images and has the data it is judged with, and that its judge has features."""
    models = {name: family_module(row.family, row.model) for name, row in params.runs.items()}
    generators = [name for name, row in params.runs.items() if is_generator(row.family, row.model)]
    for name, entry in params.judge.items():
        where = f"{PARAMS}: judge.{name}"
        one_of(name, generators, where)
        one_of(entry.data, [params.runs[name].data], f"{where}.data")
        having = [run for run, model in models.items() if hasattr(model, "HAS_FEATURES")]
        one_of(entry.extractor, having, f"{where}.extractor")


def _checked_run(name: str, params: Params, recipes: dict[str, Any], content: dict[str, Any]) -> Run:
    entry, where = params.runs[name], f"{PARAMS}: runs.{name}"
    run = load_run(name, content)
    sections = ("prepare", "generate", "subsample", "cooccur", "divide", "mix", "fold", "embed")
    sources = [getattr(params, section) for section in sections]
    prepared_by = getattr(family_module(entry.family, "data"), "PREPARED_BY", entry.family)
    of_family = [key for entries in sources for key, data in entries.items() if data.family == prepared_by]
    one_of(entry.data, of_family, f"{where}.data")
    for table in entry.tables:
        one_of(table, list(params.tables), f"{where}.tables")
    for metric in entry.document:
        one_of(metric, params.shown_metrics(name), f"{where}.document")
    allowed = getattr(family_module(run.family, run.model), "SECTION", None)
    if allowed is not None:
        allowed = (allowed,) if isinstance(allowed, str) else allowed
        one_of(entry.data, [key for section in allowed for key in getattr(params, section)], f"{where}.data")
    if getattr(run.args, "keep", "last") == "best" and not recipes[entry.data].has_validation:
        having = ", ".join(key for key, recipe in recipes.items() if recipe.has_validation)
        raise UserError(f"{where}.args.keep = 'best' needs data with a validation split: {having or 'none'}")
    return run
