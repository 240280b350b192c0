"""Evaluate one run: load the model of each seed and score it."""

from torch import Tensor, nn

from stages.core.data import PREDICTIONS, Data, load_prepared, write_tensors
from stages.core.device import fingerprint, prepare_device
from stages.core.family import family_module
from stages.core.files import atomic_folder, write_json
from stages.core.metrics import summarise
from stages.core.run import EVALUATIONS, METRICS, Run, load_run
from stages.core.trained import load_model
from stages.core.training import History


def evaluate(name: str) -> None:
    """Write metrics/<name>.json, and data/evaluations/<name> with what figures need of the first seed.

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
            scores[seed], predicted = measure(run, model, data, history)
            for found in predicted.values():
                predictions |= {f"{part}_{seed}": tensor for part, tensor in found.items()}
            if seed == run.seeds[0]:  # another seed may draw other texts, whose terms give a model of another size
                meaning = settings(run, data, model)
                write_tensors(folder / "test.safetensors", family.outputs(model, run, data, **predicted))
                family.export(model, data, folder)
        if predictions:
            write_tensors(folder / PREDICTIONS, predictions)
        write_json(METRICS / f"{name}.json", summarise(scores) | {"settings": meaning})


def measure(
    run: Run, model: nn.Module, data: Data, history: History
) -> tuple[dict[str, float], dict[str, dict[str, Tensor]]]:
    """Return the metrics of one trained model, and `predictions` of each example where the family has such."""
    family = family_module(run.family, "evaluate")
    predicted = {}
    if family.example_scores is not None:
        predicted = {"predictions": family.example_scores(model, run, data)}
    return family.score(model, run, data, history, **predicted), predicted


def settings(run: Run, data: Data, model: nn.Module) -> dict[str, object]:
    """Return what gives the numbers their meaning: sizes of data and model, and what their last digits depend on."""
    return {
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        **data.sizes(),
        "fingerprint": fingerprint(run.device),
    }
