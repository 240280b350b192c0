"""Evaluate one run: load the model of each seed and score it."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from stages.core.data import PREDICTIONS, Data, load_prepared, read_tensors, write_tensors
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
    family = family_module(run.family, "evaluate")  # SciPy, imported after denormal numbers are zero, warns of it
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    scores, predictions = {}, {}
    with atomic_folder(EVALUATIONS / name) as folder:
        for seed in run.seeds:  # one model in memory at a time
            model, history = load_model(run, seed, data.info)
            predicted = {}
            if hasattr(family, "example_scores"):  # of each example, for other runs to read
                predicted = {"predictions": family.example_scores(model, run, data)}
                predictions |= {f"{part}_{seed}": tensor for part, tensor in predicted["predictions"].items()}
            scores[seed] = family.score(model, run, data, history, **predicted)
            if seed == run.seeds[0]:
                write_tensors(folder / "test.safetensors", family.outputs(model, run, data, **predicted))
                if hasattr(family, "export"):  # the model in a form that other programs read
                    family.export(model, data, folder)
        if predictions:
            write_tensors(folder / PREDICTIONS, predictions)
        write_json(METRICS / f"{name}.json", summarise(scores) | {"settings": _settings(run, data, model)})


def load_model(run: Run, seed: int, info: dict[str, Any]) -> tuple[nn.Module, History]:
    """Return a trained model in evaluation mode, on the run's device, and its history; `info` is the data's.

    Raises:
        UserError: it was not trained, or its file is damaged.
    """
    model = run.build(info)
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
    """Return what gives the numbers their meaning: sizes of data and model, and what their last digits depend on."""
    return {
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        **data.sizes(),
        "fingerprint": fingerprint(run.device),
    }
