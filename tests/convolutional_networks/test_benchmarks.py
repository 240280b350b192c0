"""Images a second in training beside the usual loop: float32, a DataLoader, transforms image by image.

`make bench` shows both in one table; in brackets the ratio to the fastest. Each trains the row `resnet` for an epoch of
SUBSET images with flips and crops, on one thread: as the train stage does it (bfloat16 where the processor has it,
channels-last order, whole batches augmented), and as tutorials do.
"""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from stages.core.data import PREPARED, Data, Split, load_data
from stages.core.device import prepare_device
from stages.core.run import Run, load_run
from stages.image_classification.train import fit
from tests.conftest import ROOT
from tests.image_classification.usual_loop import usual_epoch

IMAGES = ROOT / PREPARED / "image_classification/fashion_mnist_holdout"
SUBSET = 6400

pytestmark = [
    pytest.mark.benchmark(group=f"{SUBSET} images through the residual network, with flips and crops"),
    pytest.mark.skipif(not IMAGES.exists(), reason="needs prepared Fashion-MNIST"),
]


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The row, for one epoch with augmentation."""
    monkeypatch.chdir(ROOT)
    run = load_run("convolutional_networks/resnet")
    changes = {"num_epochs": 1, "warmup_epochs": 0, "schedule": "constant", "augmentation": ["flip", "crop"]}
    return replace(run, args=run.args.model_copy(update=changes))


@pytest.fixture
def data() -> Data:
    """The first images, and none to validate on."""
    prepare_device("cpu")
    whole = load_data(IMAGES)
    return Data(Split(*(part[:SUBSET] for part in whole.train)), None, whole.test, whole.info)


def test_train_stage(benchmark, row, data):
    _, history = benchmark.pedantic(lambda: fit(row, data, 1), rounds=3, warmup_rounds=1)
    assert history[-1]["train_loss"] < 1.5


def test_usual_loop(benchmark, row, data):
    model = row.build(data.info)
    network = nn.Sequential(model.maps, model.output).to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.AdamW(network.parameters(), row.args.learning_rate, weight_decay=row.args.weight_decay)
    loader = DataLoader(_Images(data), batch_size=row.args.batch_size, shuffle=True)
    assert benchmark.pedantic(lambda: usual_epoch(network, optimizer, loader), rounds=2) < 1.5


class _Images(Dataset):
    def __init__(self, data: Data) -> None:
        from torchvision.transforms import v2  # a second, which other tests need not wait

        self.images, self.targets = data.train.inputs, data.train.targets
        scale = v2.Normalize([data.info["pixel_mean"]], [data.info["pixel_sd"]])
        steps = [v2.RandomHorizontalFlip(), v2.RandomCrop(28, padding=2), v2.ToDtype(torch.float32, scale=True), scale]
        self.transform = v2.Compose(steps)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        return self.transform(self.images[index]), self.targets[index]
