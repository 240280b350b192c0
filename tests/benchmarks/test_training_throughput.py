"""Throughput of the training loop beside the usual one: torchvision's data set, ToTensor and a DataLoader.

`make bench` shows both in one table; the peer's line carries the ratio of the mean times in brackets. Both train
the same network with the same batch size on the same 20,000 Fashion-MNIST images, one epoch, one thread.
"""

import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Subset
from torchvision.datasets import FashionMNIST
from torchvision.transforms import ToTensor

from stages.core.data import Split, load_data
from stages.core.device import prepare_device
from stages.core.training import train
from stages.image_classification.mlp import Args, build
from stages.image_classification.train import scale_pixels
from tests.conftest import ROOT

NUM_IMAGES = 20_000
ARGS = Args(num_epochs=1, batch_size=64, learning_rate=0.01, layer_sizes=[784, 256, 10])
RAW, PREPARED = ROOT / "data/raw/fashion_mnist", ROOT / "data/prepared/fashion_mnist"

pytestmark = [
    pytest.mark.benchmark(group="one epoch of the MLP"),
    pytest.mark.skipif(not (RAW.exists() and PREPARED.exists()), reason="needs `dvc repro prepare@fashion_mnist`"),
]


def test_ours(benchmark):
    prepare_device("cpu")
    data = load_data(PREPARED)
    data = scale_pixels(Split(data.train.inputs[:NUM_IMAGES], data.train.targets[:NUM_IMAGES]), data.info, ARGS)
    model = build(ARGS)
    history = benchmark.pedantic(
        train, (model, functional.cross_entropy, data, ARGS), {"seed": 0}, rounds=3, warmup_rounds=1
    )
    assert history[-1]["train_loss"] < 2.3


def test_torchvision_and_dataloader(benchmark, tmp_path):
    prepare_device("cpu")
    (tmp_path / "FashionMNIST").mkdir()
    (tmp_path / "FashionMNIST/raw").symlink_to(RAW)
    images = Subset(FashionMNIST(tmp_path, transform=ToTensor()), range(NUM_IMAGES))
    loader = DataLoader(images, batch_size=ARGS.batch_size, shuffle=True)
    model = build(ARGS)
    optimizer = torch.optim.SGD(model.parameters(), ARGS.learning_rate)

    def epoch() -> float:
        total = 0.0
        for inputs, targets in loader:
            loss = functional.cross_entropy(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(targets)
        return total / NUM_IMAGES

    assert benchmark.pedantic(epoch, rounds=3, warmup_rounds=1) < 2.3
