"""Each network equals an independent computation from its weights, and can learn a text by heart."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.core.device import product_dtype
from stages.language_modeling import gru, lstm, neural_ngram, rnn, transformer
from stages.language_modeling.train import CHUNK
from tests.language_modeling.small import small_stream

NETWORK = {"num_epochs": 1, "batch_size": 2, "num_steps": 16, "learning_rate": 0.01, "precision": "float32"}
RECURRENT = {"embedding_size": 12, "num_hiddens": 12}
INFO = {"num_words": 32}
MODELS = {
    "rnn": (rnn, RECURRENT),
    "rnn_one_hot": (rnn, {"embedding_size": None, "num_hiddens": 12}),
    "gru": (gru, RECURRENT),
    "lstm": (lstm, RECURRENT),
    "lstm_tied_wide": (lstm, {"embedding_size": 12, "num_hiddens": 20, "tied": True, "num_layers": 2}),
    "neural_ngram": (neural_ngram, {"order": 4, "embedding_size": 6, "num_hiddens": 10}),
    "transformer": (
        transformer,
        {"num_hiddens": 16, "num_layers": 2, "num_heads": 2, "feed_forward_size": 24, "num_steps": CHUNK + 16},
    ),
}


def build(name: str, **more):
    module, own = MODELS[name]
    args = module.Args(**NETWORK | own | more)
    torch.manual_seed(0)
    return module.build(args, INFO).eval(), module, args


def predictions(model, inputs: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of all words at all times, (time, batch, words), by the model's scoring."""
    words = [model.log_likelihood(inputs, torch.full_like(inputs, word), None)[0] for word in range(INFO["num_words"])]
    return torch.stack(words, 2)


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randint(32, (20, 3), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("name", "layer"), [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_recurrent_networks_equal_their_equations(name, layer, inputs):
    """torch's cell, step by step by its documented equations, and a softmax over the output vectors."""
    model, *_ = build(name)
    weights = dict(model.recurrent.named_parameters())
    w, u = weights["weight_ih_l0"], weights["weight_hh_l0"]
    b, c = weights["bias_ih_l0"], weights["bias_hh_l0"]
    h = cell = torch.zeros(3, 12)
    scores = []
    for tokens in inputs:
        x, r = model.embedding.weight[tokens] @ w.T + b, h @ u.T + c
        if layer is nn.RNN:
            h = torch.tanh(x + r)
        elif layer is nn.GRU:
            (x_r, x_z, x_n), (h_r, h_z, h_n) = x.chunk(3, 1), r.chunk(3, 1)
            z = torch.sigmoid(x_z + h_z)
            h = (1 - z) * torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n) + z * h
        else:
            i, f, g, o = (x + r).chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            h = o.sigmoid() * cell.tanh()
        scores.append((h @ model.output.weight.T + model.bias).log_softmax(1))
    torch.testing.assert_close(predictions(model, inputs), torch.stack(scores), rtol=1e-4, atol=1e-5)


def test_the_neural_ngram_equals_its_equation(inputs):
    """Equation 1 of the paper, word by word, with W and U taken from the output vectors; before the text is word 0."""
    model, *_ = build("neural_ngram")
    w, u = model.output.weight[:, :18], model.output.weight[:, 18:]
    padded = torch.cat([torch.zeros(2, 3, dtype=torch.int64), inputs])
    for time in range(len(inputs)):
        for column in range(3):
            x = torch.cat([model.embedding.weight[padded[time + 2 - back, column]] for back in range(3)])
            y = model.bias + w @ x + u @ torch.tanh(model.hidden.bias + model.hidden.weight @ x)
            found = predictions(model, inputs[: time + 1])[-1, column]
            torch.testing.assert_close(found, y.log_softmax(0), rtol=1e-4, atol=1e-5)
        if time > 3:
            break


def test_the_transformer_equals_its_equations(inputs):
    """Attention by F.scaled_dot_product_attention, normalisation first, from the same weights."""
    model, *_ = build("transformer")
    time = torch.arange(len(inputs))[:, None]
    angles = time / 10000 ** (torch.arange(0, 16, 2) / 16)
    x = model.embedding.weight[inputs] * math.sqrt(16)
    x = x + torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, None]
    for layer in model.layers.layers:
        normed, attention = layer.norm1(x), layer.self_attn
        q, k, v = (normed @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, 2)
        heads = [part.view(20, 3, 2, 8).permute(1, 2, 0, 3) for part in (q, k, v)]  # (batch, heads, time, 8)
        mixed = functional.scaled_dot_product_attention(*heads, is_causal=True).permute(2, 0, 1, 3).reshape(20, 3, 16)
        x = x + attention.out_proj(mixed)
        x = x + layer.linear2(functional.relu(layer.linear1(layer.norm2(x))))
    scores = (model.layers.norm(x) @ model.output.weight.T + model.bias).log_softmax(2)
    torch.testing.assert_close(predictions(model, inputs), scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_state_carries_on_and_nothing_comes_from_later(name, inputs):
    """A text in two calls scores as in one, and a token does not change what comes before it."""
    model, *_ = build(name)
    targets = inputs.roll(-1, 0)
    whole, _ = model.log_likelihood(inputs, targets, None)
    first, state = model.log_likelihood(inputs[:7], targets[:7], None)
    second, _ = model.log_likelihood(inputs[7:], targets[7:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=1e-4, atol=1e-5)
    changed = inputs.clone()
    changed[10:] = 5
    other, _ = model.log_likelihood(changed, targets, None)
    torch.testing.assert_close(other[:10], whole[:10])
    assert not torch.allclose(other[10:], whole[10:])


@pytest.mark.parametrize("name", MODELS)
def test_predict_is_what_log_likelihood_gives(name, inputs):
    model, *_ = build(name)
    scores, _ = model.predict(inputs, None)
    torch.testing.assert_close(scores, predictions(model, inputs)[-1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(3))


@pytest.mark.parametrize("name", MODELS)
def test_it_learns_a_text_by_heart(name):
    """Of a few dozen tokens, repeated, a network learns nearly all: far more than their frequencies."""
    data = small_stream(200)
    tokens = data.tokens[:60].repeat(20)
    short = type(data)(tokens, data.vocabulary, "word", data.eos, 1080, 60, 60)
    batch_size = 2 if name == "transformer" else 8  # its steps are longer, and so fewer
    model, module, args = build(name, num_epochs=20, batch_size=batch_size, learning_rate=0.03)
    history = module.train(model, short, args, 1, "run")
    assert min(record["validation_loss"] for record in history) < 0.7
    assert history[0]["validation_loss"] > 1.5


def test_dropout_is_the_same_at_all_times_and_off_afterwards():
    model, *_ = build("lstm", dropout=0.5)
    model.train()
    dropped = model.drop(torch.ones(5, 4, 64))
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    model.eval()
    assert torch.equal(model.drop(torch.ones(5, 4, 64)), torch.ones(5, 4, 64))


@pytest.mark.skipif(product_dtype("bfloat16", "cpu") != torch.bfloat16, reason="a processor without bfloat16")
def test_bfloat16_changes_the_perplexity_by_less_than_a_thousandth():
    """The reported perplexity is of products in bfloat16; it stands for the float32 one."""
    tokens = small_stream(2000).tokens
    losses = []
    for precision in ("float32", "bfloat16"):
        model, *_ = build("lstm", precision=precision)
        losses.append(model.log_likelihood(tokens[:-1, None], tokens[1:, None], None)[0].mean().item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert losses[0] != losses[1]
