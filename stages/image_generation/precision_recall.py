"""Scores of generated samples by a classifier's logits and features: classifier score, precision and recall."""

import torch
from torch import Tensor

from stages.core.errors import UserError

BLOCK = 1000  # rows whose distances are in memory at a time


def classifier_score(logits: Tensor) -> float:
    """Return exp of the mean divergence of p(class | image) from p(class): from 1 to the number of classes.

    Salimans et al. 2016, Improved Techniques for Training GANs, section 4 (Inception Score), with the classifier that
    gave the `logits`, (n, classes), in place of Inception.
    """
    log_p = logits.double().log_softmax(1)
    log_mean = log_p.logsumexp(0) - torch.tensor(float(len(log_p)), dtype=torch.float64).log()
    return (log_p.exp() * (log_p - log_mean)).sum(1).mean().exp().item()


def precision_and_recall(generated: Tensor, real: Tensor, neighbours: int = 3) -> tuple[float, float]:
    """Return the shares of generated samples among the real ones (precision) and of real among generated ones (recall).

    Kynkaanniemi et al. 2019, Improved Precision and Recall Metric for Assessing Generative Models, equations 1 and 2:
    a point is in the manifold of a set if it lies, for some member of the set, no farther away than that member's
    k-th nearest neighbour in the set. Features (n, features) of both, distances Euclidean.

    Raises:
        UserError: a set has no more than k members.
    """
    for name, members in (("generated", generated), ("real", real)):
        if len(members) <= neighbours:
            raise UserError(f"{len(members)} {name} images: precision and recall need at least {neighbours + 1}")
    generated_radii, real_radii = _radii(generated, neighbours), _radii(real, neighbours)
    precise, recalled = [], torch.zeros(len(real), dtype=torch.bool, device=real.device)
    for block, radii in zip(generated.split(BLOCK), generated_radii.split(BLOCK), strict=True):
        distances = torch.cdist(block, real)
        precise.append((distances <= real_radii).any(1))
        recalled |= (distances <= radii[:, None]).any(0)
    return torch.cat(precise).double().mean().item(), recalled.double().mean().item()


def _radii(members: Tensor, neighbours: int) -> Tensor:
    """Return the distance from each member to its k-th nearest other, (n,)."""
    nearest = (torch.cdist(block, members).topk(neighbours + 1, largest=False) for block in members.split(BLOCK))
    return torch.cat([distances[:, -1] for distances, _ in nearest])
