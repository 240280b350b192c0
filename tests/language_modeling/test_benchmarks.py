"""What training a language model costs, as a ratio to the plain way in the same run; what scoring a long text needs.

`make bench` runs them; the plain way is torch's LSTM in float32 with the full softmax and Adam.
"""

import math
import resource
import time
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.core.data import PREPARED
from stages.core.device import prepare_device
from stages.language_modeling import lstm
from stages.language_modeling.data import load
from stages.language_modeling.train import batches, stream_log_likelihood, train_network
from tests.conftest import ROOT

SIZE, BATCH_SIZE, NUM_STEPS, RATE, EPOCHS = 256, 32, 35, 0.003, 1
ARGS = lstm.Args(
    embedding_size=SIZE,
    num_hiddens=SIZE,
    num_epochs=EPOCHS,
    batch_size=BATCH_SIZE,
    num_steps=NUM_STEPS,
    learning_rate=RATE,
    clip_norm=1.0,
    num_frequent=1024,
    num_sampled=512,
)
NUM_LEFT_OUT = 400_000  # of the training part, the first half: the plain way takes minutes for the rest
DATA = ROOT / PREPARED / "language_modeling/brown_sentences"


class Plain(nn.Module):
    """What a course would write: embedding, LSTM, linear layer, cross-entropy."""

    def __init__(self, num_words: int) -> None:
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(num_words, SIZE), nn.LSTM(SIZE, SIZE)
        self.linear = nn.Linear(SIZE, num_words)
        for weight in (self.embedding.weight, self.linear.weight):
            nn.init.uniform_(weight, -0.1, 0.1)

    def forward(self, tokens, state):
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.linear(hidden), state

    def log_likelihood(self, inputs, targets, state):
        with torch.no_grad():
            scores, state = self(inputs, state)
            return scores.log_softmax(2).gather(2, targets[:, :, None])[:, :, 0], state


def train_plainly(model: Plain, data) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        state = None
        for inputs, targets in batches(data.train, BATCH_SIZE, NUM_STEPS):
            state = None if state is None else tuple(part.detach() for part in state)
            scores, state = model(inputs, state)
            loss = functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()


@pytest.fixture(scope="module")
def data():
    if not DATA.exists():
        pytest.skip("needs `python -m stages repro stages/language_modeling/dvc.yaml:divide@brown_sentences`")
    prepare_device("cpu")
    whole = load(DATA)
    return replace(whole, tokens=whole.tokens[NUM_LEFT_OUT:], num_train=whole.num_train - NUM_LEFT_OUT)


def test_lstm_against_the_plain_way(benchmark, data):
    """At least twice the tokens a second, validation after each epoch included, at a perplexity within 2 %.

    Both with the same sizes, batch, rate and epochs; perplexities of the test part are exact, the plain one in float32.
    """
    torch.manual_seed(1)
    plain = Plain(len(data.vocabulary))
    start = time.perf_counter()
    train_plainly(plain, data)
    plain_seconds = time.perf_counter() - start

    torch.manual_seed(1)
    ours = lstm.build(ARGS, data.info)
    benchmark.pedantic(train_network, (ours, data, ARGS, 1, "ours"), rounds=1)
    tokens, begin = data.part("test")
    tokens = tokens[: begin + 50_000]
    perplexities = [math.exp(-stream_log_likelihood(model.eval(), tokens, begin).mean()) for model in (plain, ours)]
    ratio = plain_seconds / benchmark.stats.stats.mean
    benchmark.extra_info |= {"times as fast": ratio, "perplexity plain": perplexities[0], "ours": perplexities[1]}
    print(f"{ratio:.1f} times as fast; test perplexity {perplexities[0]:.1f} plain, {perplexities[1]:.1f} ours")
    assert ratio >= 2
    assert perplexities[1] <= 1.02 * perplexities[0]


def test_memory_does_not_grow_with_the_text(benchmark, data):
    """Ten times the text takes no more than 50 MB more, most of it the scores themselves."""
    torch.manual_seed(1)
    model = lstm.build(ARGS, data.info).eval()
    tokens = data.tokens.repeat(2)
    stream_log_likelihood(model, tokens[:40_000], 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    benchmark.pedantic(stream_log_likelihood, (model, tokens[:400_000], 1), rounds=1)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    benchmark.extra_info["MB more"] = grown
    print(f"{grown:.0f} MB more")
    assert grown < 50
