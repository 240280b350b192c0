"""Images a second that DCGAN trains on, as a ratio to the usual loop in the same run.

`make bench` runs them. The peer is the loop of PyTorch's own tutorial: a DataLoader, float32, channels first, and a
discriminator whose weights get gradients from the generator's step too.
"""

import time

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from stages.core.data import Data, Split
from stages.core.device import prepare_device
from stages.image_generation import dcgan

COUNT, BATCH = 128 * 20, 128
ARGS = {"num_latents": 64, "num_channels": 32, "num_epochs": 1, "batch_size": BATCH, "learning_rate": 2e-4}


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    prepare_device("cpu")
    return torch.randint(256, (COUNT, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def usual_epoch(networks: nn.Module, images: torch.Tensor) -> None:
    """Train on all images once, as PyTorch's tutorial does."""
    generator, discriminator = networks.generator.train(), networks.discriminator.train()
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (generator, discriminator)]
    for (real,) in DataLoader(TensorDataset(images.float() / 127.5 - 1), BATCH, shuffle=True, drop_last=True):
        ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
        discriminator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(real), ones).backward()
        made = generator(torch.randn(BATCH, ARGS["num_latents"]))
        binary_cross_entropy_with_logits(discriminator(made.detach()), zeros).backward()
        optimizers[1].step()
        generator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(made), ones).backward()
        optimizers[0].step()


@pytest.fixture(scope="module")
def peer_seconds(images) -> float:
    networks = dcgan.build(dcgan.Args(**ARGS), {})
    networks.to(memory_format=torch.contiguous_format)
    usual_epoch(networks, images[: 2 * BATCH])
    start = time.perf_counter()
    usual_epoch(networks, images)
    return time.perf_counter() - start


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_images_a_second(benchmark, precision, images, peer_seconds):
    args = dcgan.Args(**ARGS, precision=precision, average_decay=0.999)
    data = Data(Split(images, images[:, 0, 0, 0]), None, Split(images[:1], images[:1, 0, 0, 0]), {})
    networks = dcgan.build(args, {})
    benchmark.pedantic(dcgan.train, (networks, data, args, 1, "benchmark"), rounds=3, warmup_rounds=1)
    seconds = benchmark.stats.stats.mean
    benchmark.extra_info |= {
        "images a second": COUNT / seconds,
        "times as fast as the usual loop": peer_seconds / seconds,
    }
    print(f"{precision}: {COUNT / seconds:,.0f} images a second, {peer_seconds / seconds:.2f} times the usual loop")
    assert torch.isfinite(next(networks.generator.parameters())).all()
