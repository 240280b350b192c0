"""Each model on bright squares: it learns, draws what its interface promises, and equals hand arithmetic."""

import copy
import math
from functools import cache

import pytest
import torch
from scipy.optimize import brentq
from torch.nn import functional

from stages.core.errors import UserError
from stages.core.schema import validate
from stages.image_generation import autoencoder, dcgan, gan, pixel_gaussian, r1_gan, training_images, uniform_noise, vae
from stages.image_generation import train as training
from stages.image_generation.data import intensities
from stages.image_generation.train import Generator, gradient_penalty
from tests.image_generation.small import small_images

COMMON = {"num_latents": 3, "num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3}
ARGS = {
    autoencoder: autoencoder.Args(**COMMON, layer_sizes=[32], noise=0.2),
    vae: vae.Args(**COMMON, layer_sizes=[32]),
    gan: gan.Args(**COMMON, layer_sizes=[16, 32], dropout=0.2, ema_decay=0.9),
    dcgan: dcgan.Args(**COMMON, num_channels=4),
    r1_gan: r1_gan.Args(**COMMON, num_channels=4, ema_decay=0.9, gradient_penalty=0.3, candidates=2),
    uniform_noise: uniform_noise.Args(),
    pixel_gaussian: pixel_gaussian.Args(),
    training_images: training_images.Args(num_images=20),
}
GENERATORS = [module for module in ARGS if module is not autoencoder]


def trained(module, **changes):
    """Return a model of the tests' own, its data and its history; each is trained once."""
    model, data, history = train_once(module, **changes)
    return copy.deepcopy(model), data, history


@cache
def train_once(module, **changes):
    data, args = small_images(), ARGS[module].model_copy(update=changes)
    torch.manual_seed(1)
    model = module.build(args, data.info)
    history = module.train(model, data, args, 1, "small")
    return model.eval(), data, history


def name(module) -> str:
    return module.__name__.rpartition(".")[2]


@pytest.mark.parametrize("module", GENERATORS, ids=name)
def test_the_same_seed_draws_the_same_images(module):
    model, _, _ = trained(module)
    with torch.no_grad():
        images = model.draw(9, torch.Generator().manual_seed(5))
        again, other = (model.draw(9, torch.Generator().manual_seed(seed)) for seed in (5, 6))
    assert images.shape == (9, 1, 28, 28)
    assert images.dtype == torch.float32
    assert 0 <= images.min() <= images.max() <= 1
    assert torch.equal(images, again)
    assert not torch.equal(images, other)


@pytest.mark.parametrize("module", [vae, gan, dcgan, r1_gan], ids=name)
def test_progress_has_samples_from_the_same_noise_after_each_epoch(module):
    model, _, history = trained(module)
    assert model.progress.shape == (len(history), 64, 28, 28)
    assert not torch.equal(model.progress[0], model.progress[1])
    with torch.no_grad():
        last = Generator.draw(model, 64, torch.Generator().manual_seed(0))[:, 0].mul(255).round().byte()
    assert torch.equal(model.progress[-1], last)


@pytest.mark.parametrize("module", [autoencoder, vae], ids=name)
def test_reconstructions_become_better(module):
    model, data, history = trained(module, num_epochs=40, learning_rate=3e-3)
    assert history[-1]["train_loss"] < 0.6 * history[0]["train_loss"]
    test = intensities(data.test.inputs)
    with torch.no_grad():
        error = functional.mse_loss(model.decode(model.encode(test)), test)
    assert error < 0.8 * functional.mse_loss(intensities(data.train.inputs).mean(0).expand_as(test), test)


def test_whitened_latents_have_mean_0_and_covariance_i_and_reconstructions_stay():
    """The same seed trains the same network, whether it is whitened afterwards or not."""
    plain, data, history = trained(autoencoder, num_epochs=40)
    whitened, _, same_history = trained(autoencoder, num_epochs=40, whiten=True)
    assert history == same_history
    training, test = intensities(data.train.inputs), intensities(data.test.inputs)
    with torch.no_grad():
        latents = whitened.encode(training).double()
        torch.testing.assert_close(latents.mean(0), torch.zeros(3).double(), rtol=0, atol=1e-4)
        torch.testing.assert_close(latents.T.cov(), torch.eye(3).double(), rtol=0, atol=1e-4)
        assert not torch.allclose(plain.encode(training).T.cov(), torch.eye(3), atol=0.1)
        found, wanted = (model.decode(model.encode(test)) for model in (whitened, plain))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("module", [gan, dcgan, r1_gan], ids=name)
def test_generator_and_discriminator_learn_in_turn(module):
    """A discriminator that trains tells an untrained generator's samples; one that does not, does not."""
    model, _, history = trained(module, num_epochs=10, discriminator_learning_rate=3e-3)
    assert max(record["discriminator_accuracy"] for record in history) > 0.8
    assert set(history[0]) == {
        *("epoch", "train_loss", "generator_loss", "discriminator_loss", "discriminator_accuracy")
    }
    assert all(parameter.requires_grad for parameter in model.discriminator.parameters())


def test_gradient_penalty_of_a_linear_discriminator_is_the_squared_norm_of_its_weights():
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 1))
    images = torch.randn(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gradient_penalty(linear, images), linear[1].weight.square().sum())


