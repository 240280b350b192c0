"""References come back as they were saved; a damaged one is refused in one line; verified runs rest on them."""

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
    return tmp_path / REFERENCES / "shapes"


def test_a_reference_comes_back_as_it_was_saved():
    assert load_references() == {}
    save_reference("shapes/circle", REFERENCE)
    save_reference("words/circle", REFERENCE)
    assert load_references() == {"shapes/circle": REFERENCE, "words/circle": REFERENCE}


def test_recorded_seconds_go_by_the_address_of_the_stage():
    save_reference("shapes/circle", REFERENCE)
    assert recorded_seconds() == {"stages/shapes/dvc.yaml:train@circle": 61.5}


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
    (folder / "circle.json").write_text(json.dumps(REFERENCE.model_dump() | change))
    with pytest.raises(UserError, match="metrics/references/shapes/circle.json: ") as caught:
        load_references()
    assert "\n" not in str(caught.value)


def test_a_cut_reference_is_refused_with_the_remedy(folder):
    folder.mkdir(parents=True)
    (folder / "circle.json").write_text('{"settings": {')
    with pytest.raises(UserError, match="not JSON.*git checkout"):
        load_references()


def test_what_verified_rests_on_all_recorded_seeds_and_the_rest_on_its_own():
    recorded = {"test_loss": {"1": 0.5, "2": 0.4}, "precision": {"1": 0.7, "2": 0.8}}
    reference = REFERENCE.model_copy(update={"metrics": recorded})
    fresh = {"test_loss": {"1": 0.51}, "precision": {"1": 0.1}}
    values = dict.fromkeys(("shapes/circle", "shapes/square", "shapes/new"), fresh)
    known = {"shapes/circle": reference, "shapes/square": reference}
    combined = with_recorded_seeds(values, known, verified={"shapes/circle": ["test_loss"]})
    # precision was not compared between machines
    assert combined["shapes/circle"] == {"test_loss": recorded["test_loss"], "precision": fresh["precision"]}
    assert combined["shapes/square"] == combined["shapes/new"] == fresh
