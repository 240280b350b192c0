"""A refactoring is accepted without training only if it changes no number."""

import shutil
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from stages.core.errors import UserError
from stages.rebuild.lock_files import rows_behind
from stages.rebuild.same_numbers import difference, same_numbers
from tests import probe as probing
from tests.conftest import ROOT, WITH_CODE
from tests.planted import load_contract, load_planted, rows_to_plant_in
from tests.small_repository import shell

ONE = {"args": {"rate": 0.1, "epochs": 3}, "digests": {"weights": "a", "scores": "b"}}


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (ONE, ""),
        (None, "the base revision has no such row"),
        ({**ONE, "args": {"rate": 0.2, "epochs": 3}}, "rate was 0.2 and is 0.1"),
        ({**ONE, "args": {"epochs": 3}}, ""),  # an argument that was added and changes no number
        ({**ONE, "digests": {"weights": "a", "scores": "c"}}, "other scores"),
    ],
)
def test_every_part_of_two_probes_is_compared(before, why):
    assert difference(before, ONE) == why


@pytest.mark.parametrize("family", WITH_CODE)
def test_one_number_in_any_family_is_seen(family, monkeypatch):
    """The learning rate, or what else the family's first planted mistake changes, by the small run's digests alone."""
    monkeypatch.chdir(ROOT)
    (row,) = rows_to_plant_in([family])
    plant, contract = load_planted(family).plants[-1], load_contract(family)
    honest = probing.probe(row)
    assert difference(honest, probing.probe(row)) == ""
    shortened, small_data = contract.shortened, contract.small_data

    @contextmanager
    def mistaken():
        run = probing.load_run(row)
        wrong_run, wrong_data, mistake = plant(shortened(run), small_data(run))
        with (
            mistake,
            patch.object(contract, "shortened", lambda run: wrong_run),
            patch.object(contract, "small_data", lambda run: wrong_data),
        ):
            yield

    with mistaken():
        assert difference(honest, probing.probe(row)).startswith("other ")


@pytest.fixture
def repository(built):
    """The small pipeline with what the comparison needs of the tests, committed."""
    (built / "tests").mkdir()
    for name in ("__init__.py", "probe.py", "planted.py"):
        shutil.copy(ROOT / "tests" / name, built / "tests" / name)
    shutil.copytree(ROOT / "tests/line", built / "tests/line", ignore=shutil.ignore_patterns("*.yaml", "dvc.lock"))
    shell(built, "git add . && git commit -q -m tests")
    return built


def edit(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_renamed_variable_is_recorded_and_a_changed_number_is_refused_by_name(repository, capsys):
    """Both in one workspace, because each comparison starts two processes."""
    train = repository / "stages/line/train.py"
    edit(train, "    model = run.build", "    line = run.build")
    edit(train, "return model, train(model,", "return line, train(line,")
    assert rows_behind() == ["line/fast", "line/slow"]
    assert same_numbers("HEAD", [])
    assert "2 of 2 rows give the same numbers" in capsys.readouterr().out
    assert rows_behind() == []
    shell(repository, "git commit -qam refactored")

    lock = (repository / "stages/line/dvc.lock").read_text()
    edit(train, "seed=seed,", "seed=seed + 1,")
    assert not same_numbers("HEAD", ["line/slow"])
    said = capsys.readouterr().out
    assert "line/slow: other weights, history, scores, outputs: must be trained again" in said
    assert (repository / "stages/line/dvc.lock").read_text() == lock
    assert rows_behind() == ["line/fast", "line/slow"]

    shell(repository, "git commit -qam 'changed without training'")
    with pytest.raises(UserError, match="its lock files do not hold what its code gives for line/fast, line/slow"):
        same_numbers("HEAD", [])
