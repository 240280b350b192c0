"""The rows of results tables: what params.yaml says of each run beside what was measured."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.core.run import PARAMS, load_run
from stages.core.schema import read_yaml
from stages.results.params import Params
from stages.results.tables import Row, read_values

METRICS = Path("metrics")
JUDGED = METRICS / "judged"  # of made images, by run


def read_rows(
    params: Params, runs: Iterable[str]
) -> tuple[dict[str, Row], dict[str, dict[str, dict[str, float]]], dict[str, dict[str, Any]]]:
    """Return, by run, its row, its metrics by seed, and the settings they were measured with.

    Raises:
        UserError: a run's metrics are missing, damaged or not finite.
    """
    content = read_yaml(PARAMS)
    rows, values, settings = {}, {}, {}
    for name in runs:
        entry = params.runs[name]
        arguments = load_run(name, content).args.model_dump()
        values[name], settings[name] = read_values(METRICS / f"{name}.json")
        if name in params.judge:
            scores, by_whom = read_values(JUDGED / f"{name}.json")
            values[name], settings[name] = values[name] | scores, by_whom | settings[name]
            arguments["extractor"] = by_whom["extractor"]
        numbers = {metric: list(seeds.values()) for metric, seeds in values[name].items()}
        parameters = settings[name]["num_parameters"]
        seeds = tuple(next(iter(values[name].values())))
        rows[name] = Row(name, entry.label, arguments, parameters, numbers, entry.document, entry.note, seeds)
    return rows, values, settings
