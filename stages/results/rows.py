"""The rows of results tables: what the families declare of each run beside what was measured."""

from typing import Any

from stages.core.errors import UserError
from stages.core.run import METRICS
from stages.results.fresh import verification
from stages.results.project import Project
from stages.results.references import Reference, load_references, with_recorded_seeds
from stages.results.statistics import test_share_of
from stages.results.tables import Row, read_values


def read_rows(project: Project, runs: list[str] | None = None) -> tuple[dict[str, Row], dict[str, dict[str, Any]]]:
    """Return, by run, its row and the settings it was measured with; all runs if none named.

    A run's metrics are those of its evaluation, metrics/<family>/<row>.json, and those that further stages of its
    family write to metrics/<family>/<kind>/<row>.json for the rows of the section `kind` of its params.yaml. Where they
    are as recorded, the row has all recorded seeds, of which a rebuild trains some.

    Raises:
        UserError: a run's metrics are missing, damaged or not finite.
    """
    values, settings, arguments = {}, {}, {}
    chosen = list(project.runs) if runs is None else runs
    for name in chosen:
        arguments[name] = project.load_run(name).args.model_dump()
        path = METRICS / f"{name}.json"
        values[name], settings[name] = read_values(path, name)
        family, _, row = name.partition("/")
        for kind, entries in project.families[family].sections.items():
            if row in entries:
                further, with_what = read_values(METRICS / family / kind / f"{row}.json", name)
                values[name] |= further
                settings[name] = with_what | settings[name]
                arguments[name] |= entries[row]
        if "num_parameters" not in settings[name]:
            raise UserError(f"{path}: settings lacks num_parameters; `python -m stages repro {name}` makes it again")
    references = {run: reference for run, reference in load_references().items() if run in chosen}
    fresh = {
        run: {metric: {"seeds": by_seed} for metric, by_seed in values[run].items()} | {"settings": settings[run]}
        for run in chosen
    }
    recorded = with_recorded_seeds(values, references, verification(project, references, fresh, chosen).ways)
    rows = {
        name: Row(
            name=name,
            label=project.texts[name].label,
            arguments=arguments[name],
            num_parameters=settings[name]["num_parameters"],
            values=recorded[name],
            document=project.texts[name].document,
            note=project.texts[name].note,
            test_share=test_share_of(settings[name]),
            seconds_a_seed=_seconds_a_seed(references.get(name), len(project.seeds_of(name))),
        )
        for name in chosen
    }
    return rows, settings


def _seconds_a_seed(reference: Reference | None, num_seeds: int) -> float | None:
    """Return what training a seed took when the reference was recorded."""
    if reference is None or "train" not in reference.seconds:
        return None
    return reference.seconds["train"] / num_seeds
