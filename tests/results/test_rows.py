"""Rows of tables: the metrics of evaluation and those of a further stage together."""

import json
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.results.project import load_project
from stages.results.references import Reference, save_reference
from stages.results.rows import read_rows
from tests.conftest import LINE, edited


def write_metrics(path: str, metric: str, **settings: object) -> None:
    summary = {metric: {"mean": 0.5, "sd": None, "seeds": {"1": 0.5}}, "settings": settings}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(summary))


@pytest.fixture
def looked_at(workspace):
    """The tiny family, in which a further stage looks at the residuals of the row `fast`."""
    with edited(LINE / "params.yaml") as params:
        params["residuals"]["fast"] = {"data": "points", "count": 3}


def test_a_row_has_the_metrics_of_all_its_stages(looked_at):
    write_metrics("metrics/line/fast.json", "test_loss", num_parameters=2)
    missing = r"^metrics/line/residuals/fast.json: no such file; `python -m stages repro line/fast` makes it again$"
    with pytest.raises(UserError, match=missing):
        read_rows(load_project(), ["line/fast"])
    write_metrics("metrics/line/residuals/fast.json", "largest_residual", model_of_seed=1)
    rows, settings = read_rows(load_project(), ["line/fast"])
    row = rows["line/fast"]
    assert row.values == {"test_loss": {"1": 0.5}, "largest_residual": {"1": 0.5}}
    assert row.arguments["count"] == 3 and row.arguments["batch_size"] == 16  # columns of tables
    assert (row.num_parameters, row.label, row.test_share) == (2, "fast", None)
    assert settings["line/fast"] == {"num_parameters": 2, "model_of_seed": 1}


def test_metrics_without_the_size_of_the_model_are_an_error(workspace):
    write_metrics("metrics/line/fast.json", "test_loss")
    with pytest.raises(UserError, match=r"^metrics/line/fast.json: settings lacks num_parameters; .*line/fast"):
        read_rows(load_project(), ["line/fast"])


def test_a_row_has_all_recorded_seeds_while_the_rebuild_verifies(workspace):
    settings = {"num_parameters": 2}
    with edited(LINE / "params.yaml") as params:
        params["runs"]["fast"]["seeds"] = 1
    write_metrics("metrics/line/fast.json", "test_loss", **settings)
    recorded = {"1": 0.5, "2": 0.7}
    save_reference("line/fast", Reference(settings=settings, metrics={"test_loss": recorded}))
    assert read_rows(load_project(), ["line/fast"])[0]["line/fast"].values == {"test_loss": recorded}
    save_reference("line/fast", Reference(settings=settings, metrics={"test_loss": {"1": 0.6, "2": 0.7}}))
    assert read_rows(load_project(), ["line/fast"])[0]["line/fast"].values == {"test_loss": {"1": 0.5}}
