"""The architectures against hand arithmetic, and on one batch."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn import functional

from stages.core.data import Split
from stages.core.training import mean_loss, train
from stages.image_classification import lenet, mlp, softmax_regression

TRAINING = {"num_epochs": 1, "batch_size": 64, "learning_rate": 0.01}


def build_mlp(**changes) -> nn.Module:
    return mlp.build(mlp.Args(**TRAINING | {"layer_sizes": [784, 256, 128, 10]} | changes), {})


def test_softmax_regression_is_x_w_plus_b():
    model = softmax_regression.build(softmax_regression.Args(**TRAINING, num_inputs=12, num_outputs=3), {})
    x = torch.randn(5, 1, 3, 4)
    torch.testing.assert_close(model(x), x.reshape(5, 12) @ model[1].weight.T + model[1].bias)


def test_mlp_is_affine_relu_affine():
    model = build_mlp(layer_sizes=[12, 4, 3])
    x = torch.randn(5, 1, 3, 4)
    hidden = (x.reshape(5, 12) @ model[1].weight.T + model[1].bias).clamp(min=0)
    torch.testing.assert_close(model(x), hidden @ model[3].weight.T + model[3].bias)


def test_output_of_the_features_of_an_mlp_are_its_logits():
    """The features are the activations of the last hidden layer, as many as that has units."""
    model = build_mlp(layer_sizes=[12, 4, 3], dropout=0.5).eval()
    x = torch.randn(5, 1, 3, 4)
    features = model.features(x)
    torch.testing.assert_close(features, (x.reshape(5, 12) @ model[1].weight.T + model[1].bias).clamp(min=0))
    assert torch.equal(model.output(features), model(x))
    assert list(model.state_dict()) == ["1.weight", "1.bias", "4.weight", "4.bias"]


def test_lenet_is_convolution_pooling_normalisation_relu():
    """In evaluation, with other statistics than the initial ones; and a linear layer on the features."""
    args = lenet.Args(**TRAINING, channels=[3], kernel_size=3, num_features=5)
    model = lenet.build(args, {"classes": ["a", "b"]}).eval()
    convolution, _, maps_norm, _ = model.maps
    _, linear, norm, _ = model.hidden
    for layer in (maps_norm, norm):
        nn.init.uniform_(layer.running_mean, 0, 1)
        nn.init.uniform_(layer.running_var, 1, 2)
    x = torch.rand(4, 1, 28, 28)
    pooled = functional.max_pool2d(functional.conv2d(x, convolution.weight, padding=1), 2)
    scale = maps_norm.running_var.add(maps_norm.eps).rsqrt()[:, None, None]
    maps = ((pooled - maps_norm.running_mean[:, None, None]) * scale).relu()
    hidden = maps.reshape(4, 3 * 14 * 14) @ linear.weight.T
    features = ((hidden - norm.running_mean) / (norm.running_var + norm.eps).sqrt()).relu()
    torch.testing.assert_close(model.features(x), features)
    torch.testing.assert_close(model(x), features @ model.output.weight.T + model.output.bias)


@pytest.mark.parametrize(
    ("layer_sizes", "count"),
    [([784, 256, 10], 784 * 256 + 256 + 256 * 10 + 10), ([784, 256, 128, 10], 235146), ([784, 10], 7850)],
)
def test_number_of_parameters(layer_sizes, count):
    assert sum(p.numel() for p in build_mlp(layer_sizes=layer_sizes).parameters()) == count


def test_dropout_follows_every_hidden_layer_and_nothing_else():
    kinds = [type(layer).__name__ for layer in build_mlp(dropout=0.1)]
    assert kinds == ["Flatten", *["Linear", "ReLU", "Dropout"] * 2, "Linear"]


@pytest.mark.parametrize(
    ("initialisation", "deviation"),
    [
        ("pytorch", 1 / math.sqrt(3 * 784)),
        ("xavier", math.sqrt(2 / (784 + 256))),
        ("kaiming", math.sqrt(2 / 784)),
    ],
)
def test_initial_weights_have_the_papers_spread(initialisation, deviation):
    torch.manual_seed(0)
    weight = build_mlp(initialisation=initialisation)[1].weight
    assert weight.std().item() == pytest.approx(deviation, rel=0.01)


def test_overfits_one_batch():
    torch.manual_seed(0)
    batch = Split(torch.rand(32, 1, 28, 28), torch.arange(32) % 10)
    model = build_mlp(layer_sizes=[784, 64, 10])
    args = mlp.Args(num_epochs=300, batch_size=32, learning_rate=0.1, layer_sizes=[784, 64, 10])
    train(model, functional.cross_entropy, batch, args, seed=0)
    assert mean_loss(model, functional.cross_entropy, batch) < 0.05


def test_arguments_refuse_impossible_values():
    for wrong in ({"dropout": 1.0}, {"layer_sizes": [784]}, {"layer_sizes": [784, 0, 10]}, {"pixels": "raw"}):
        with pytest.raises(ValidationError):
            build_mlp(**wrong)