def test_a_gradient_penalty_regularises_the_discriminator():
    settings = {"num_epochs": 4, "discriminator_learning_rate": 3e-3, "penalty_interval": 1}
    free, held = (
        trained(r1_gan, gradient_penalty=penalty, **settings)[2][-1]["discriminator_loss"] for penalty in (0.0, 30.0)
    )
    assert free < held


def test_the_penalty_is_added_at_its_interval(monkeypatch):
    """12 steps, two epochs of 6: at the first, the fifth and the ninth."""
    added = []
    monkeypatch.setattr(training, "gradient_penalty", lambda *given: added.append(1) or gradient_penalty(*given))
    trained(r1_gan, penalty_interval=4)
    assert len(added) == 3


def test_the_discriminator_of_r1_gan_compares_the_images_of_a_batch():
    """The same image among copies of itself, or among others, gets different logits."""
    model, data, _ = trained(r1_gan)
    images = 2 * intensities(data.test.inputs[:8]) - 1
    alike = images[:1].expand_as(images)
    with torch.no_grad():
        assert not torch.allclose(model.discriminator(images)[0], model.discriminator(alike)[0], atol=1e-5)


def test_batch_normalisation_of_dcgan_is_where_the_paper_has_it():
    """In every layer but the discriminator's first one, the generator's output, and the last linear layer."""
    args = dcgan.Args(**COMMON | {"num_latents": 100}, num_channels=32)
    torch.manual_seed(0)
    networks = dcgan.build(args, {})
    kinds = [[type(layer).__name__ for layer in network] for network in (networks.generator, networks.discriminator)]
    assert kinds == [
        [
            *("Linear", "ToFeatureMaps", "BatchNorm2d", "ReLU"),
            *("ConvTranspose2d", "BatchNorm2d", "ReLU"),
            *("ConvTranspose2d", "Tanh"),
        ],
        ["Conv2d", "LeakyReLU", "Conv2d", "BatchNorm2d", "LeakyReLU", "ToVectors", "Linear"],
    ]
    for network in (networks.generator, networks.discriminator):
        for layer in network:
            if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
    noise = networks.noise(1000, torch.Generator().manual_seed(0))
    assert noise.shape == (1000, 100)
    assert -1 <= noise.min() < -0.99 and 0.99 < noise.max() <= 1
    assert noise.std().item() == pytest.approx(1 / math.sqrt(3), rel=0.01)


def test_dcgan_draws_with_the_last_weights():
    """And not with an average of earlier ones."""
    model, _, _ = trained(dcgan)
    for averaged, last in zip(model.averaged.module.parameters(), model.generator.parameters(), strict=True):
        assert torch.equal(averaged, last)


