"""Costs of a network by hand, and images that are moved and turned."""

from types import SimpleNamespace

import torch
from torch import nn

from stages.convolutional_networks.evaluate import move, moved_accuracy, multiply_adds, turn, turned_accuracy
from stages.core.data import Data, Split
from stages.image_classification import lenet, mlp, row_lstm

TRAINING = {"num_epochs": 1, "batch_size": 64, "learning_rate": 0.01}


def images(count: int = 4) -> torch.Tensor:
    return torch.randint(1, 256, (count, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def data(inputs: torch.Tensor, targets: torch.Tensor) -> Data:
    split = Split(inputs, targets)
    return Data(split, None, split, {"classes": ["left", "right"], "pixel_mean": 0.5, "pixel_sd": 0.3})


def test_multiply_adds_are_those_of_products():
    """A linear layer uses a weight once, a convolution at each place of its feature map, an LSTM in each step."""
    two = {"classes": ["a", "b"]}
    dense = mlp.build(mlp.Args(**TRAINING, layer_sizes=[784, 5, 2]), two)
    assert multiply_adds(dense, data(images(), torch.zeros(4).long())) == 784 * 5 + 5 * 2
    convolutional = lenet.build(lenet.Args(**TRAINING, channels=[3], kernel_size=5, num_features=7), two)
    expected = 28 * 28 * 25 * 3 + 14 * 14 * 3 * 7 + 7 * 2
    assert multiply_adds(convolutional, data(images(), torch.zeros(4).long())) == expected
    recurrent = row_lstm.build(row_lstm.Args(**TRAINING, num_hiddens=5), two)
    assert multiply_adds(recurrent, data(images(), torch.zeros(4).long())) == 28 * 4 * 5 * (28 + 5) + 5 * 2


def test_a_move_shifts_and_lets_zeros_in():
    before = images()
    after = move(before, 2, -3)
    assert torch.equal(after[:, :, 2:, :-3], before[:, :, :-2, 3:])
    assert not after[:, :, :2].any() and not after[:, :, :, -3:].any()
    assert torch.equal(move(before, 0, 0), before)


def test_a_quarter_turn_is_exact_and_a_small_one_keeps_the_centre():
    before = images()
    assert torch.equal(turn(before, 90), before.rot90(1, (2, 3)))
    assert torch.equal(turn(before, 0), before)
    square = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
    square[:, :, 10:18, 10:18] = 200
    turned = turn(square, 30).double()
    assert abs(turned.sum() / square.sum() - 1) < 0.02
    rows = torch.arange(28.0, dtype=torch.float64)
    assert abs((turned.sum((0, 1, 3)) * rows).sum() / turned.sum() - 13.5) < 0.05


def test_accuracies_are_of_the_changed_images():
    """A model that says on which half of the image the light is: moves and turns take it to the other half."""

    class Half(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return torch.stack([values[..., :14].sum((1, 2, 3)), values[..., 14:].sum((1, 2, 3))], 1)

    dots = torch.zeros(2, 1, 28, 28, dtype=torch.uint8)
    dots[0, 0, 5, 12] = dots[1, 0, 20, 22] = 255
    run = SimpleNamespace(args=SimpleNamespace(pixels="unit"))
    given = data(dots, torch.tensor([0, 1]))
    assert moved_accuracy(Half(), run, given, 0) == 1.0
    assert moved_accuracy(Half(), run, given, 3) == 7 / 8  # only the first, moved to the right, changes sides
    assert turned_accuracy(Half(), run, given, 180) == 0.0
