"""stages/documents.yaml fits what the families declare; a wrong one is refused in one line."""

import copy
from collections.abc import Callable

import pytest

from stages.core.errors import UserError
from stages.results.documents import Section, load_documents
from stages.results.project import load_project
from tests.conftest import DOCUMENTS, LINE, ROOT, edited, yaml


@pytest.fixture(scope="module")
def real():
    """What the families of the repository declare, and stages/documents.yaml."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        project = load_project()
        return project, load_documents(project)


def test_every_result_is_in_a_section(real):
    """A table of a document is in that document's page, every other row in some page."""
    project, content = real
    tables, rows = {}, set()
    for number, document in content.documents.items():
        experiments = [experiment for section in document.sections for experiment in section.experiments]
        tables[number] = {name for experiment in experiments for name in experiment.tables}
        rows |= {name for experiment in experiments for name in experiment.runs}
    for name, table in project.tables.items():
        if table.document:
            assert name in tables[table.document]
        else:
            assert set(table.rows) <= rows


def test_every_claim_is_in_a_section_of_its_document(real):
    project, content = real
    for name, claim in project.claims.items():
        sections = content.documents[claim.document].sections
        assert any(claim.number in section.conclusions for section in sections), name


def test_all_five_documents_and_their_conclusions_are_there(real):
    _, content = real
    assert list(content.documents) == ["000", "001", "002", "003", "004"]
    drawn = {number for one in content.documents.values() for section in one.sections for number in section.conclusions}
    assert sorted(drawn) == sorted(content.conclusions) == list(range(1, 21))


def test_sections_have_different_anchors(real):
    for document in real[1].documents.values():
        anchors = [section.anchor for section in document.sections]
        assert len(set(anchors)) == len(anchors)


def test_an_edit_of_what_is_shown_trains_nothing():
    """Only the report depends on documents, metrics' meaning and templates; on tables only it and the figures."""
    shown = {"stages", "stages/documents.yaml", "stages/templates", "stages/${family}/metrics.yaml"}
    for path in (ROOT / "dvc.yaml", *ROOT.glob("stages/*/dvc.yaml")):
        for name, stage in yaml.load(path)["stages"].items():
            deps = set(stage.get("do", stage)["deps"])
            assert not deps & shown or name == "report", (path, name)
            assert "stages/${family}/tables.yaml" not in deps or name == "figures", (path, name)


def test_an_anchor_is_made_of_words():
    assert Section(title="Task01, 3. Multilayer perceptron", says="").anchor == "task01-3-multilayer-perceptron"


def first(content: dict) -> dict:
    return content["documents"]["002"]["sections"][0]


BREAKS: dict[str, tuple[Callable[[dict], object], list[str]]] = {
    "unknown table": (
        lambda c: first(c).update(experiments=[{"what": "x", "tables": ["line/lines"]}]),
        ["documents.002, section '1. A line', 'x', tables = 'line/lines'", "one of line/line"],
    ),
    "a table without its family": (
        lambda c: first(c).update(experiments=[{"what": "x", "tables": ["line"]}]),
        ["tables = 'line'", "one of line/line"],
    ),
    "unknown run": (
        lambda c: first(c).update(experiments=[{"what": "x", "runs": ["fast"]}]),
        ["'x', runs = 'fast'", "line/slow, line/fast"],
    ),
    "unknown conclusion": (
        lambda c: first(c).update(conclusions=[2]),
        ["'1. A line', conclusions = '2'", "of 1"],
    ),
    "unknown key": (lambda c: first(c).update(experiment=[]), ["sections.0", "'experiment'", "experiments"]),
    "a conclusion that cannot be": (lambda c: c["conclusions"].update({21: "x"}), ["conclusions.21", "20"]),
    "no file name": (lambda c: c["documents"].update({"../x": c["documents"]["002"]}), ["documents.../x", "pattern"]),
}


@pytest.fixture
def line(workspace):
    """What the tiny family declares."""
    return load_project()


@pytest.mark.parametrize("name", BREAKS)
def test_a_wrong_file_is_refused_in_one_line(workspace, line, name):
    spoil, phrases = BREAKS[name]
    content = copy.deepcopy(DOCUMENTS)
    spoil(content)
    yaml.dump(content, workspace / "stages/documents.yaml")
    with pytest.raises(UserError) as caught:
        load_documents(line)
    message = str(caught.value)
    assert "\n" not in message
    for phrase in ("stages/documents.yaml", *phrases):
        assert phrase in message, message


def test_a_table_of_a_document_that_is_not_there_is_named_with_its_own_file(workspace):
    with edited(LINE / "tables.yaml") as tables:
        tables["tables"]["line"]["document"] = "007"
    with pytest.raises(UserError, match=r"^stages/line/tables.yaml: tables.line.document = '007': must be one of 002$"):
        load_documents(load_project())
