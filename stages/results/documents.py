"""What the five documents contain and which results rebuild it, from stages/documents.yaml."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from stages.core.run import family_file, one_of
from stages.core.schema import Strict, read_yaml, validate
from stages.results.project import Project

DOCUMENTS = Path("stages/documents.yaml")

Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]


class Experiment(Strict):
    """One thing that a section describes and that can be measured.

    Attributes:
        tables: full names of tables that rebuild it.
        runs: full names of single rows that rebuild it, each shown as in its first table.
    """

    what: str
    tables: list[str] = []
    runs: list[str] = []

    @property
    def rebuilt(self) -> bool:
        """Whether there are results for it."""
        return bool(self.tables or self.runs)


class Section(Strict):
    """A section of a document; one without experiments and conclusions has nothing to measure."""

    title: str
    says: str
    experiments: list[Experiment] = []
    conclusions: list[int] = []

    @property
    def anchor(self) -> str:
        """Its name in links: "Task01, 3. Multilayer perceptron" becomes "task01-3-multilayer-perceptron"."""
        return "-".join(re.findall(r"[a-z0-9]+", self.title.lower()))


class Document(Strict):
    """One set of notes."""

    title: str
    sections: list[Section]


class Documents(Strict):
    """stages/documents.yaml.

    Attributes:
        conclusions: what the documents conclude; a family's claim names one by its `number`.
    """

    conclusions: dict[Annotated[int, Field(ge=1, le=20)], str]
    documents: dict[Number, Document]


def load_documents(project: Project) -> Documents:
    """Read stages/documents.yaml and check that every table, run and conclusion in it exists.

    Raises:
        UserError: one line that names the first wrong key, its value and what is allowed.
    """
    content = validate(Documents, read_yaml(DOCUMENTS), f"{DOCUMENTS}:")
    for number, document in content.documents.items():
        for section in document.sections:
            where = f"{DOCUMENTS}: documents.{number}, section '{section.title}'"
            for conclusion in section.conclusions:
                one_of(str(conclusion), [str(key) for key in content.conclusions], f"{where}, conclusions")
            for experiment in section.experiments:
                for table in experiment.tables:
                    one_of(table, list(project.tables), f"{where}, '{experiment.what}', tables")
                for run in experiment.runs:
                    one_of(run, list(project.runs), f"{where}, '{experiment.what}', runs")
    for name, table in project.tables.items():
        if table.document:
            family, _, short = name.partition("/")
            where = f"{family_file(family, 'tables.yaml')}: tables.{short}.document"
            one_of(table.document, list(content.documents), where)
    return content
