"""stages/documents.yaml and stages/metrics.yaml fit params.yaml; a wrong one is refused in one line."""

import copy
from collections.abc import Callable

import pytest
from ruamel.yaml import YAML

from stages.core.errors import UserError
from stages.results.documents import Section, load_documents, load_explanations
from stages.results.params import load_params
from tests.conftest import DOCUMENTS, ROOT, write_params, yaml


@pytest.fixture
def real(monkeypatch):
    """params.yaml and stages/documents.yaml of the repository."""
    monkeypatch.chdir(ROOT)
    params = load_params()
    return params, load_documents(params)


def test_every_result_is_in_a_section(real):
    """A table of a document is in that document's page, every other row in some page."""
    params, content = real
    tables, rows = {}, set()
    for number, document in content.documents.items():
        experiments = [experiment for section in document.sections for experiment in section.experiments]
        tables[number] = {name for experiment in experiments for name in experiment.tables}
        rows |= {name for experiment in experiments for name in experiment.runs}
    for name, table in params.tables.items():
        if table.document:
            assert name in tables[table.document]
        else:
            assert set(params.rows(name)) <= rows


def test_every_claim_is_in_a_section_of_its_document(real):
    params, content = real
    for name, claim in params.claims.items():
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


def test_every_metric_in_a_table_is_explained_once(real):
    explained = [metric for entry in load_explanations() for metric in entry.metrics]
    assert {metric for table in real[0].tables.values() for metric in table.metrics} <= set(explained)
    assert len(set(explained)) == len(explained)


def test_an_edit_reruns_the_report_and_no_training(real):
    """Only the report, and the check whose output never changes, depend on the file."""
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    deps = {name: stage.get("do", stage)["deps"] for name, stage in stages.items()}
    files = ("stages", "stages/documents.yaml", "stages/metrics.yaml", "stages/templates")
    assert [name for name, some in deps.items() if set(files) & set(some)] == ["check", "report"]


def test_an_anchor_is_made_of_words():
    assert Section(title="Task01, 3. Multilayer perceptron", says="").anchor == "task01-3-multilayer-perceptron"


def first(content: dict) -> dict:
    return content["documents"]["002"]["sections"][0]


BREAKS: dict[str, tuple[Callable[[dict], object], list[str]]] = {
    "unknown table": (
        lambda c: first(c).update(experiments=[{"what": "x", "tables": ["lines"]}]),
        ["documents.002, section '1. A line', 'x', tables = 'lines'", "one of line"],
    ),
    "unknown run": (
        lambda c: first(c).update(experiments=[{"what": "x", "runs": ["fast"]}]),
        ["'x', runs = 'fast'", "regression_slow, regression_fast"],
    ),
    "unknown conclusion": (
        lambda c: first(c).update(conclusions=[2]),
        ["'1. A line', conclusions = '2'", "of 1"],
    ),
    "unknown key": (lambda c: first(c).update(experiment=[]), ["sections.0", "'experiment'", "experiments"]),
    "a conclusion that cannot be": (lambda c: c["conclusions"].update({21: "x"}), ["conclusions.21", "20"]),
    "no file name": (lambda c: c["documents"].update({"../x": c["documents"]["002"]}), ["documents.../x", "pattern"]),
    "the document of a table is missing": (
        lambda c: c["documents"].update({"001": c["documents"].pop("002")}),
        ["params.yaml: tables.line.document = '002'", "one of 001"],
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_wrong_file_is_refused_in_one_line(workspace, params, name):
    spoil, phrases = BREAKS[name]
    write_params(workspace, params)
    content = copy.deepcopy(DOCUMENTS)
    spoil(content)
    yaml.dump(content, workspace / "stages/documents.yaml")
    with pytest.raises(UserError) as caught:
        load_documents(load_params())
    message = str(caught.value)
    assert "\n" not in message
    for phrase in phrases:
        assert phrase in message, message
