"""The rows of results tables: what the families declare of each run beside what was measured."""

from typing import Any

from stages.core.errors import UserError
from stages.core.run import METRICS
from stages.results.project import Project
from stages.results.tables import Row, read_values


def read_rows(
    project: Project, runs: list[str] | None = None
) -> tuple[dict[str, Row], dict[str, dict[str, dict[str, float]]], dict[str, dict[str, Any]]]:
    """Return, by run, its row, its metrics by seed, and the settings they were measured with; all runs if none named.

    A run's metrics are those of its evaluation, metrics/<family>/<row>.json, and those that further stages of its
    family write to metrics/<family>/<kind>/<row>.json for the rows of the section `kind` of its params.yaml.

    Raises:
        UserError: a run's metrics are missing, damaged or not finite.
    """
    rows, values, settings = {}, {}, {}
    for name in project.runs if runs is None else runs:
        text, arguments = project.texts[name], project.load_run(name).args.model_dump()
        path = METRICS / f"{name}.json"
        values[name], settings[name] = read_values(path, name)
        family, _, row = name.partition("/")
        for kind, entries in project.families[family].sections.items():
            if row in entries:
                further, with_what = read_values(METRICS / family / kind / f"{row}.json", name)
                values[name] |= further
                settings[name] = with_what | settings[name]
                arguments |= entries[row]
        numbers = {metric: list(seeds.values()) for metric, seeds in values[name].items()}
        seeds = tuple(next(iter(values[name].values())))
        if (parameters := settings[name].get("num_parameters")) is None:
            raise UserError(f"{path}: settings lacks num_parameters; `python -m stages repro {name}` makes it again")
        rows[name] = Row(name, text.label, arguments, parameters, numbers, text.document, text.note, seeds)
    return rows, values, settings
