"""Scores of models that make images which need no other model; `stages/judge.py` adds a classifier's."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_generation.data import blackened, intensities, to_pixels
from stages.image_generation.train import Generator

NUM_SAMPLES = 10_000
NUM_NEAREST = 1000  # samples, and test images, whose nearest training image is looked for
SHOWN, PAIRS, WALKS, STEPS = 64, 10, 6, 10  # images in the report's figures
BATCH = 1000
BLACKENED = 0.3  # share of an image's pixels that an autoencoder is to make again
SEED = 0  # of the samples' noise, of codes, of the pixels' order and of those that are blackened


@torch.no_grad()
def example_scores(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return `samples`, uint8 (NUM_SAMPLES, 1, height, width), which `judge` reads; nothing if the model draws none.

    Of a model that chooses its images among candidates `unchosen` too: as many that it makes, without a choice.
    """
    if not hasattr(model, "draw"):
        return {}
    samples = {"samples": to_pixels(draw(model, NUM_SAMPLES))}
    if getattr(run.args, "candidates", 1) > 1:
        samples["unchosen"] = to_pixels(Generator.draw(model, NUM_SAMPLES, torch.Generator().manual_seed(SEED)))
    return samples


@torch.no_grad()
def draw(model: nn.Module, count: int, seed: int = SEED) -> Tensor:
    """Return `count` images of a generator, float32 (count, 1, height, width) from 0 to 1."""
    return model.draw(count, torch.Generator().manual_seed(seed))


@torch.no_grad()
def score(model: nn.Module, run: Run, data: Data, history: History, predictions: dict[str, Tensor]) -> dict[str, float]:
    """Return the metrics of one trained model on the test images.

    Of a generator `nearest_ratio`: the mean Euclidean distance of its images to the nearest training image, divided by
    that of test images, which is 1 for images that are new and 0 for copies. Of a model with codes the
    `reconstruction_error`, squared, the mean over pixels of 0 to 1, with `turned_error` and `shuffled_error` of test
    images that were turned by 90 degrees or whose pixels were shuffled, all in one way; and `code_divergence`, in nats
    an element, of the normal distribution fitted to the codes from the standard one. Of an autoencoder that could be
    trained to do so `denoised_error`, between test images and what is made of them after a share of BLACKENED of their
    pixels was set to 0. Of a model with a Bernoulli likelihood `negative_bound`, in nats an image: minus the bound on
    its logarithm, with one draw of each code; of one with a normal likelihood `negative_density_bound`, that of a
    density of pixels from 0 to 1, which may be below 0.

    Raises:
        UserError: the test images are all among the training images: a ratio to no distance.
    """
    metrics = {}
    test = intensities(data.test.inputs)
    if predictions:
        training = intensities(data.train.inputs).flatten(1)
        made = intensities(predictions["samples"][:NUM_NEAREST]).flatten(1)
        of_made, of_test = (nearest(images, training)[0].mean() for images in (made, test[:NUM_NEAREST].flatten(1)))
        if of_test == 0:
            raise UserError(f"{run.name}: {run.data}: the first {NUM_NEAREST} test images are all training images too")
        metrics["nearest_ratio"] = (of_made / of_test).item()
    if hasattr(model, "encode"):
        order = torch.randperm(test[0].numel(), generator=torch.Generator().manual_seed(SEED))
        shuffled = test.flatten(1)[:, order.to(test.device)].view_as(test)
        for name, images in (("reconstruction", test), ("turned", test.rot90(1, (2, 3))), ("shuffled", shuffled)):
            metrics[f"{name}_error"] = functional.mse_loss(reconstructed(model, images), images).item()
        metrics["code_divergence"] = code_divergence(codes(model, test))
    if hasattr(run.args, "noise"):
        metrics["denoised_error"] = functional.mse_loss(reconstructed(model, noisy(test)), test).item()
    if likelihood := getattr(run.args, "likelihood", None):
        name = "negative_bound" if likelihood == "bernoulli" else "negative_density_bound"
        metrics[name] = negative_bound(model, test)
    return metrics


def noisy(images: Tensor) -> Tensor:
    """Return images, float32 (n, 1, height, width), with a share of BLACKENED of their pixels set to 0."""
    return blackened(images, BLACKENED, torch.Generator().manual_seed(SEED))


