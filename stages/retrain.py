"""Train one seed of a run anew, in memory, and compare it with its reference; nothing is written."""

from typing import Any

import torch

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.metrics import summarise
from stages.core.run import family_file, load_run
from stages.evaluate import measure, settings
from stages.results.references import load_references
from stages.results.verification import Verification, load_family_metrics, verify_runs


def retrain(name: str) -> Verification:
    """Return how the first seed of a run, trained now, compares with what is recorded.

    Metrics that a further stage writes, such as those that another run's model gives, are not compared.

    Raises:
        UserError: there is no such run or no reference of it, its data are missing, or training diverged.
    """
    run, references = load_run(name), load_references()
    if name not in references:
        raise UserError(f"metrics/references/{name}.json: no such file; `python -m stages verify --update` records one")
    family_module(run.family, "evaluate")  # SciPy, imported after denormal numbers are zero, warns of it
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    seed = run.seeds[0]
    torch.manual_seed(seed)
    model, history = family_module(run.family, "train").fit(run, data, seed)
    scores, _ = measure(run, model, data, history)
    fresh: dict[str, Any] = summarise({seed: scores}) | {"settings": settings(run, data, model)}
    reference = references[name]
    recorded = {metric: values for metric, values in reference.metrics.items() if metric in scores}
    expected = {key: reference.settings.get(key) for key in fresh["settings"]}
    reference = reference.model_copy(update={"metrics": recorded, "settings": expected})
    metrics = load_family_metrics(family_file(run.family, "metrics.yaml"))
    return verify_runs({name: reference}, {name: fresh}, {name: [seed]}, {run.family: metrics})
