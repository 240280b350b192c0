"""Scores that need no classifier, in cases whose answer is known."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from stages.core.errors import UserError
from stages.image_generation import autoencoder, evaluate, training_images, vae
from stages.image_generation.data import intensities
from stages.image_generation.evaluate import c2st_accuracy, latent_divergence, nearest
from tests.image_generation.small import small_images
from tests.image_generation.test_models import ARGS, trained


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(evaluate, "NUM_SAMPLES", 20)


def scored(module, **changes):
    model, data, history = trained(module, **changes)
    run = SimpleNamespace(name="small", data="squares", args=ARGS[module].model_copy(update=changes))
    predictions = evaluate.example_scores(model, run, data)
    return evaluate.score(model, run, data, history, predictions), model, data, run


def test_copies_of_training_images_have_no_distance():
    scores, _, _, _ = scored(training_images)
    assert scores["nearest_ratio"] == 0


def test_test_images_among_the_training_images_are_named():
    """A ratio to no distance would only be called infinite."""
    _, model, data, run = scored(training_images)
    predictions = evaluate.example_scores(model, run, data)
    with pytest.raises(UserError, match="small: squares: the first 1000 test images are all training images too"):
        evaluate.score(model, run, replace(data, test=data.train), [], predictions)


def test_nearest_finds_the_image_itself():
    images = torch.rand(30, 16, generator=torch.Generator().manual_seed(0))
    distances, numbers = nearest(images[[7, 3]], images)
    assert numbers.tolist() == [7, 3]
    assert distances.tolist() == [0.0, 0.0]


def test_divergence_of_standard_normal_latents_is_none_and_of_others_the_formula():
    latents = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))
    assert latent_divergence(latents) == pytest.approx(0.0, abs=1e-4)
    wanted = torch.distributions.kl_divergence(
        torch.distributions.Normal(3.0, 2.0), torch.distributions.Normal(0.0, 1.0)
    ).item()
    assert latent_divergence(3.0 + 2.0 * latents) == pytest.approx(wanted, rel=0.01)


def test_a_classifier_tells_latents_from_the_prior_by_more_than_mean_and_covariance():
    """Not normal ones; uniform ones of mean 0 and variance 1; and nearly all that lie elsewhere."""
    draws = torch.Generator().manual_seed(1)
    normal = torch.randn(4000, 8, generator=draws)
    uniform = math.sqrt(12) * (torch.rand(4000, 8, generator=draws) - 0.5)
    assert latent_divergence(uniform) < 0.01
    accuracies = [c2st_accuracy(latents) for latents in (normal, uniform, normal + 3)]
    assert accuracies[0] == pytest.approx(0.5, abs=4 / math.sqrt(4 * 4000))
    assert accuracies[1] > 0.55
    assert accuracies[2] > 0.99
    assert c2st_accuracy(uniform) == accuracies[1]


def test_elbo_is_the_mean_over_all_images(monkeypatch):
    """And not that of the batches' means, of which the last is of fewer images."""
    monkeypatch.setattr(evaluate, "BATCH", 7)
    model = SimpleNamespace(loss=lambda images, draws: images.mean())
    assert evaluate.negative_elbo(model, torch.arange(10.0).view(10, 1, 1, 1)) == pytest.approx(4.5)


def test_latents_are_those_of_images_as_they_are():
    """A trained model reconstructs images better than the same images with shuffled pixels."""
    scores, _, _, _ = scored(vae, num_epochs=40, learning_rate=3e-3)
    assert scores["negative_elbo"] > 0
    assert scores["reconstruction_error"] < scores["shuffled_error"]


def test_elbo_of_a_normal_likelihood_is_that_of_a_density():
    """It has a name of its own, so that nobody compares it with that of a Bernoulli likelihood, and may be < 0."""
    few, many = (scored(vae, likelihood="normal", num_epochs=epochs, learning_rate=3e-3)[0] for epochs in (1, 40))
    assert "negative_elbo" not in many
    assert many["negative_elbo_density"] < min(0, few["negative_elbo_density"])


def test_denoising_is_scored_on_noisy_images_against_whole_ones(monkeypatch):
    """A model that leaves images as they are errs by the squares of the pixels that were set to 0."""
    for of_latents in ("latent_divergence", "c2st_accuracy"):
        monkeypatch.setattr(evaluate, of_latents, lambda latents: 0.0)
    data, same = small_images(), SimpleNamespace(encode=lambda images: images, decode=lambda images: images)
    scores = evaluate.score(same, SimpleNamespace(args=ARGS[autoencoder]), data, [], {})
    assert scores["reconstruction_error"] == 0
    squares = intensities(data.test.inputs).square().mean().item()
    assert scores["denoised_error"] == pytest.approx(evaluate.MASKED * squares, rel=0.05)


def test_masking_noise_sets_a_share_of_the_pixels_to_0():
    images = torch.ones(100, 1, 28, 28)
    worse = evaluate.noisy(images)
    assert set(worse.unique().tolist()) == {0.0, 1.0}
    assert worse.mean().item() == pytest.approx(0.7, abs=0.01)
