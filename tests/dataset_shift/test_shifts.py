"""What shifts, by hand: images, frequencies and names; and how examples are dealt."""

import torch

from stages.core.data import Split
from stages.dataset_shift.covariate_shift import change_some
from stages.dataset_shift.shifts import change, draw_by_class, draw_frequencies, halves, swap_names
from tests.dataset_shift.small import KINDS, SETTINGS, covariate_shift


def draws(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_an_image_is_moved_and_darker_and_zeros_come_in():
    images = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3) * 10
    moved = torch.tensor([[0, 0, 0], [0, 10, 20], [0, 40, 50]], dtype=torch.uint8)
    assert torch.equal(change(images, 1, 1.0)[0, 0], moved)
    assert torch.equal(change(images, 0, 0.5), images // 2)
    assert torch.equal(change(images, 1, 0.5)[0, 0], moved // 2)


def test_the_share_of_changed_images_is_as_asked_and_the_others_stay():
    images = Split(torch.randint(1, 256, (4000, 1, 6, 6), generator=draws(), dtype=torch.uint8), torch.arange(4000))
    args = covariate_shift.Args(**(SETTINGS | KINDS[covariate_shift]))
    found, is_changed = change_some(images, args, 0.3, draws())
    assert abs(is_changed.double().mean() - 0.3) < 0.03
    assert torch.equal(found.inputs[~is_changed], images.inputs[~is_changed])
    assert torch.equal(found.inputs[is_changed], change(images.inputs[is_changed], 3, 1.0))
    assert torch.equal(found.targets, images.targets)


def test_halves_hold_each_example_once_with_its_class():
    split = Split(torch.arange(10), torch.arange(10) + 100)
    first, second = halves(split, 1)
    assert len(first.inputs) == len(second.inputs) == 5
    assert {*first.inputs.tolist(), *second.inputs.tolist()} == {*range(10)}
    assert torch.equal(first.targets, first.inputs + 100) and torch.equal(second.targets, second.inputs + 100)
    assert not torch.equal(halves(split, 2)[0].inputs, first.inputs)


def test_frequencies_are_the_more_unequal_the_smaller_the_concentration():
    """A symmetric Dirichlet variable of k classes has the variance (k - 1) / (k^2 (k concentration + 1))."""
    for concentration in (10.0, 0.1):
        generator = draws()
        found = torch.stack([draw_frequencies(concentration, 4, generator) for _ in range(4000)])
        assert torch.allclose(found.sum(1), torch.ones(4000, dtype=torch.float64))
        expected = 3 / (16 * (4 * concentration + 1))
        assert torch.allclose(found.var(0), torch.full((4,), expected, dtype=torch.float64), rtol=0.15)


def test_examples_are_drawn_with_the_frequencies_whatever_there_are():
    targets = torch.tensor([0] * 9000 + [1] * 900 + [2] * 100)
    frequencies = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    chosen = draw_by_class(targets, frequencies, draws())
    found = torch.bincount(targets[chosen], minlength=3) / len(targets)
    assert torch.allclose(found.double(), frequencies, atol=0.02)
    assert len(chosen[targets[chosen] == 2].unique()) == 100  # all examples of a class alike


def test_pairs_exchange_their_names_and_exchange_them_back():
    assert swap_names(torch.arange(6), 2).tolist() == [1, 0, 3, 2, 4, 5]
    assert torch.equal(swap_names(swap_names(torch.arange(10), 5), 5), torch.arange(10))
