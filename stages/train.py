"""Train one run: a model for each of its seeds, on one core unless whoever starts the stage has more idle."""

import csv
import io
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean

import safetensors.torch
import torch

from stages.core.data import Data, load_prepared
from stages.core.device import prepare_device
from stages.core.family import family_module
from stages.core.files import atomic_folder, write_json, write_text
from stages.core.processes import die_with_parent
from stages.core.run import MODELS, Run, load_run
from stages.core.training import History

CURVES = Path("reports/curves")


def train(name: str) -> None:
    """Write data/models/<name> (<seed>.safetensors and <seed>.json, its history, a seed) and reports/curves/<name>.csv.

    `name` is a full name, `family/row`.

    Raises:
        UserError: a parameter or the data are wrong, training diverged, or the disk is full.
    """
    run = load_run(name)
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    histories = []
    with atomic_folder(MODELS / name) as folder:
        for seed, (weights, history) in zip(run.seeds, fit_seeds(run, data), strict=True):
            (folder / f"{seed}.safetensors").write_bytes(weights)
            write_json(folder / f"{seed}.json", history)
            histories.append(history)
        write_text(CURVES / f"{name}.csv", _curves(histories))


def fit_seeds(run: Run, data: Data) -> Iterator[tuple[bytes, History]]:
    """Yield weights and history in the order of the seeds; the numbers do not depend on how many run at once."""
    # One by default: what runs stages side by side (`python -m stages repro`, DVC's queue) uses the other cores.
    workers = min(len(run.seeds), int(os.environ.get("STAGES_WORKERS", 1)))
    if workers <= 1 or run.device != "cpu":  # CUDA does not survive a fork, and the seeds would share one device
        for seed in run.seeds:
            yield fit_seed(run, data, seed)
        return
    import torch._dynamo  # noqa: F401  what every torch.optim.Optimizer imports: once here and not in each worker

    # Forked workers see the tensors of `data` without a copy.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(run, data)) as pool:
        yield from pool.map(_fit_in_worker, run.seeds)


def fit_seed(run: Run, data: Data, seed: int) -> tuple[bytes, History]:
    """Return the weights, as a safetensors file, and the history of one model."""
    torch.manual_seed(seed)
    model, history = family_module(run.family, "train").fit(run, data, seed)
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    return safetensors.torch.save(weights), history  # without metadata, which it would write in random order


_work: list[tuple[Run, Data]] = []  # of this process, if it is a worker


def _start_worker(run: Run, data: Data) -> None:
    """Prepare torch, and let the kernel kill this worker when the stage is killed (Linux only): no orphans."""
    prepare_device(run.device)
    die_with_parent()
    _work.append((run, data))


def _fit_in_worker(seed: int) -> tuple[bytes, History]:
    return fit_seed(*_work[0], seed)


def _curves(histories: list[History]) -> str:
    """Return the learning curves as CSV: one line an epoch, each quantity's mean over the seeds."""
    text = io.StringIO()
    writer = csv.DictWriter(text, histories[0][0].keys(), lineterminator="\n")
    writer.writeheader()
    for records in zip(*histories, strict=True):
        means = {key: mean(record[key] for record in records) for key in records[0] if key != "epoch"}
        writer.writerow({"epoch": records[0]["epoch"]} | {key: f"{value:.6g}" for key, value in means.items()})
    return text.getvalue()
