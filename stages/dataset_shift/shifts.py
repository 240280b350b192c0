"""What differs between two environments made of one data set: the source, trained on, and the target, the place of use.

The three kinds are those of document 002 (Task03, section 2) and of Zhang et al., Dive into Deep Learning, section 4.7.
"""

import torch
from torch import Tensor
from torch.nn import functional

from stages.core.data import Split


def halves(split: Split, seed: int) -> tuple[Split, Split]:
    """Deal the examples of a split into two parts of equal size, by the seed."""
    order = torch.randperm(len(split.inputs), generator=torch.Generator().manual_seed(seed))
    first, second = order.tensor_split(2)
    return Split(split.inputs[first], split.targets[first]), Split(split.inputs[second], split.targets[second])


def change(images: Tensor, moved_pixels: int, brightness: float) -> Tensor:
    """Return images, uint8 (n, 1, height, width), moved to the right and down, and darker; zeros come in."""
    height, width = images.shape[2:]
    moved = functional.pad(images, (moved_pixels, 0, moved_pixels, 0))[:, :, :height, :width]
    return (moved * brightness).round().to(torch.uint8)


def draw_frequencies(concentration: float, num_classes: int, draws: torch.Generator) -> Tensor:
    """Draw class frequencies from a symmetric Dirichlet distribution, float64 (num_classes,).

    A great `concentration` gives about equal ones, one below 1 a few frequent classes.
    """
    return torch._sample_dirichlet(torch.full((num_classes,), concentration, dtype=torch.float64), generator=draws)


def draw_by_class(targets: Tensor, frequencies: Tensor, draws: torch.Generator) -> Tensor:
    """Draw as many examples as there are `targets`, int64 (n,), with replacement; return their numbers, int64 (n,).

    Each class is drawn with its frequency, and all of its examples alike.
    """
    counts = torch.bincount(targets, minlength=len(frequencies))
    return torch.multinomial((frequencies / counts)[targets], len(targets), replacement=True, generator=draws)


def swap_names(targets: Tensor, num_swaps: int) -> Tensor:
    """Return classes, int64 (n,), of which the first `num_swaps` pairs (0 and 1, 2 and 3, …) exchange their names."""
    return torch.where(targets < 2 * num_swaps, targets ^ 1, targets)
