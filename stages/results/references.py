"""What a rebuild is compared with: metrics/references/<run>.json, renewed by `python -m stages verify --update` only.

A reference may hold more seeds than params.yaml trains: they tell how far chance moves a metric.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.schema import Strict, validate

REFERENCES = Path("metrics/references")
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Reference(Strict):
    """What was measured of one run.

    Attributes:
        settings: what gives the numbers their meaning, and the fingerprint of the machine they were computed on.
        seconds: how long the run's stages took there, by the first part of their names, if that is known.
        metrics: of each metric, one number a seed.
    """

    settings: dict[str, Any]
    seconds: dict[str, Annotated[Finite, Field(ge=0)]] = {}
    metrics: dict[str, Annotated[dict[str, Finite], Field(min_length=1)]] = Field(min_length=1)


def load_references() -> dict[str, Reference]:
    """Return all references by run.

    Raises:
        UserError: a file is damaged.
    """
    return {path.stem: _load(path) for path in sorted(REFERENCES.glob("*.json"))}


def recorded_seconds() -> dict[str, float]:
    """Return how long stages took when their runs' references were recorded, by stage."""
    references = load_references().items()
    return {f"{step}@{run}": took for run, reference in references for step, took in reference.seconds.items()}


def with_recorded_seeds(
    values: Mapping[str, Mapping[str, Mapping[str, float]]], references: Mapping[str, Reference]
) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """Add to `values[run][metric][seed]` the seeds that only the references have, where the others are as recorded."""
    return {
        run: references[run].metrics if run in references and _as_recorded(metrics, references[run]) else metrics
        for run, metrics in values.items()
    }


def _as_recorded(metrics: Mapping[str, Mapping[str, float]], reference: Reference) -> bool:
    return metrics.keys() == reference.metrics.keys() and all(
        seed in reference.metrics[metric] and math.isclose(value, reference.metrics[metric][seed], rel_tol=1e-6)
        for metric, seeds in metrics.items()
        for seed, value in seeds.items()
    )


def _load(path: Path) -> Reference:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}; `git checkout {path}` brings it back") from error
    return validate(Reference, content, f"{path}:")


def save_reference(run: str, reference: Reference) -> None:
    """Write the reference of one run, all or nothing."""
    write_json(REFERENCES / f"{run}.json", reference.model_dump())
