"""Rows of tables: the metrics of evaluation and those of a further stage together."""

import json
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.results.project import load_project
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
    rows, values, settings = read_rows(load_project(), ["line/fast"])
    row = rows["line/fast"]
    assert row.values == {"test_loss": [0.5], "largest_residual": [0.5]}
    assert values["line/fast"].keys() == row.values.keys()
    assert row.arguments["count"] == 3 and row.arguments["batch_size"] == 16  # columns of tables
    assert (row.num_parameters, row.label, row.seeds) == (2, "fast", ("1",))
    assert settings["line/fast"] == {"num_parameters": 2, "model_of_seed": 1}


def test_metrics_without_the_size_of_the_model_are_an_error(workspace):
    write_metrics("metrics/line/fast.json", "test_loss")
    with pytest.raises(UserError, match=r"^metrics/line/fast.json: settings lacks num_parameters; .*line/fast"):
        read_rows(load_project(), ["line/fast"])