def test_of_many_candidates_the_likelier_are_selected(monkeypatch):
    """Half of 4,000 are bright, with odds e^2 times those of the dark; 2,000 are drawn without replacement.

    As if each waited for an exponential time, with its odds as rate, until half of all have come: by the time t the
    bright ones with probability 1 - exp(-e^2 t), the dark ones with 1 - exp(-t).
    """
    model, _, _ = trained(gan, candidates=2)
    with torch.no_grad():
        plain = Generator.draw(model, 4000, torch.Generator().manual_seed(1)).mean((1, 2, 3))

        def is_bright(_, images):
            return (images.mean((2, 3)) > plain.median()).float()

        monkeypatch.setattr(type(model), "all_selection_features", is_bright)
        model.weights.fill_(2.0)
        drawn = model.draw(2000, torch.Generator().manual_seed(1)).mean((1, 2, 3))
    bright = (drawn > plain.median()).float()
    time = brentq(lambda t: math.exp(-math.exp(2.0) * t) + math.exp(-t) - 1, 0, 1)
    assert bright.mean().item() == pytest.approx(1 - math.exp(-math.exp(2.0) * time), abs=0.03)
    first, second = bright.split(1000)
    assert first.mean().item() == pytest.approx(second.mean().item(), abs=0.06)  # the likelier do not come first


def test_one_candidate_left_over_is_compared_with_others():
    """The discriminator compares the images of a batch: 17 in batches of 16 would leave one alone."""
    model, data, _ = trained(r1_gan)
    features = model.all_selection_features(intensities(data.test.inputs[:17]))
    assert features.shape == (17, 1 + 8)  # the logit and 8 feature maps
    assert features.isfinite().all()


def test_calibration_finds_the_slope_of_the_log_odds(monkeypatch):
    """Logits of N(0.2, 0.25) for real, N(-0.2, 0.25) for generated images: log odds of 0.4 / 0.25 times a logit."""
    model, *_ = trained(gan, candidates=2)
    draws = torch.Generator().manual_seed(0)
    logits = iter([torch.randn(20_000, 1, generator=draws) / 2 + mean for mean in (0.2, -0.2)])
    monkeypatch.setattr(type(model), "all_selection_features", lambda self, images: next(logits))
    monkeypatch.setattr(Generator, "draw", lambda self, count, draws: torch.zeros(count, 1, 28, 28))
    model.calibrate(torch.zeros(20_000, 1, 28, 28), 1)
    assert model.weights.item() == pytest.approx(1.6, rel=0.05)


