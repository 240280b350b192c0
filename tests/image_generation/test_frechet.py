"""The Frechet distance against closed forms and another way to compute it."""

import pytest
import scipy.linalg
import torch

from stages.image_generation.frechet import Gaussian, fit_gaussian, frechet_distance


def draws() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_distance_of_diagonal_gaussians_is_the_closed_form():
    means = torch.randn(2, 16, generator=draws(), dtype=torch.float64)
    deviations = torch.rand(2, 16, generator=draws(), dtype=torch.float64) + 0.1
    first, second = (Gaussian(mean, sd.square().diag()) for mean, sd in zip(means, deviations, strict=True))
    wanted = (means[0] - means[1]).square().sum() + (deviations[0] - deviations[1]).square().sum()
    assert frechet_distance(first, second) == pytest.approx(wanted.item(), abs=1e-6)


def test_distance_of_commuting_covariances_is_the_closed_form():
    """With common axes, which are not those of the features, the closed form is that along the axes."""
    axes, _ = torch.linalg.qr(torch.randn(16, 16, generator=draws(), dtype=torch.float64))
    deviations = torch.rand(2, 16, generator=draws(), dtype=torch.float64)
    zero = torch.zeros(16, dtype=torch.float64)
    first, second = (Gaussian(zero, axes @ sd.square().diag() @ axes.T) for sd in deviations)
    wanted = (deviations[0] - deviations[1]).square().sum().item()
    assert frechet_distance(first, second) == pytest.approx(wanted, abs=1e-6)


def test_distance_equals_scipys_matrix_square_root_on_features():
    features = torch.randn(2, 500, 32, generator=draws()) @ torch.randn(2, 32, 32, generator=draws())
    features[1] += 0.3
    first, second = map(fit_gaussian, features)
    root = scipy.linalg.sqrtm((first.covariance @ second.covariance).numpy()).real
    wanted = (first.mean - second.mean).square().sum().item()
    wanted += (first.covariance + second.covariance).trace().item() - 2 * root.trace()
    assert frechet_distance(first, second) == pytest.approx(wanted, abs=1e-4)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), abs=1e-8)


def test_distance_survives_features_that_never_move():
    """A dead unit makes the covariance singular; a set lies at no distance from itself."""
    features = torch.randn(200, 8, generator=draws())
    features[:, 3:5] = 0.0
    gaussian = fit_gaussian(features)
    assert frechet_distance(gaussian, gaussian) == pytest.approx(0.0, abs=1e-9)
