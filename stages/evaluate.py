"""Evaluate one run: load the model of each seed and score it."""

import json
from pathlib import Path

from torch import nn

from stages.core.data import PREPARED, Data, load_data, read_tensors, write_tensors
from stages.core.device import fingerprint, prepare_device
from stages.core.errors import UserError
from stages.core.files import atomic_folder, write_json
from stages.core.run import MODELS, Run, family_module, load_run
from stages.core.training import History
from stages.results.metrics import summarise

METRICS = Path("metrics")
EVALUATIONS = Path("data/evaluations")


def evaluate(name: str) -> None:
    """Write metrics/<name>.json, and data/evaluations/<name> with what the report's figures need of the first seed.

    Raises:
        UserError: a parameter, the data or a model is wrong, or a metric is not finite.
    """
    run = load_run(name)
    prepare_device(run.device)
    data = load_data(PREPARED / run.data, run.device)
    family = family_module(run.family, "evaluate")
    models = {seed: _load_model(run, seed) for seed in run.seeds}
    scores = {seed: family.score(model, run, data, history) for seed, (model, history) in models.items()}

    first, _ = models[run.seeds[0]]
    with atomic_folder(EVALUATIONS / name) as folder:
        write_tensors(folder / "test.safetensors", family.outputs(first, run, data))
        write_json(METRICS / f"{name}.json", summarise(scores) | {"settings": _settings(run, data, first)})


def _load_model(run: Run, seed: int) -> tuple[nn.Module, History]:
    model = run.build()
    path = MODELS / run.name / f"{seed}.safetensors"
    weights = read_tensors(path)
    try:
        model.load_state_dict(weights)
        history = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (RuntimeError, OSError, ValueError) as error:
        message = f"{path} does not fit model '{run.model}' or its history is missing; `dvc repro` makes it again"
        raise UserError(message) from error
    return model.to(run.device).eval(), history


def _settings(run: Run, data: Data, model: nn.Module) -> dict[str, object]:
    """Return what gives the numbers their meaning: sizes of splits and model, and what their last digits depend on."""
    validation = 0 if data.validation is None else len(data.validation.inputs)
    return {
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "num_train": len(data.train.inputs),
        "num_validation": validation,
        "num_test": len(data.test.inputs),
        "fingerprint": fingerprint(run.device),
    }
