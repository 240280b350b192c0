"""Train seeds of a run anew, in memory: to compare them with the run's reference, or to add them to it."""

import sys
from typing import Any

import torch

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.metrics import summarise
from stages.core.run import Run, load_run
from stages.evaluate import measure, settings
from stages.results.references import Reference, load_references, save_reference
from stages.results.verification import Verification, load_family_metrics, verify_runs


def retrain(name: str) -> Verification:
    """Return how the first seed of a run, trained now, compares with what is recorded; nothing is written.

    Metrics that a further stage writes, such as those that another run's model gives, are not compared.

    Raises:
        UserError: there is no such run or no reference of it, its data are missing, or training diverged.
    """
    run, reference = load_run(name), _reference(name)
    data = _prepare(run)
    seed = run.seeds[0]
    scores, found = _train(run, data, seed)
    fresh: dict[str, Any] = summarise({seed: scores}) | {"settings": found}
    recorded = {metric: values for metric, values in reference.metrics.items() if metric in scores}
    expected = {key: reference.settings.get(key) for key in found}
    reference = reference.model_copy(update={"metrics": recorded, "settings": expected})
    metrics = load_family_metrics(run.family)
    return verify_runs({name: reference}, {name: fresh}, {name: [seed]}, {run.family: metrics})


def record(name: str, num_seeds: int) -> None:
    """Train the seeds from 1 to `num_seeds` that a run's reference lacks, and add them to it.

    They tell how far chance moves the run's metrics, and tables and claims rest on them, while a rebuild trains no more
    seeds than before.

    Raises:
        UserError: there is no such run or no reference of it, it was recorded on another machine or has metrics of a
            further stage, its data are missing, or training diverged.
    """
    run, reference = load_run(name), _reference(name)
    data = _prepare(run)
    metrics = {metric: dict(values) for metric, values in reference.metrics.items()}
    known = next(iter(metrics.values()))
    for seed in (seed for seed in range(1, num_seeds + 1) if str(seed) not in known):
        scores, found = _train(run, data, seed)
        found["num_parameters"] = reference.settings.get("num_parameters")  # of the first seed
        if found != reference.settings or scores.keys() != metrics.keys():
            raise UserError(
                f"metrics/references/{name}.json: is of other settings, another machine or a further stage; "
                f"`python -m stages verify --update` renews it"
            )
        for metric, value in scores.items():
            metrics[metric][str(seed)] = value
        save_reference(name, reference.model_copy(update={"metrics": metrics}))
        print(f"{name}: seed {seed} is recorded", file=sys.stderr)


def _reference(name: str) -> Reference:
    references = load_references()
    if name not in references:
        raise UserError(f"metrics/references/{name}.json: no such file; `python -m stages verify --update` records one")
    return references[name]


def _prepare(run: Run) -> Any:
    """Return the data of a run, the device being ready."""
    family_module(run.family, "evaluate")  # SciPy, imported after denormal numbers are zero, warns of it
    prepare_device(run.device)
    return load_prepared(run.family, run.data, run.device)


def _train(run: Run, data: Any, seed: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the metrics of a seed, trained now, and their settings."""
    torch.manual_seed(seed)
    model, history = family_module(run.family, "train").fit(run, data, seed)
    scores, _ = measure(run, model, data, history)
    return scores, settings(run, data, model)
