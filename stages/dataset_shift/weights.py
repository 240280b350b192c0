"""How much more often the target has such an image, or such a class, than the source: weights for training.

The mean of a loss over the target equals its mean over the source with each image weighted by q/p, the target's density
over the source's (Zhang et al., Dive into Deep Learning, section 4.7.3; Shimodaira 2000, Improving predictive inference
under covariate shift by weighting the log-likelihood function). Both weights here are estimated without a label of the
target.
"""

import torch
from torch import Tensor
from torch.nn import functional


def estimate_class_weights(confusion: Tensor, predicted_shares: Tensor) -> Tensor:
    """Return q(y)/p(y) of each class by black-box shift estimation, float64 (classes,).

    Lipton, Wang and Smola 2018 (Detecting and Correcting for Label Shift with Black Box Predictors), section 4: the
    weights w solve C w = mu, and negative ones are set to 0. A confusion matrix without an inverse, as of a classifier
    that never says one of the classes, has many solutions: the shortest is taken.

    Args:
        confusion: C, float64 (classes, classes): the share of source images of which i is predicted while j is true.
        predicted_shares: mu, float64 (classes,): the share of target images of which i is predicted.
    """
    return (torch.linalg.pinv(confusion) @ predicted_shares).clamp(min=0)


def confusion_matrix(predicted: Tensor, actual: Tensor, num_classes: int) -> Tensor:
    """Return the share of examples with each predicted (row) and actual (column) class, float64 (classes, classes)."""
    counts = torch.bincount(predicted * num_classes + actual, minlength=num_classes**2)
    return counts.view(num_classes, num_classes).double() / len(actual)


def shares_of(classes: Tensor, num_classes: int) -> Tensor:
    """Return the share of each class among `classes`, int64 (n,), as float64 (num_classes,)."""
    return torch.bincount(classes, minlength=num_classes).double() / len(classes)


def estimate_image_weights(source: Tensor, target: Tensor, ridge: float, largest: float, num_steps: int) -> Tensor:
    """Return q(x)/p(x) of each source image, float32 (source images,), none above `largest`.

    Zhang et al., section 4.7.3.1: where a logistic regression tells target (1) from source (0) images by their logit h,
    the weight is min(exp(h), largest). The book has as many images of both; here each of the two counts as much as the
    other whatever the numbers.

    Args:
        source: scaled images, float32 (source images, …).
        target: scaled images, float32 (target images, …).
        ridge: lambda in `loss + lambda/2 * |w|^2`, without which the images could be told apart by heart.
        largest: weight that greater ones are cut to.
        num_steps: of L-BFGS, at most.
    """
    source, target = source.flatten(1), target.flatten(1)
    weight = torch.zeros(source.shape[1], device=source.device, requires_grad=True)
    bias = torch.zeros((), device=source.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=num_steps, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        found = (
            functional.softplus(source @ weight + bias).mean() / 2
            + functional.softplus(-target @ weight - bias).mean() / 2
            + ridge / 2 * weight.square().sum()
        )
        found.backward()
        return found

    optimizer.step(objective)
    with torch.no_grad():
        return (source @ weight + bias).exp().clamp(max=largest)


def effective_share(weights: Tensor) -> float:
    """Return (sum w)^2 / (n sum w^2): the share of images that would, unweighted, give a mean as exact (Kish 1965).

    1 if all weights are equal, 0 if all are 0.
    """
    squares = weights.double().square().sum().item()
    return weights.double().sum().item() ** 2 / (len(weights) * squares) if squares else 0.0


def about_weights(weights: Tensor, true: Tensor | None) -> dict[str, float]:
    """Return `effective_share` of the weights of training images, (n,), and how far they are from the true ones.

    That is `weight_error`, the root of the mean squared difference, and `error_without_weights`, that of weights of 1.
    """
    about = {"effective_share": effective_share(weights)}
    if true is not None:
        about["weight_error"] = _distance(weights, true)
        about["error_without_weights"] = _distance(torch.ones_like(true), true)
    return about


def _distance(weights: Tensor, true: Tensor) -> float:
    return (weights.double() - true.double()).square().mean().sqrt().item()
