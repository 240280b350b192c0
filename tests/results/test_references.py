"""References come back as they were saved; a damaged one is refused in one line."""

import json

import pytest

from stages.core.errors import UserError
from stages.results.references import (
    REFERENCES,
    Reference,
    load_references,
    recorded_seconds,
    save_reference,
    with_recorded_seeds,
)

REFERENCE = Reference(settings={"fingerprint": {}}, seconds={"train": 61.5}, metrics={"test_loss": {"1": 0.5}})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / REFERENCES


def test_a_reference_comes_back_as_it_was_saved():
    assert load_references() == {}
    save_reference("mlp", REFERENCE)
    assert load_references() == {"mlp": REFERENCE}
    assert recorded_seconds() == {"train@mlp": 61.5}


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": {"train": -1.0}},
        {"seconds": {"train": float("nan")}},
        {"metrics": {}},
        {"metrics": {"test_loss": {"1": float("nan")}}},
        {"extra": 1},
    ],
)
def test_a_wrong_reference_is_refused(folder, change):
    folder.mkdir(parents=True)
    (folder / "mlp.json").write_text(json.dumps(REFERENCE.model_dump() | change))
    with pytest.raises(UserError, match="metrics/references/mlp.json: ") as caught:
        load_references()
    assert "\n" not in str(caught.value)


def test_a_cut_reference_is_refused_with_the_remedy(folder):
    folder.mkdir(parents=True)
    (folder / "mlp.json").write_text('{"settings": {')
    with pytest.raises(UserError, match="not JSON.*git checkout"):
        load_references()


@pytest.mark.parametrize(
    ("fresh", "seeds"),
    [
        ({"1": 0.5}, ["1", "2"]),  # as recorded: the other seed counts too
        ({"1": 0.5000001}, ["1", "2"]),
        ({"1": 0.51}, ["1"]),  # other parameters, or another machine
        ({"1": 0.5, "3": 0.5}, ["1", "3"]),
    ],
)
def test_recorded_seeds_are_added_to_those_that_came_out_as_recorded(fresh, seeds):
    reference = REFERENCE.model_copy(update={"metrics": {"test_loss": {"1": 0.5, "2": 0.4}}})
    values = with_recorded_seeds({"mlp": {"test_loss": fresh}, "new": {}}, {"mlp": reference})
    assert list(values["mlp"]["test_loss"]) == seeds
    assert values["new"] == {}
