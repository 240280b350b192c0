"""The training loop: reading on, clipping, the best state, halving, divergence; every token is scored."""

import math

import pytest
import torch
from torch import nn

from stages.core.errors import UserError
from stages.language_modeling import lstm, mixture, ngram, rnn
from stages.language_modeling import train as training
from tests.language_modeling.small import WORDS, small_predictions, small_stream

ARGS = {
    "embedding_size": 16,
    "num_hiddens": 16,
    "num_epochs": 3,
    "batch_size": 4,
    "num_steps": 10,
    "learning_rate": 0.01,
}


def trained(model="lstm", data=None, seed=1, **more):
    module = {"lstm": lstm, "rnn": rnn}[model]
    data = small_stream() if data is None else data
    args = module.Args(**ARGS | more)
    torch.manual_seed(seed)
    network = module.build(args, data.info)
    return network, module.train(network, data, args, seed, "run")


def test_batches_read_on():
    """Each column is a part of the text; the steps follow each other; targets are the next tokens."""
    tokens = torch.arange(100)
    steps = list(training.batches(tokens, 4, 10, start=3))
    inputs, targets = (torch.cat(parts) for parts in zip(*steps, strict=True))
    assert torch.equal(targets, inputs + 1)
    assert torch.equal(inputs[:, 0], torch.arange(3, 27))
    assert torch.equal(inputs[0], torch.tensor([3, 27, 51, 75]))
    assert [len(step) for step, _ in steps] == [10, 10, 4]


@pytest.mark.parametrize("max_norm", [0.5, 100.0, None])
@pytest.mark.parametrize("sparse", [False, True])
def test_clipping_is_that_of_torch(max_norm, sparse):
    """Norm over all parameters, also where a word's row is in a sparse gradient several times."""
    words = torch.tensor([1, 1, 4])
    tables = [nn.Embedding(6, 3, sparse=kind) for kind in (sparse, False)]
    linear = [nn.Linear(3, 2) for _ in tables]
    for pair in (tables, linear):
        pair[1].load_state_dict(pair[0].state_dict())
    for table, layer in zip(tables, linear, strict=True):
        layer(table(words)).square().sum().backward()
    training.clip_gradients([*tables[0].parameters(), *linear[0].parameters()], max_norm)
    nn.utils.clip_grad_norm_([*tables[1].parameters(), *linear[1].parameters()], max_norm or math.inf)
    torch.testing.assert_close(tables[0].weight.grad.to_dense(), tables[1].weight.grad)
    torch.testing.assert_close(linear[0].weight.grad, linear[1].weight.grad)


def test_the_best_state_is_kept(monkeypatch):
    """What is given back is the state of the epoch with the least validation loss, not the last."""
    losses, states = iter([3.0, 2.0, 2.5]), []

    def loss(model, data):
        states.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return next(losses)

    monkeypatch.setattr(training, "mean_validation_loss", loss)
    network, history = trained()
    assert [record["validation_loss"] for record in history] == [3.0, 2.0, 2.5]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, states[1][name])
        assert not torch.equal(tensor, states[2][name])


def test_the_rate_is_halved_where_little_is_gained(monkeypatch):
    losses = iter([3.0, 2.0, 1.95, 1.5, 1.6, 1.0])
    monkeypatch.setattr(training, "mean_validation_loss", lambda model, data: next(losses))
    _, history = trained(num_epochs=6, min_improvement=0.1)
    assert [record["learning_rate"] / 0.01 for record in history] == [1, 1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("num_frequent", [None, 16])
def test_it_learns_and_repeats_itself(num_frequent):
    """Near the entropy of the language, log 3 and a little, with and without sampled words; the same again."""
    given = {"learning_rate": 0.03, "num_frequent": num_frequent, "num_sampled": 8, "clip_norm": 1.0}
    _, history = trained(num_epochs=5, **given)
    assert history[-1]["validation_loss"] < 1.8 < 2.0 < history[0]["validation_loss"]
    (network, history), (twin, again) = (trained(num_epochs=1, **given) for _ in range(2))
    assert history == again
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))


