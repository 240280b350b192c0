"""The small models against hand arithmetic and closed forms."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from stages.core.data import Split
from stages.core.training import TrainingArgs, train
from stages.regression import linear_regression, logistic_regression, polynomial_regression, two_layer
from stages.regression.evaluate import classify
from stages.regression.train import LOSSES

TRAINING = {"num_epochs": 1, "batch_size": 8, "learning_rate": 0.1}


def test_polynomial_is_the_sum_of_powers():
    model = polynomial_regression.build(polynomial_regression.Args(**TRAINING, degree=3), {})
    x = torch.randn(5, 1)
    (w_1, w_2, w_3), b = model.weight[0], model.bias
    torch.testing.assert_close(model(x), w_1 * x + w_2 * x**2 + w_3 * x**3 + b)


def test_two_layer_is_affine_relu_affine():
    args = two_layer.Args(**TRAINING, num_inputs=6, num_hiddens=4, num_outputs=3)
    model = two_layer.build(args, {})
    x = torch.randn(5, 6)
    hidden = (x @ model[0].weight.T + model[0].bias).relu()
    torch.testing.assert_close(model(x), hidden @ model[2].weight.T + model[2].bias)


def test_linear_regression_trained_long_is_least_squares():
    draws = torch.Generator().manual_seed(0)
    data = Split(torch.randn(40, 2, generator=draws), torch.randn(40, 1, generator=draws))
    model = linear_regression.build(linear_regression.Args(**TRAINING, num_inputs=2), {})
    train(model, LOSSES["regression"], data, TrainingArgs(num_epochs=80, batch_size=40, learning_rate=0.3), seed=0)
    exact = torch.linalg.lstsq(torch.cat([data.inputs, torch.ones(40, 1)], 1), data.targets).solution.flatten()
    assert [*model.weight[0].tolist(), model.bias.item()] == pytest.approx(exact.tolist(), abs=1e-5)


def test_logistic_regression_trained_long_is_scikit_learns():
    draws = torch.Generator().manual_seed(0)
    inputs = torch.randn(60, 2, generator=draws)
    targets = (inputs.sum(1, keepdim=True) + torch.randn(60, 1, generator=draws) > 0).float()
    model = logistic_regression.build(logistic_regression.Args(**TRAINING, num_inputs=2), {})
    args = TrainingArgs(num_epochs=200, batch_size=60, learning_rate=1.0, momentum=0.9)
    train(model, LOSSES["binary"], Split(inputs, targets), args, seed=0)
    peer = LogisticRegression(C=1e12, tol=1e-8).fit(inputs.numpy(), targets.flatten().numpy())
    assert model.weight[0].tolist() == pytest.approx(peer.coef_[0].tolist(), rel=1e-3)


def test_classes_from_log_odds_and_from_logits():
    assert classify(torch.tensor([[-0.1], [0.2]])).tolist() == [[0.0], [1.0]]
    assert classify(torch.tensor([[1.0, 3.0, 2.0], [5.0, 3.0, 2.0]])).tolist() == [1, 0]
