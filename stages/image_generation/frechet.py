"""Fréchet distance between two sets of feature vectors, a normal distribution fitted to each.

Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, equation 6;
Dowson and Landau 1982, The Frechet Distance between Multivariate Normal Distributions.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Gaussian(NamedTuple):
    """`mean` float64 (features,) and `covariance` float64 (features, features)."""

    mean: Tensor
    covariance: Tensor


def fit_gaussian(features: Tensor) -> Gaussian:
    """Return mean and covariance (divided by n - 1) of features, (n, features) with n at least 2."""
    features = features.double()
    return Gaussian(features.mean(0), features.T.cov())


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Return |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), in double precision.

    The trace of (C1 C2)^(1/2) is that of the symmetric (C1^(1/2) C2 C1^(1/2))^(1/2), whose eigenvalues are real; those
    that rounding made negative count as 0.
    """
    root = _root(first.covariance)
    between = torch.linalg.eigvalsh(root @ second.covariance @ root).clamp(min=0).sqrt().sum()
    apart = (first.mean - second.mean).square().sum()
    return (apart + first.covariance.trace() + second.covariance.trace() - 2 * between).clamp(min=0).item()


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric positive square root."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T
