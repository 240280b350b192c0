"""Images a second that the row r1_gan trains on, as a ratio to the usual loop in the same run.

`make bench` runs them. The peer has the row's networks and batches in the loop of PyTorch's own tutorial: a DataLoader,
float32, channels first, and a discriminator whose weights get gradients from the generator's step too. It has neither
the row's gradient penalty nor its EMA.
"""

import time

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, TensorDataset

from stages.core.data import Data, Split
from stages.core.device import prepare_device, product_dtype
from stages.core.run import load_run
from stages.image_generation import r1_gan
from stages.image_generation.train import QUARTER, ToFeatureMaps, ToVectors
from tests.conftest import ROOT

NUM_BATCHES = 40


@pytest.fixture(scope="module")
def args() -> r1_gan.Args:
    """Those of the row, for one epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        own = load_run("image_generation/r1_gan").args
    return own.model_copy(update={"num_epochs": 1})


@pytest.fixture(scope="module")
def images(args) -> torch.Tensor:
    prepare_device("cpu")
    shape = (NUM_BATCHES * args.batch_size, 1, 28, 28)
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def usual_networks(args: r1_gan.Args) -> nn.Module:
    """Return the row's networks, channels first, with torch's own layers between feature maps and vectors."""
    networks = r1_gan.build(args, {})
    channels = 2 * args.num_channels
    for network in (networks.generator, networks.discriminator):
        for place, layer in enumerate(network):
            if isinstance(layer, ToFeatureMaps):
                network[place] = nn.Unflatten(1, (channels, QUARTER, QUARTER))
            elif isinstance(layer, ToVectors):
                network[place] = nn.Flatten()
    return networks.to(memory_format=torch.contiguous_format)


def usual_epoch(networks: nn.Module, images: torch.Tensor, args: r1_gan.Args) -> None:
    """Train on all images once, as PyTorch's tutorial does."""
    size, betas = args.batch_size, (args.beta1, args.beta2)
    generator, discriminator = networks.generator.train(), networks.discriminator.train()
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, betas) for network in (generator, discriminator)]
    for (real,) in DataLoader(TensorDataset(images.float() / 127.5 - 1), size, shuffle=True, drop_last=True):
        ones, zeros = torch.ones(size, 1), torch.zeros(size, 1)
        discriminator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(real), ones).backward()
        fake = generator(torch.randn(size, args.num_latents))
        binary_cross_entropy_with_logits(discriminator(fake.detach()), zeros).backward()
        optimizers[1].step()
        generator.zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake), ones).backward()
        optimizers[0].step()


@pytest.fixture(scope="module")
def peer_seconds(images, args) -> float:
    networks = usual_networks(args)
    usual_epoch(networks, images[: 2 * args.batch_size], args)
    start = time.perf_counter()
    usual_epoch(networks, images, args)
    return time.perf_counter() - start


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_images_a_second(benchmark, precision, images, args, peer_seconds):
    if product_dtype(precision, "cpu") != getattr(torch, precision):
        pytest.skip("this processor does not multiply in bfloat16")
    data = Data(Split(images, images[:, 0, 0, 0]), None, Split(images[:1], images[:1, 0, 0, 0]), {})
    args = args.model_copy(update={"precision": precision})
    networks = r1_gan.build(args, {})
    benchmark.pedantic(r1_gan.train, (networks, data, args, 1, "benchmark"), rounds=3, warmup_rounds=1)
    seconds = benchmark.stats.stats.mean
    ratio = peer_seconds / seconds
    benchmark.extra_info |= {"images a second": len(images) / seconds, "times as fast as the usual loop": ratio}
    print(f"{precision}: {len(images) / seconds:,.0f} images a second, {ratio:.2f} times the usual loop")
    assert torch.isfinite(next(networks.generator.parameters())).all()
