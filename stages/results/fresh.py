"""The metrics of a rebuild: as their files hold them, and how they compare with the references."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from stages.core.errors import UserError
from stages.core.run import METRICS
from stages.core.schema import validate
from stages.results.project import Project
from stages.results.references import Reference
from stages.results.verification import Verification, load_family_metrics, verify_runs


def verification(
    project: Project,
    references: Mapping[str, Reference],
    fresh: Mapping[str, Mapping[str, Any]],
    runs: Collection[str] | None = None,
) -> Verification:
    """Return how `runs` (all if None) compare with their references."""
    expected = {run: project.seeds_of(run) for run in (project.runs if runs is None else runs)}
    metrics = {family: load_family_metrics(family) for family in project.families}
    return verify_runs(references, fresh, expected, metrics)


def read_metrics(project: Project) -> dict[str, dict[str, Any]]:
    """Return the metrics of each run, those of its evaluation and of further stages of its family together.

    Raises:
        UserError: a file is damaged.
    """
    contents: dict[str, dict[str, Any]] = {}
    for family in project.families:
        folder = METRICS / family
        for path in sorted([*folder.glob("*.json"), *folder.glob("*/*.json")]):
            try:
                metrics = validate(dict[str, dict[str, Any]], json.loads(path.read_text(encoding="utf-8")), f"{path}:")
                if not all(isinstance(entry.get("seeds"), dict) for key, entry in metrics.items() if key != "settings"):
                    raise ValueError("a metric has no numbers by seed")
            except ValueError as error:
                raise UserError(f"{path}: not a metrics file: {error}") from error
            known = contents.get(f"{family}/{path.stem}", {"settings": {}})
            settings = known["settings"] | metrics.get("settings", {})
            contents[f"{family}/{path.stem}"] = known | metrics | {"settings": settings}
    return contents
