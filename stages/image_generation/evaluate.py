"""Scores of generative models that need no other model; `sample_quality.py` adds those that a classifier gives."""

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import History
from stages.image_generation.data import corrupt, intensities, to_pixels

NUM_SAMPLES = 10_000
NUM_NEAREST = 1000  # samples, and test images, whose nearest training image is searched
SHOWN, PAIRS, WALKS, STEPS = 64, 10, 6, 10  # images in the report's figures
BATCH = 1000
MASKED = 0.3  # probability of setting a pixel to 0 for a denoising autoencoder
SEED = 0  # of the samples' noise, of draws of latents, of the shuffled pixels and of the masked ones


@torch.no_grad()
def example_scores(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return a generator's `samples`, uint8 (NUM_SAMPLES, 1, height, width), for `sample_quality.py`, or nothing."""
    return {"samples": to_pixels(draw(model, NUM_SAMPLES))} if hasattr(model, "draw") else {}


@torch.no_grad()
def draw(model: nn.Module, count: int, seed: int = SEED) -> Tensor:
    """Return `count` images of a generator, float32 (count, 1, height, width) from 0 to 1."""
    return model.draw(count, torch.Generator().manual_seed(seed))


@torch.no_grad()
def score(model: nn.Module, run: Run, data: Data, history: History, predictions: dict[str, Tensor]) -> dict[str, float]:
    """Return the metrics of one trained model on the test images.

    Of a generator `nearest_ratio`: the mean Euclidean distance of its samples to the nearest training image, divided by
    that of test images, which is 1 for new images and 0 for copies. Of an encoder and decoder the
    `reconstruction_error`, the mean squared error of a pixel from 0 to 1, with `rotated_error` and `shuffled_error` of
    test images rotated by 90 degrees or with shuffled pixels, all by the same permutation; `latent_divergence`, in nats
    an element: the KL divergence of the normal distribution fitted to the latents from the standard one; and
    `latent_c2st_accuracy`, which sees more than mean and covariance: that of a classifier which tells the latents from
    draws of the standard normal distribution. Of an autoencoder `denoised_error`, between test images and their
    reconstructions after masking noise with probability MASKED. Of a model with a Bernoulli likelihood `negative_elbo`,
    in nats an image, with one draw of the latents; of one with a normal likelihood `negative_elbo_density`, that of a
    density of pixels from 0 to 1, which may be below 0.

    Raises:
        UserError: the test images are all among the training images: a ratio to no distance.
    """
    metrics = {}
    test = intensities(data.test.inputs)
    if predictions:
        training = intensities(data.train.inputs).flatten(1)
        samples = intensities(predictions["samples"][:NUM_NEAREST]).flatten(1)
        of_samples, of_test = (
            nearest(images, training)[0].mean() for images in (samples, test[:NUM_NEAREST].flatten(1))
        )
        if of_test == 0:
            raise UserError(f"{run.name}: {run.data}: the first {NUM_NEAREST} test images are all training images too")
        metrics["nearest_ratio"] = (of_samples / of_test).item()
    if hasattr(model, "encode"):
        order = torch.randperm(test[0].numel(), generator=torch.Generator().manual_seed(SEED))
        shuffled = test.flatten(1)[:, order.to(test.device)].view_as(test)
        for name, images in (("reconstruction", test), ("rotated", test.rot90(1, (2, 3))), ("shuffled", shuffled)):
            metrics[f"{name}_error"] = functional.mse_loss(reconstructed(model, images), images).item()
        of_test = latents(model, test)
        metrics["latent_divergence"] = latent_divergence(of_test)
        metrics["latent_c2st_accuracy"] = c2st_accuracy(of_test)
    if hasattr(run.args, "noise"):
        metrics["denoised_error"] = functional.mse_loss(reconstructed(model, noisy(test)), test).item()
    if likelihood := getattr(run.args, "likelihood", None):
        name = "negative_elbo" if likelihood == "bernoulli" else "negative_elbo_density"
        metrics[name] = negative_elbo(model, test)
    return metrics


def noisy(images: Tensor) -> Tensor:
    """Return images, float32 (n, 1, height, width), with masking noise of probability MASKED."""
    return corrupt(images, MASKED, torch.Generator().manual_seed(SEED))


def nearest(images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distance of each image to the nearest of others and that one's number, float32 and int64 (n,).

    Both are float32 (n, pixels); the distance is Euclidean.
    """
    numbers = torch.cat([torch.cdist(block, others).argmin(1) for block in images.split(BATCH)])
    return (images - others[numbers]).norm(dim=1), numbers  # products, by which cdist is quick, make it inexact near 0


def reconstructed(model: nn.Module, images: Tensor) -> Tensor:
    """Return the reconstructions of images, both float32 (n, 1, height, width) from 0 to 1."""
    return torch.cat([model.decode(model.encode(batch)) for batch in images.split(BATCH)])


def latents(model: nn.Module, images: Tensor) -> Tensor:
    """Return the latents of each image, (n, num_latents): one draw where the encoder gives a posterior."""
    draws = torch.Generator().manual_seed(SEED)
    encode = (lambda batch: model.draw_latents(batch, draws)) if hasattr(model, "draw_latents") else model.encode
    return torch.cat([encode(batch) for batch in images.split(BATCH)])


def latent_divergence(latents: Tensor) -> float:
    """Return the KL divergence of N(mean, covariance) of latents (n, elements) from N(0, I), in nats an element."""
    latents = latents.double()
    elements = latents.shape[1]
    covariance = latents.T.cov().reshape(elements, elements)
    terms = covariance.trace() + latents.mean(0).square().sum() - elements - torch.logdet(covariance)
    return (terms / 2 / elements).item()


def c2st_accuracy(latents: Tensor) -> float:
    """Return how often a classifier tells latents (n, elements) from n draws of N(0, I); 0.5 if it cannot.

    Lopez-Paz and Oquab 2017, Revisiting Classifier Two-Sample Tests, section 3: it is trained on one half of both and
    tested on the other half, so that for latents of N(0, I) the standard deviation of the accuracy is 1/sqrt(4n). The
    classifier is a neural network as theirs, which sees as much whichever way the latents are rotated; trees see less
    of what does not lie along an axis. It is a little larger, and has weight decay.
    """
    prior = torch.randn(latents.shape, generator=torch.Generator().manual_seed(SEED + 1))  # SEED drew the latents
    half = len(latents) // 2
    train, test = (torch.cat([latents.cpu()[part], prior[part]]) for part in (slice(half), slice(half, 2 * half)))
    is_latent = np.repeat([True, False], half)
    classifier = MLPClassifier(100, max_iter=50, learning_rate_init=0.003, alpha=0.1, random_state=SEED)
    with threadpool_limits(1), warnings.catch_warnings():  # with more threads the last digits depend on the machine
        warnings.simplefilter("ignore", ConvergenceWarning)  # that all epochs were used
        return classifier.fit(train.double().numpy(), is_latent).score(test.double().numpy(), is_latent)


def negative_elbo(model: nn.Module, images: Tensor) -> float:
    """Return the mean over images, float32 (n, 1, height, width), of what the model's `loss` gives, in nats."""
    draws = torch.Generator().manual_seed(SEED)
    return sum(model.loss(batch, draws).item() * len(batch) for batch in images.split(BATCH)) / len(images)


@torch.no_grad()
def outputs(model: nn.Module, run: Run, data: Data, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what the figures need, images uint8 (…, height, width).

    Of a generator `samples` and the `nearest` training image of each, its `progress` by epoch if it has any. Of an
    encoder and decoder `originals` and `reconstructions`, of one trained with masking noise `noisy` and `denoised` too,
    and of two latent dimensions the `latents` of all test images, float32 (n, 2), with their `classes`, int64 (n,). Of
    a generator with noise of N(0, I) `walks`, (WALKS, STEPS, height, width): interpolations along arcs.
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
        of_test = latents(model, test)
        if of_test.shape[1] == 2:
            result |= {"latents": of_test, "classes": data.test.targets}
    # An arc between two draws of a mixture would leave its components, where there are no latents of images; between
    # two draws of uniform noise it would leave the cube.
    if getattr(model, "noise_is_normal", False):
        noise = torch.randn(2, WALKS, run.args.num_latents, generator=torch.Generator().manual_seed(SEED))
        share = torch.linspace(0, 1, STEPS)[:, None, None]
        # Spherical interpolation, the shares' squares add up to 1: on a straight line the norm would shrink.
        path = (share * torch.pi / 2).cos() * noise[0] + (share * torch.pi / 2).sin() * noise[1]
        images = model.from_noise(path.transpose(0, 1).flatten(0, 1).to(test.device))
        result["walks"] = to_pixels(images).view(WALKS, STEPS, *images.shape[2:])
    return result
