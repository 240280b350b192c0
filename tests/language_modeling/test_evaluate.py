"""Scores by their definitions; generated text obeys temperature, seed and vocabulary."""

import math

import pytest
import torch

from stages.core.run import Run
from stages.language_modeling import evaluate, mixture, ngram
from tests.language_modeling.small import small_predictions, small_stream


@pytest.fixture(params=["word", "character"])
def fitted(request):
    data = small_stream(unit=request.param)
    args = ngram.Args(order=2)
    model = ngram.build(args, data.info)
    history = ngram.train(model, data, args, 1, "run")
    return model, Run("run", "language_modeling", "ngram", "small", args, [1], "cpu"), data, history


def test_perplexity_by_both_formulas(fitted):
    """Every test token counts; the two formulas of claim 20 agree; bits are those of the same perplexity."""
    model, run, data, history = fitted
    metrics = evaluate.score(model, run, data, history)
    tokens, start = data.part("test")
    product = 1.0
    for place in range(start, len(tokens)):
        scores, _ = model.predict(tokens[place - 1 : place, None], None)
        product *= scores[0, tokens[place]].exp().item() ** (-1 / data.num_test)
    assert metrics["test_perplexity"] == pytest.approx(product, rel=1e-5)
    assert metrics["inverse_probability"] == pytest.approx(metrics["test_perplexity"], rel=1e-9)
    assert ("bits_per_character" in metrics) == (data.unit == "character")
    if data.unit == "character":
        assert metrics["bits_per_character"] == pytest.approx(math.log2(metrics["test_perplexity"]))
    assert metrics["num_ngrams"] == model.num_ngrams
    assert metrics["log10_possible_ngrams"] == pytest.approx(math.log10(len(data.vocabulary) ** 2))


def test_divergence_in_any_epoch_counts_and_jumps_until_the_last(fitted):
    model, run, data, _ = fitted
    history = [{"diverged": 1.0, "loss_jumps": 0.5}, {"diverged": 0.0, "loss_jumps": 0.25}]
    metrics = evaluate.score(model, run, data, history)
    assert (metrics["diverged"], metrics["loss_jumps"]) == (1.0, 0.25)
    assert "loss_jumps" not in evaluate.score(model, run, data, [{"diverged": 0.0}])


def test_losses_by_frequency_add_up_to_the_whole(fitted):
    model, run, data, history = fitted
    outputs = evaluate.outputs(model, run, data)
    total = (outputs["kind_tokens"] * outputs["kind_losses"]).sum().item() / data.num_test
    assert math.exp(total) == pytest.approx(evaluate.score(model, run, data, history)["test_perplexity"])
    unknown = (data.tokens[-data.num_test :] == 0).sum().item()
    assert outputs["kind_tokens"][evaluate.KINDS.index("unknown")] == unknown > 0
    assert outputs["samples"].shape == (evaluate.SAMPLES, evaluate.OPENING + evaluate.SAMPLE_LENGTH)


def test_a_mixture_is_scored_by_its_predictions():
    data, args = small_predictions(), mixture.Args(weight=0.5)
    model = mixture.build(args, {})
    history = mixture.train(model, data, args, 2, "run")
    run = Run("run", "language_modeling", "mixture", "small", args, [2], "cpu")
    metrics = evaluate.score(model, run, data, history)
    mean = torch.stack([scores.exp() for scores in data.pair("test", 2)]).mean(0)
    assert metrics["test_perplexity"] == pytest.approx(math.exp(-mean.log().mean().item()), rel=1e-5)
    assert metrics["weight"] == 0.5


def test_generated_text(fitted):
    """The prompt first; never `<unk>`; the same seed the same text; cold is greedy, hot is not."""
    model, _, data, _ = fitted

    def generate(temperature, seed=1):
        draws = torch.Generator().manual_seed(seed)
        return evaluate.generate(model, data.tokens[:3], 200, temperature, draws, data).tolist()

    warm = generate(1.0)
    assert warm[:3] == data.tokens[:3].tolist()
    assert len(warm) == 203
    assert 0 not in warm[3:]
    assert warm == generate(1.0)
    assert warm != generate(1.0, seed=2)
    cold = generate(1e-4)
    for place in range(3, 30):
        scores, _ = model.predict(torch.tensor(cold[place - 1 : place])[:, None], None)
        scores[0, 0] = -math.inf
        assert cold[place] == scores.argmax().item()
    assert len(set(generate(100.0))) > len(set(cold))


def test_repeated_state_goes_on_for_each_copy():
    state = (torch.arange(6).view(2, 1, 3), (torch.ones(1, 1, 4), None))
    again = evaluate.repeated(state, 5)
    assert again[0].shape == (2, 5, 3)
    assert torch.equal(again[0][:, 4], state[0][:, 0])
    assert again[1][1] is None
