"""Training as a whole: it learns, it stops at bad input, and its steps are of a safe size."""

import pytest
import torch

from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.vocabulary import Vocabulary
from stages.word_vectors import cbow, glove, skip_gram, skip_gram_softmax
from stages.word_vectors.data import Corpus
from stages.word_vectors.evaluate import score
from stages.word_vectors.train import BLOCK, LOAD, SHARE, draw_negatives, fit, step_shape, window_batches
from tests.word_vectors.small import small_cooccurrences, small_corpus

SETTINGS = {
    "skip_gram": (skip_gram, {"learning_rate": 0.02, "window": 3}),
    "skip_gram_softmax": (skip_gram_softmax, {"learning_rate": 0.01, "window": 3}),
    "cbow": (cbow, {"learning_rate": 0.1, "window": 3}),
    "glove": (glove, {"learning_rate": 0.2, "x_max": 10.0}),
}


def run_of(model: str, **changes) -> Run:
    module, settings = SETTINGS[model]
    args = module.Args(**{"dimensions": 10, "num_epochs": 10, **settings, **changes})
    return Run("small", "word_vectors", model, "small", args, [1], "cpu")


@pytest.mark.parametrize("model", SETTINGS)
def test_words_of_a_topic_become_similar(model):
    run = run_of(model)
    data = small_cooccurrences(20_000) if model == "glove" else small_corpus(20_000)
    torch.manual_seed(1)
    trained, history = fit(run, data, seed=1)
    metrics = score(trained, run, data, history)
    assert metrics["wordsim353"] > 0.4  # most pairs are of two topics and rated by noise alone
    assert metrics["wordsim353_missing"] == pytest.approx(1 / len(data.similarity["wordsim353"]))
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_a_window_larger_than_the_text_is_refused():
    expected = "small: args.window = 5 must be smaller than the text of 'small'"
    with pytest.raises(UserError, match=f"{expected}, of which an epoch keeps 4 words"):
        fit(run_of("skip_gram", window=5), small_corpus(4), seed=1)


def test_a_text_of_which_subsampling_leaves_nothing_is_refused():
    """Training would otherwise go through no step and end with vectors as they were drawn."""
    with pytest.raises(
        UserError, match="window = 5 must be smaller than the text of 'small', of which an epoch keeps 0"
    ):
        fit(run_of("skip_gram", window=5), small_corpus(30, threshold=1e-9), seed=1)


def test_a_model_refuses_data_of_another_kind():
    with pytest.raises(UserError, match=r"small: data = 'small': model 'glove' needs a key of data.cooccur"):
        fit(run_of("glove"), small_corpus(), seed=1)
    with pytest.raises(UserError, match=r"model 'cbow' needs a key of data.subsample"):
        fit(run_of("cbow"), small_cooccurrences(), seed=1)


def test_vectors_that_are_no_longer_finite_stop_training():
    with pytest.raises(
        UserError, match=r"small seed 1: loss or vectors are not finite in epoch 1; lower learning_rate"
    ):
        fit(run_of("skip_gram", learning_rate=1e30), small_corpus(), seed=1)


def test_a_text_shorter_than_a_block_is_trained_on():
    model, _ = fit(run_of("skip_gram", window=5), small_corpus(BLOCK - 3), seed=1)
    assert model.output.weight.any()


def test_negative_samples_are_drawn_by_the_power_of_three_quarters():
    counts = torch.tensor([1000, 100, 10, 1])
    drawn = draw_negatives(counts, 200_000, torch.Generator().manual_seed(0))
    expected = counts**0.75 / (counts**0.75).sum()
    torch.testing.assert_close(torch.bincount(drawn, minlength=4) / len(drawn), expected, atol=0.005, rtol=0)


def test_subsampling_keeps_the_share_that_it_says_and_draws_anew_each_epoch():
    data = small_corpus(50_000, threshold=0.002)
    draws = torch.Generator().manual_seed(0)
    args = run_of("skip_gram", window=2).args
    epochs = [
        torch.cat([blocks.centers for _, blocks in window_batches(data, args, draws, torch.device("cpu"))])
        for _ in range(2)
    ]
    expected = data.keep_probability[data.tokens].sum().item()
    assert [len(epoch) for epoch in epochs] == [pytest.approx(expected, rel=0.05)] * 2
    assert not torch.equal(epochs[0][:100], epochs[1][:100])


@pytest.mark.parametrize("settings", [{}, {"window": 10}, {"num_negatives": 15}])
def test_no_word_is_a_negative_sample_of_too_many_pairs_of_a_step(settings):
    """What makes training diverge on a small vocabulary: see the docstring of `stages/word_vectors/train.py`."""
    counts = (1e6 / torch.arange(1, 5001)).long()  # as Zipf has it
    args = run_of("skip_gram", **settings).args
    shape = step_shape(counts, args)
    pairs = shape.blocks * BLOCK * (args.window + 1)
    share = (counts[0] ** 0.75 / (counts**0.75).sum()).item()
    assert pairs * args.num_negatives * share <= LOAD or shape.blocks == 1
    assert shape.weight * shape.negatives == pytest.approx(args.num_negatives)
    assert shape.negatives >= BLOCK * (args.window + 1) * args.num_negatives / SHARE


def test_a_small_skewed_vocabulary_does_not_diverge():
    """Steps of 256 positions, which a large vocabulary bears, gave losses of thousands here."""
    draws = torch.Generator().manual_seed(0)
    counts = (1e4 / torch.arange(1, 301)).long()
    tokens = torch.arange(300).repeat_interleave(counts)[torch.randperm(int(counts.sum()), generator=draws)].int()
    vocabulary = Vocabulary([f"w{number}" for number in range(300)], counts.tolist())
    data = Corpus(vocabulary, {}, [], tokens, torch.ones(300))
    _, history = fit(run_of("skip_gram", window=5, learning_rate=0.025, num_epochs=2), data, seed=1)
    assert all(record["train_loss"] < 4.2 for record in history)  # 6 ln 2 = 4.16 is what zero vectors give
