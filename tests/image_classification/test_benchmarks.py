"""Throughput of training beside the usual loop: torchvision's data set, ToTensor and a DataLoader.

`make bench` shows all in one table; in brackets the ratio to the fastest. Each line trains the MLP with one hidden
layer for one epoch of Fashion-MNIST with batches of 64 and three seeds: as the train stage does it (the row's own
settings, seeds side by side), one seed after another in this process, and by the usual loop, which has no reason to
do without PyTorch's choice of threads.
"""

import multiprocessing
import os
from dataclasses import replace

import pytest
import torch
from torch.utils.data import DataLoader

from stages.core.data import PREPARED, load_data
from stages.core.device import prepare_device
from stages.core.run import Run, load_run
from stages.image_classification.train import fit
from stages.train import fit_seeds
from tests.conftest import ROOT
from tests.image_classification.usual_loop import usual_epoch

RAW, IMAGES = ROOT / "data/raw/fashion_mnist", ROOT / PREPARED / "image_classification/fashion_mnist"

pytestmark = [
    pytest.mark.benchmark(group="one epoch of the MLP, three seeds"),
    pytest.mark.skipif(not (RAW.exists() and IMAGES.exists()), reason="needs prepared Fashion-MNIST"),
]


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The row, for one epoch."""
    monkeypatch.chdir(ROOT)
    run = load_run("image_classification/mlp_256")
    return replace(run, args=run.args.model_copy(update={"num_epochs": 1}), seeds=[1, 2, 3])


def test_train_stage(benchmark, row, monkeypatch):
    monkeypatch.setenv("STAGES_WORKERS", str(2 * len(os.sched_getaffinity(0))))  # as `python -m stages repro` sets it
    prepare_device("cpu")
    data = load_data(IMAGES)
    results = benchmark.pedantic(lambda: list(fit_seeds(row, data)), rounds=3, warmup_rounds=1)
    assert all(history[-1]["train_loss"] < 1.2 for _, history in results)


def test_one_seed_after_another(benchmark, row):
    prepare_device("cpu")
    data = load_data(IMAGES)
    results = benchmark.pedantic(lambda: [fit(row, data, seed) for seed in row.seeds], rounds=3, warmup_rounds=1)
    assert all(history[-1]["train_loss"] < 1.2 for _, history in results)


def test_torchvision_and_dataloader(benchmark, row, tmp_path):
    from torchvision.datasets import FashionMNIST  # two seconds, which other tests need not wait
    from torchvision.transforms import ToTensor

    threads = torch.get_num_threads()
    torch.set_num_threads(multiprocessing.cpu_count())
    (tmp_path / "FashionMNIST").mkdir()
    (tmp_path / "FashionMNIST/raw").symlink_to(RAW)
    images = FashionMNIST(tmp_path, transform=ToTensor())
    loader = DataLoader(images, batch_size=row.args.batch_size, shuffle=True)

    def train_all() -> list[float]:
        models = [row.build({}) for _ in row.seeds]
        optimizers = [torch.optim.SGD(model.parameters(), row.args.learning_rate) for model in models]
        return [usual_epoch(*pair, loader) for pair in zip(models, optimizers, strict=True)]

    losses = benchmark.pedantic(train_all, rounds=2)
    torch.set_num_threads(threads)
    assert all(loss < 1.2 for loss in losses)
