"""Rows of tables: metrics of evaluate and of judge together."""

import json
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.results.params import load_params
from stages.results.rows import read_rows
from tests.conftest import write_params
from tests.results.test_params import generators


def write_metrics(path: str, metric: str, **settings) -> None:
    summary = {metric: {"mean": 0.5, "sd": None, "seeds": {"1": 0.5}}, "settings": {"num_parameters": 0} | settings}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(summary))


def test_a_judged_run_has_both_metrics_and_names_its_judge(workspace, params):
    write_params(workspace, generators(params))
    write_metrics("metrics/noise.json", "nearest_ratio")
    with pytest.raises(
        UserError, match=r"metrics/judged/noise.json: no metrics of run 'noise'; `dvc repro judge@noise`"
    ):
        read_rows(load_params(), ["noise"])
    write_metrics("metrics/judged/noise.json", "frechet_distance", extractor="seer")
    rows, values, settings = read_rows(load_params(), ["noise"])
    assert rows["noise"].values == {"nearest_ratio": [0.5], "frechet_distance": [0.5]}
    assert set(values["noise"]) == set(rows["noise"].values)
    assert settings["noise"]["extractor"] == rows["noise"].arguments["extractor"] == "seer"  # a column of tables
