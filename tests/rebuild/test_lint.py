"""The pipeline is free of DVC's traps, and each trap is found where it is planted."""

import pytest

from stages.core.errors import UserError
from stages.rebuild.lint import lint
from tests.conftest import ROOT


def test_the_committed_pipeline_has_no_problem(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint() == []


def test_the_project_of_these_tests_has_no_problem(project):
    assert lint() == []


METRICS = "        - metrics/first/${key}.json:\n            cache: false\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("stages/first/params.yaml", "slow:", "v1.5:", "params.yaml: runs.v1.5: DVC cannot track a key with a dot"),
        ("stages/first/params.yaml", "{rate: 1}", "&rate {rate: 1}", "line 3: `dvc exp run -S` writes out anchors"),
        ("dvc.yaml", "[a, b]", "&names [a, b]", "dvc.yaml: line 4: `dvc exp run -S`"),
        ("data/catalog.yaml", "", "a: &x 1\n", "data/catalog.yaml: line 1: `dvc exp"),
        (
            "stages/first/dvc.yaml",
            METRICS,
            "        - metrics/first/${key}.json\n",
            "needs `cache: false`: it is in Git",
        ),
        (
            "stages/first/dvc.yaml",
            f"metrics:\n{METRICS}",
            "outs:\n        - metrics/first/${key}.json\n",
            "belongs under `metrics:`",
        ),
        (
            "stages/first/dvc.yaml",
            "        - device\n",
            "        - gone\n",
            "params: params.yaml has no gone",
        ),
        ("stages/first/dvc.yaml", "'data/raw/${item.data}'", "data/raw", "data/raw has outputs of 2 stages"),
        (
            "stages/first/train.py",
            "",
            "import stages.first.model\n",
            "@fast: deps: stages/first/model.py is imported",
        ),
        (
            "stages/first/train.py",
            "",
            "from stages.first import model\n",
            "first/model.py is imported and missing",
        ),
        (
            "stages/first/train.py",
            "",
            "def f():\n    from stages.shared.a import x\n",
            "shared/a.py is imported",
        ),
        ("stages/first/train.py", "", "from stages.shared import a\n", "stages/shared/b.py is imported"),  # by a.py
        ("stages/first/dvc.yaml", "stages/first/train.py, ", "", "train@slow: deps: stages/first/train.py is imported"),
    ],
)
def test_a_trap_is_found(project, file, old, new, problem):
    project.write("data/catalog.yaml", "")
    project.write("stages/first/model.py", "")
    project.write("stages/shared/a.py", "import stages.shared.b\n")
    project.write("stages/shared/b.py", "")
    project.edit(file, old, new)
    assert problem in "\n".join(lint())


def test_a_folder_covers_the_modules_in_it(project):
    project.write("stages/shared/a.py", "import stages.shared.b\n")
    project.write("stages/shared/b.py", "")
    project.edit("stages/first/train.py", "", "from stages.shared import a\n")
    project.edit("stages/first/dvc.yaml", "deps: [code.py, ", "deps: [code.py, stages/shared, ")
    assert lint() == []


def test_what_dvc_refuses_is_one_line(project):
    project.edit("stages/first/dvc.yaml", "${item.data}", "${item.gone}")
    with pytest.raises(UserError, match="item.gone"):
        lint()
