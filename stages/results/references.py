"""What a rebuild is compared with: metrics/references/<family>/<row>.json, renewed only by `stages verify --update`.

A reference may hold more seeds than params.yaml trains: they tell how far chance moves a metric.
"""

import json
from collections.abc import Collection, Mapping
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
    """Return all references by run, `family/row`.

    Raises:
        UserError: a file is damaged.
    """
    return {f"{path.parent.name}/{path.stem}": _load(path) for path in sorted(REFERENCES.glob("*/*.json"))}


def recorded_seconds() -> dict[str, float]:
    """Return how long stages took when their runs' references were recorded, by the address of the stage."""
    seconds = {}
    for run, reference in load_references().items():
        family, row = run.split("/")
        seconds |= {f"stages/{family}/dvc.yaml:{step}@{row}": took for step, took in reference.seconds.items()}
    return seconds


def with_recorded_seeds(
    values: Mapping[str, Mapping[str, Mapping[str, float]]],
    references: Mapping[str, Reference],
    verified: Mapping[str, Collection[str]],
) -> dict[str, Mapping[str, Mapping[str, float]]]:
    """Replace `values[run][metric][seed]` by the recorded seeds wherever the rebuild verified that these still hold.

    What cannot be compared between machines stays as the rebuild measured it. A number or verdict then rests on all
    recorded seeds, and is the same on every machine whose rebuild verifies: nearly equal numbers of another processor,
    or the few seeds that a rebuild trains, do not change it.

    Args:
        values: of the rebuild.
        references: by run.
        verified: by run of the rebuild that was found to be as recorded, its metrics that were, in whichever way
            (`stages.results.verification.Verification.ways`).
    """
    return {
        run: {
            metric: references[run].metrics[metric] if metric in verified.get(run, ()) else by_seed
            for metric, by_seed in metrics.items()
        }
        for run, metrics in values.items()
    }


def _load(path: Path) -> Reference:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}; `git checkout {path}` brings it back") from error
    return validate(Reference, content, f"{path}:")


def save_reference(run: str, reference: Reference) -> None:
    """Write the reference of one run, all or nothing."""
    write_json(REFERENCES / f"{run}.json", reference.model_dump())
