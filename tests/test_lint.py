"""dvc.yaml and params.yaml are free of DVC's traps, and each trap is found where it is planted."""

from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.lint import lint
from tests.conftest import ROOT, write_params


def test_the_committed_pipeline_has_no_problem(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint() == []


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


METRICS = "metrics:\n        - metrics/${key}.json:\n            cache: false\n"
DATA = "        - data/prepared/${item.data}\n        - stages/train.py\n"
MODEL = "        - stages/${item.family}/${item.model}.py\n      params"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (f"        - stages/${{item.family}}/train.py\n{MODEL}", MODEL, "stages/regression/train.py is imported"),
        ("        - stages/results/metrics.py\n", "", "stages/results/metrics.py is imported and missing here"),
        ("        - stages/obtain\n", "        - stages/obtain/catalog.py\n", "stages/obtain/sources.py is imported"),
        ("        - stages/quality\n", "", "judge@regression_slow.deps: stages/quality/frechet.py is imported"),
        (
            "        - stages/image_classification\n",
            "",
            "judge@regression_slow.deps: stages/image_classification/lenet.py",
        ),
        (f"{METRICS}      outs:", "outs:\n        - metrics/${key}.json", "belongs under `metrics:`"),
        (METRICS, "metrics:\n        - metrics/${key}.json\n", "needs `cache: false`"),
        ("    foreach: ${generate}\n", "    matrix: {run: '${generate}'}\n", "yields its keys alone"),
        ("      desc: Train one run, a model a seed\n", "      desc: &text Train one run\n", "anchors"),
        (DATA, DATA.replace("/${item.data}", ""), "is written by 3 stages"),
        (
            "      meta: {reads_all_of: data/tokens}\n",
            "",
            "vocab@texts.deps: data/tokens is written by 2",
        ),
    ],
)
def test_a_trap_in_the_pipeline_is_found(workspace, params, old, new, problem):
    params["generate"]["other"] = params["generate"]["line"]
    params["runs"]["seer"] = {
        "family": "image_classification",
        "model": "lenet",
        "data": "line",
        "args": {},
        "label": "x",
    }
    params["judge"] = {"regression_slow": {"data": "line", "extractor": "seer"}}
    params["fetch"] = ["breast_cancer", "brown", "wordsim353", "simlex999", "google_analogies"]
    params["tokenize"] = {name: {"raw": "brown", "reader": "brown"} for name in ("once", "twice")}
    params["corpora"] = {"texts": ["once", "twice"]}
    params["vocab"] = {"texts": {"corpus": "texts"}}
    params["subsample"] = {"texts": {"family": "word_vectors", "vocab": "texts", "threshold": 1e-4}}
    write_params(workspace, params)
    assert lint() == []
    edit(workspace / "dvc.yaml", old, new)
    assert problem in "\n".join(lint())


def test_a_key_with_a_dot_is_found(workspace, params):
    params["runs"]["regression_v1.5"] = params["runs"]["regression_slow"]
    write_params(workspace, params)
    assert lint() == ["params.yaml: runs.regression_v1.5: DVC cannot track a key with a dot"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "dvc.yaml = None"),
        ("stages:\n", "dvc.yaml: stages = None"),
        ("stages: {a: 3}\n", "dvc.yaml: stages.a = 3"),
    ],
)
def test_a_pipeline_that_is_none_is_one_line(workspace, content, problem):
    (workspace / "dvc.yaml").write_text(content)
    with pytest.raises(UserError, match=problem):
        lint()


def test_the_command_fails_with_the_problems(workspace, params, run_stages):
    params["runs"]["regression_v1.5"] = params["runs"]["regression_slow"]
    write_params(workspace, params)
    done = run_stages("lint")
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
