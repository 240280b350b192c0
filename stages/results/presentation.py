"""What a family shows: `stages/<family>/tables.yaml`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from stages.core.run import Name, family_file
from stages.core.schema import Strict, distinct, read_yaml, validate


class RowText(Strict):
    """What is shown of a row.

    Attributes:
        label: what the row is called in tables.
        document: the document's numbers for this row, by metric, as printed.
        note: what a reader must know about this row.
        figures: whether the row is drawn, as `stages/<family>/figures.py` does.
    """

    label: str
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


Names = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]


class Table(Strict):
    """A results table.

    Attributes:
        rows: in order.
        document: the number of the document, and the section that prints the table; empty if none does.
        arguments: arguments of the runs shown as columns, and settings of their metrics such as `extractor`.
        metrics: metrics shown as columns, in order.
        shares: those of them that are 0 or 1 for each seed, such as whether training diverged.
        close: how far the document's number may lie from ours and still be called close.
        relative_to: a row by whose first metric that of each row is divided, in a column of its own; null for none.
        cost_in: a row by whose recorded seconds of training a seed those of each row are divided, in a column of its
            own; null for none.
        difference_from: a row whose first metric is subtracted from that of each row, seed by seed, with its interval,
            in a column of its own; null for none.
        published: rows of others.
    """

    title: str
    document: str = ""
    section: str = ""
    description: str
    arguments: Annotated[list[str], AfterValidator(distinct)] = []
    metrics: Names
    shares: Annotated[list[str], AfterValidator(distinct)] = []
    digits: int = Field(default=4, ge=0, le=8)
    close: float = Field(default=0.01, gt=0)
    relative_to: str | None = None
    cost_in: str | None = None
    difference_from: str | None = None
    published: list[Published] = []
    rows: Names


class Claim(Strict):
    """A conclusion of the notes as an inequality between metrics of rows, see `stages/results/claims.py`.

    Attributes:
        number: of the conclusion.
        document: that draws it, or whose conclusion raised a question of ours.
        ours: whether the documents do not say it: a question of ours.
        text: what is claimed, in the document's sense.
        inequality: see `stages/results/inequality.py`.
    """

    number: int = Field(ge=1, le=20)
    document: str
    ours: bool = False
    text: str
    inequality: str


class Headline(Strict):
    """The number that stands for a family in the README.

    Attributes:
        row: of the family.
        metric: of that row.
        table: where it stands among others.
    """

    row: Name
    metric: str
    table: Name


class FamilyTables(Strict):
    """`stages/<family>/tables.yaml`."""

    headline: Headline
    rows: dict[Name, RowText]
    tables: dict[Name, Table]
    claims: dict[Name, Claim] = {}


def family_of(name: str) -> str:
    """Return the family of a full name."""
    return name.partition("/")[0]


def load_tables(family: str) -> FamilyTables:
    """Return what a family shows, rows by full name in tables.

    Raises:
        UserError: the file is missing or wrong.
    """
    path = family_file(family, "tables.yaml")
    content = validate(FamilyTables, read_yaml(path), f"{path}:")
    tables = {}
    for name, table in content.tables.items():
        full = {"rows": [f"{family}/{row}" for row in table.rows]}
        for option in ("relative_to", "cost_in", "difference_from"):
            if (row := getattr(table, option)) is not None:
                full[option] = f"{family}/{row}"
        tables[name] = table.model_copy(update=full)
    return content.model_copy(update={"tables": tables})