def test_elbo_equals_the_formula_by_hand():
    model, data, _ = trained(vae, precision="float32")
    images = intensities(data.test.inputs[:5])
    with torch.no_grad():
        loss = model.loss(images, torch.Generator().manual_seed(3))
        mean, log_variance = model.posterior(images)
        latents = mean + log_variance.mul(0.5).exp() * torch.randn(5, 3, generator=torch.Generator().manual_seed(3))
        p = model.decode(latents)
    posterior = torch.distributions.Normal(mean, log_variance.mul(0.5).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(1)
    likelihood = (images * p.log() + (1 - images) * (1 - p).log()).sum((1, 2, 3))
    torch.testing.assert_close(loss, (divergence - likelihood).mean())


def test_a_normal_likelihood_has_the_best_variance():
    """No other variance of the pixels gives these images a greater likelihood."""
    model, data, _ = trained(vae, precision="float32", likelihood="normal")
    images = intensities(data.test.inputs[:5])
    with torch.no_grad():
        loss = model.loss(images, torch.Generator().manual_seed(3))
        mean, log_variance = model.posterior(images)
        decoded = model.decode(model.draw_latents(images, torch.Generator().manual_seed(3)))
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
    best = (decoded - images).square().mean().sqrt()
    likelihoods = [
        torch.distributions.Normal(decoded, sd).log_prob(images).sum() / 5 for sd in (best, 1.1 * best, best / 1.1)
    ]
    torch.testing.assert_close(loss, divergence - likelihoods[0])
    assert likelihoods[0] > max(likelihoods[1:])


def test_new_latents_come_from_the_mixture_fitted_to_latents():
    """Three in ten from a round part, seven from a long one, both far from where standard normal ones are."""
    draws = torch.Generator().manual_seed(0)
    latents = torch.randn(1000, 3, generator=draws)
    first = torch.arange(1000) < 300
    latents[first], latents[~first] = latents[first] - 8, latents[~first] * torch.tensor([3.0, 1.0, 0.2]) + 8
    model = vae.build(ARGS[vae].model_copy(update={"num_components": 2}), {})
    model.draw_latents = lambda images, draws: latents
    model.fit_mixture(torch.zeros(1000, 1, 28, 28), 1)
    drawn = model.noise(10_000, draws)
    first_drawn = drawn[:, 1] < 0
    assert first_drawn.double().mean() == pytest.approx(0.3, abs=0.02)
    for new, old in ((drawn[first_drawn], latents[first]), (drawn[~first_drawn], latents[~first])):
        torch.testing.assert_close(new.mean(0), old.mean(0), rtol=0, atol=0.1)
        torch.testing.assert_close(new.T.cov(), old.T.cov(), rtol=0.1, atol=0.1)


def test_the_mixture_is_fitted_when_all_else_is_trained():
    """Samples drawn before, such as those of each epoch, come from standard normal latents."""
    args = ARGS[vae].model_copy(update={"num_components": 4})
    before = vae.build(args, {}).noise(5, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.randn(5, 3, generator=torch.Generator().manual_seed(0)))
    model, _, _ = trained(vae, num_components=4)
    assert model.shares.sum() == pytest.approx(1.0, abs=1e-5)


def test_averaged_generator_is_the_exponential_moving_average_of_its_weights():
    """Beginning with the weights after the first step, 0.9 of the mean and 0.1 of the weights after each other one."""
    one_step, _, _ = trained(gan, num_epochs=1, batch_size=96)
    two_steps, _, _ = trained(gan, num_epochs=2, batch_size=96)
    weights = [list(module.parameters()) for module in (one_step.generator, two_steps.generator)]
    for averaged, first in zip(one_step.averaged.module.parameters(), weights[0], strict=True):
        assert torch.equal(averaged, first)
    for averaged, first, second in zip(two_steps.averaged.module.parameters(), *weights, strict=True):
        assert not torch.equal(first, second)
        torch.testing.assert_close(averaged, 0.9 * first + 0.1 * second)


def test_pixel_gaussian_has_mean_and_covariance_of_the_images():
    model, data, _ = trained(pixel_gaussian)
    pixels = intensities(data.train.inputs).flatten(1)
    torch.testing.assert_close(model.mean, pixels.mean(0))
    torch.testing.assert_close(model.factor.T @ model.factor, pixels.T.cov(), rtol=0, atol=1e-5)


def test_training_images_are_training_images_each_once():
    model, data, _ = trained(training_images)
    images = model.draw(20, torch.Generator().manual_seed(0)).mul(255).round().byte()
    places = [int((data.train.inputs == image).flatten(1).all(1).nonzero()[0]) for image in images]
    assert len(set(places)) == 20
    with pytest.raises(UserError, match="num_images = 97: must be at most 96"):
        trained(training_images, num_images=97)


@pytest.mark.parametrize("module", [autoencoder, vae, gan, dcgan, r1_gan], ids=name)
def test_latents_of_no_dimension_are_refused(module):
    with pytest.raises(UserError, match="num_latents"):
        validate(module.Args, ARGS[module].model_dump() | {"num_latents": 0}, "runs.x.args")


def test_a_loss_that_is_not_finite_is_one_line():
    with pytest.raises(UserError, match="the loss is not finite in epoch"):
        trained(vae, learning_rate=1e12, num_epochs=20)


def test_bfloat16_changes_training_and_not_evaluation(monkeypatch):
    monkeypatch.setattr(training, "product_dtype", lambda precision, device: getattr(torch, precision))
    model, data, _ = trained(vae, precision="bfloat16")
    images = intensities(data.test.inputs[:5])

    def loss(precision: str) -> float:
        model.args = model.args.model_copy(update={"precision": precision})
        with torch.no_grad():
            return model.loss(images, torch.Generator().manual_seed(0)).item()

    assert model.eval() and loss("bfloat16") == loss("float32")
    assert model.train() and loss("bfloat16") != loss("float32")


@pytest.mark.parametrize("module", [vae, gan, dcgan, r1_gan], ids=name)
def test_the_batch_that_an_image_is_drawn_in_changes_nothing(module):
    model, _, _ = trained(module)
    noise = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model.from_noise(noise)[:2], model.from_noise(noise[:2]), rtol=0, atol=1e-6)