def nearest(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance of each image to the nearest of others and that one's number, float32 and int64 (n,).

    Both are float32 (n, pixels); the distance is Euclidean.
    """
    numbers = torch.cat([torch.cdist(block, others).argmin(1) for block in images.split(BATCH)])
    return (images - others[numbers]).norm(dim=1), numbers  # products, by which cdist is quick, make it inexact near 0


def reconstructed(model: nn.Module, images: Tensor) -> Tensor:
    """Return what a model with codes makes of images, both float32 (n, 1, height, width) from 0 to 1."""
    return torch.cat([model.decode(model.encode(batch)) for batch in images.split(BATCH)])


def codes(model: nn.Module, images: Tensor) -> Tensor:
    """Return the code of each image, (n, num_latents): one draw where the model has a distribution of them."""
    draws = torch.Generator().manual_seed(SEED)
    encode = (lambda batch: model.draw_codes(batch, draws)) if hasattr(model, "draw_codes") else model.encode
    return torch.cat([encode(batch) for batch in images.split(BATCH)])


def code_divergence(codes: Tensor) -> float:
    """Return the divergence of N(mean, covariance) of codes (n, elements) from N(0, I), in nats an element."""
    codes = codes.double()
    covariance = codes.T.cov().reshape(codes.shape[1], codes.shape[1])
    terms = covariance.trace() + codes.mean(0).square().sum() - codes.shape[1] - torch.logdet(covariance)
    return (terms / 2 / codes.shape[1]).item()


def negative_bound(model: nn.Module, images: Tensor) -> float:
    """Return the mean over images, float32 (n, 1, height, width), of what the model's `loss` gives, in nats."""
    draws = torch.Generator().manual_seed(SEED)
    return sum(model.loss(batch, draws).item() * len(batch) for batch in images.split(BATCH)) / len(images)


@torch.no_grad()
def outputs(model: nn.Module, run: Run, data: Data, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the figures need, images uint8 (…, height, width).

    Of a generator `samples` and the `nearest` training image of each, its `progress` by epoch if it has any. Of a model
    with codes `originals` and `reconstructions`, of one trained on noisy images `noisy` and `denoised` too, and, where
    codes have two elements, the `codes` of all test images, float32 (n, 2), with their `classes`, int64 (n,). Of a
    network that makes images of N(0, I) `walks`, (WALKS, STEPS, height, width), along arcs between two draws.
    """
    result: dict[str, Any] = {}
    test = intensities(data.test.inputs)
    if predictions:
        samples = predictions["samples"][:SHOWN]
        _, numbers = nearest(intensities(samples).flatten(1), intensities(data.train.inputs).flatten(1))
        result |= {"samples": samples[:, 0], "nearest": data.train.inputs[numbers, 0]}
    if hasattr(model, "progress"):
        result["progress"] = model.progress
    if hasattr(model, "encode"):
        originals = test[:PAIRS]
        result["originals"] = to_pixels(originals)[:, 0]
        result["reconstructions"] = to_pixels(reconstructed(model, originals))[:, 0]
        if getattr(run.args, "noise", 0):
            worse = noisy(test)[:PAIRS]
            result |= {"noisy": to_pixels(worse)[:, 0], "denoised": to_pixels(reconstructed(model, worse))[:, 0]}
        all_codes = codes(model, test)
        if all_codes.shape[1] == 2:
            result |= {"codes": all_codes, "classes": data.test.targets}
    # Codes from a mixture lie in its parts: an arc between two would lead through what no image is made of.
    if hasattr(model, "from_noise") and not getattr(run.args, "num_components", 0):
        noise = torch.randn(2, WALKS, run.args.num_latents, generator=torch.Generator().manual_seed(SEED))
        share = torch.linspace(0, 1, STEPS)[:, None, None]
        # On a straight line between two points of N(0, I) the length would shrink: the shares' squares add up to 1.
        path = (share * torch.pi / 2).cos() * noise[0] + (share * torch.pi / 2).sin() * noise[1]
        images = model.from_noise(path.transpose(0, 1).flatten(0, 1).to(test.device))
        result["walks"] = to_pixels(images).view(WALKS, STEPS, *images.shape[2:])
    return result