@pytest.mark.parametrize("rate", [50.0, 1e30])
def test_divergence_is_recorded_and_leaves_a_usable_network(rate):
    """Worse than a guess, or not finite: as many records as epochs, finite numbers, and the network as it was."""
    network, history = trained("rnn", small_stream(unit="character"), optimizer="sgd", learning_rate=rate)
    assert [record["epoch"] for record in history] == [1, 2, 3]
    assert max(record["diverged"] for record in history) == 1
    assert 0 < history[-1]["loss_jumps"] <= 1
    assert all(math.isfinite(value) for record in history for value in record.values())
    assert training.mean_validation_loss(network, small_stream()) < math.log(WORDS + 2)


def test_jumps_by_hand():
    """Median 3 of eleven threes and ten twos; then no jump, a jump, not a number, and a step that has one before it."""
    losses = [2.0] * 10 + [3.0] * 11
    assert training.jumps(torch.tensor(losses)) == 0.0  # none has enough steps before it
    assert training.jumps(torch.tensor([*losses, 3.5])) == 0.0
    assert training.jumps(torch.tensor([*losses, 3.5, 3.75])) == 1 / 2
    assert training.jumps(torch.tensor([*losses, 3.5, 3.75, 3.5, math.inf])) == 2 / 4
    assert training.jumps(torch.tensor([*losses, 3.5, 3.75, math.nan, 2.0])) == 3 / 4


def test_jumps_are_of_all_steps_so_far_and_of_characters_only(monkeypatch):
    """Recording them changes no number."""
    found, losses = training.sampled_cross_entropy, []

    def loss(*arguments, **more):
        losses.append(found(*arguments, **more))
        return losses[-1]

    monkeypatch.setattr(training, "sampled_cross_entropy", loss)
    (network, history), (twin, of_words) = (
        trained("rnn", small_stream(unit=unit), optimizer="sgd", learning_rate=20.0) for unit in ("character", "word")
    )
    steps = torch.stack(losses[: len(losses) // 2]).detach()
    shares = [training.jumps(steps[: len(steps) * epoch // 3]) for epoch in (1, 2, 3)]
    assert [record.pop("loss_jumps") for record in history] == shares
    assert shares[-1] > 0
    assert history == of_words
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))


def test_a_text_shorter_than_one_step():
    with pytest.raises(UserError, match="batch_size = 4: must be below 3, the tokens to train on"):
        trained(data=small_stream(5))


def test_models_refuse_data_of_another_kind():
    """One line each way: a network on predictions, a mixture on a text."""
    with pytest.raises(UserError, match="an entry of `divide`"):
        trained(data=small_predictions())
    with pytest.raises(UserError, match="an entry of `mix`"):
        mixture.train(mixture.build(mixture.Args(), {}), small_stream(), mixture.Args(), 1, "run")


@pytest.mark.parametrize("length", [1, 50, training.COLUMNS * training.WARM_UP + 37])
def test_every_token_is_scored_once(length):
    """A bigram model needs one token before: columns, chunks and ends must give what a single pass gives."""
    data = small_stream(4000)
    model = ngram.NGram(2, WORDS + 2)
    ngram.count(model, data.tokens, ngram.modified_discounts)
    tokens = data.tokens[: 200 + length]
    scores = training.stream_log_likelihood(model, tokens, 200)
    expected, _ = model.log_likelihood(tokens[199:-1, None], tokens[200:, None], None)
    assert torch.equal(scores, expected[:, 0].double())


def test_a_short_text_is_read_as_a_whole_from_its_beginning():
    network, _ = trained()
    tokens = small_stream().tokens[:300]
    scores = training.stream_log_likelihood(network.eval(), tokens, 1)
    expected, _ = network.log_likelihood(tokens[:-1, None], tokens[1:, None], None)
    torch.testing.assert_close(scores, expected[:, 0].double(), rtol=1e-3, atol=1e-3)


def test_columns_side_by_side_score_as_one_pass():
    """What a network forgets at the border of a column does not count after the warm-up."""
    network, _ = trained(precision="float32")
    tokens = small_stream(6000).tokens
    scores = training.stream_log_likelihood(network.eval(), tokens, 1000)
    expected, _ = network.log_likelihood(tokens[:-1, None], tokens[1:, None], None)
    assert len(scores) == 5000
    assert scores.mean().item() == pytest.approx(expected[999:, 0].mean().item(), abs=1e-5)
