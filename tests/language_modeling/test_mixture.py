"""Mixtures: the weighted mean of probabilities, with the weight that the validation part likes best."""

import pytest
import torch
from scipy.optimize import minimize_scalar

from stages.language_modeling import mixture, ngram
from tests.language_modeling.small import WORDS, small_predictions, small_stream


def test_it_is_the_weighted_mean_of_both():
    data = small_predictions()
    model = mixture.build(mixture.Args(weight=0.3), {})
    history = mixture.train(model, data, mixture.Args(weight=0.3), 2, "run")
    first, second = (scores.exp() for scores in data.pair("validation", 2))
    expected = -(0.3 * first + 0.7 * second).log().mean().item()
    assert history[0]["validation_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_weight_is_the_best_one():
    """Against SciPy's minimiser."""
    data = small_predictions()
    model = mixture.build(mixture.Args(), {})
    mixture.train(model, data, mixture.Args(), 1, "run")
    first, second = (scores.double().exp() for scores in data.pair("validation", 1))
    best = minimize_scalar(lambda w: -(w * first + (1 - w) * second).log().mean().item(), bounds=(0, 1)).x
    assert model.weight.item() == pytest.approx(best, abs=1e-3)
    assert 0.2 < best < 0.95


def test_a_run_without_the_seed_gives_that_of_its_first():
    """n-grams have fewer seeds than networks."""
    data = small_predictions(seeds=(3, 4))
    assert torch.equal(data.pair("test", 4)[0], data.first["test_4"])
    assert torch.equal(data.pair("test", 9)[0], data.first["test_3"])


def test_live_models_are_mixed_as_their_predictions_are():
    """Both methods of a language model, with both states carried on."""
    tokens = small_stream().tokens
    models = [ngram.NGram(order, WORDS + 2) for order in (1, 3)]
    for model in models:
        ngram.count(model, tokens, ngram.modified_discounts)
    mixed = mixture.Mixture(*models)
    mixed.weight.data.fill_(0.25)
    inputs, targets = tokens[:20, None], tokens[1:21, None]
    parts = [model.log_likelihood(inputs, targets, None)[0].exp() for model in models]
    first, state = mixed.log_likelihood(inputs[:9], targets[:9], None)
    second, _ = mixed.log_likelihood(inputs[9:], targets[9:], state)
    torch.testing.assert_close(torch.cat([first, second]).exp(), 0.25 * parts[0] + 0.75 * parts[1])
    scores, _ = mixed.predict(inputs, None)
    torch.testing.assert_close(scores.exp().sum(), torch.tensor(1.0))
    torch.testing.assert_close(scores[0, targets[-1, 0]], second[-1, 0])
