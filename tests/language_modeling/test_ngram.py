"""The n-gram model equals independent implementations, and its probabilities add up to one."""

import math
from collections import Counter, defaultdict
from functools import cache

import pytest
import torch
from nltk.lm import KneserNeyInterpolated
from nltk.util import everygrams

from stages.core.errors import UserError
from stages.language_modeling import ngram
from stages.language_modeling.train import stream_log_likelihood
from tests.language_modeling.small import WORDS, small_stream

V = WORDS + 2


def fitted(tokens: torch.Tensor, order: int, estimate=ngram.modified_discounts) -> ngram.NGram:
    model = ngram.NGram(order, V)
    ngram.count(model, tokens, estimate)
    return model


def by_hand(tokens: list[int], order: int):
    """Return p(word | context) by dictionaries and Chen and Goodman's equations, word for word."""
    counts = {order: Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))}
    for k in range(order - 1, 0, -1):
        before = defaultdict(set)
        for i in range(len(tokens) - k):
            before[tuple(tokens[i + 1 : i + 1 + k])].add(tokens[i])
        counts[k] = Counter({gram: len(words) for gram, words in before.items()})
    discounts, after = {}, {}
    for k, table in counts.items():
        n = [0] + [sum(value == times for value in table.values()) for times in (1, 2, 3, 4)]
        y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0
        given = [0, *([t - (t + 1) * y * n[t + 1] / n[t] for t in (1, 2, 3)] if min(n[1:]) else ngram.FALLBACK)]
        discounts[k] = [0.0] + [min(max(given[t], 0), t) for t in (1, 2, 3)]
        after[k] = defaultdict(list)
        for gram, value in table.items():
            after[k][gram[:-1]].append(value)

    @cache
    def probability(context: tuple[int, ...], word: int) -> float:
        k = len(context) + 1
        lower = probability(context[1:], word) if context else 1 / V
        following = after[k].get(context)
        if not following:
            return lower
        d, total = discounts[k], sum(following)
        value = counts[k].get((*context, word), 0)
        gamma = sum(d[min(value, 3)] for value in following) / total
        return max(value - d[min(value, 3)], 0) / total + gamma * lower

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_equals_dictionaries(order):
    """Modified Kneser-Ney of every token of a held-out text, to 1e-6 each, seen and unseen contexts alike."""
    train, held_out = small_stream(seed=0).tokens, small_stream(300, seed=1).tokens
    probability = by_hand(train.tolist(), order)
    found = stream_log_likelihood(fitted(train, order), held_out, order)
    words = held_out.tolist()
    expected = [math.log(probability(tuple(words[i - order + 1 : i]), words[i])) for i in range(order, len(words))]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6)


def test_it_equals_nltk():
    """One discount, and none for single words, which NLTK does not smooth: every token to 1e-6."""
    train, held_out = small_stream(2000, seed=0).tokens.tolist(), small_stream(200, seed=1).tokens.tolist()
    peer = KneserNeyInterpolated(3, discount=0.6)
    peer.fit([list(everygrams([str(word) for word in train], max_len=3))], [str(word) for word in range(V)])
    orders = iter([0.0, 0.6, 0.6])
    model = fitted(torch.tensor(train), 3, lambda counts: torch.full((3,), next(orders), dtype=torch.float64))
    found = stream_log_likelihood(model, torch.tensor(held_out), 3).tolist()
    compared = 0
    for place, score in enumerate(found, 3):
        context = [str(word) for word in held_out[place - 2 : place]]
        expected = peer.score(str(held_out[place]), context)
        # NLTK gives a word that it never saw after any other the probability 0 of single words.
        if expected:
            assert score == pytest.approx(math.log(expected), abs=1e-6)
            compared += 1
    assert compared > 150


@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_add_up_to_one(order):
    """After seen, unseen and missing contexts; and `predict` gives what `log_likelihood` gives."""
    tokens = small_stream().tokens
    model = fitted(tokens, order)
    inputs = torch.stack([tokens[10:14], torch.full((4,), V - 1)], dim=1)
    scores, _ = model.predict(inputs, None)
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(2))
    for word in range(V):
        targets = torch.full_like(inputs, word)
        torch.testing.assert_close(model.log_likelihood(inputs, targets, None)[0][-1], scores[:, word])


def test_it_is_the_same_after_saving():
    """Sizes are known from the file only."""
    data = small_stream()
    model = fitted(data.tokens, 3)
    again = ngram.build(ngram.Args(order=3), data.info)
    again.load_state_dict(model.state_dict())
    scores = [stream_log_likelihood(one, data.tokens, 100) for one in (model, again)]
    assert torch.equal(*scores)
    assert (
        again.num_ngrams
        == model.num_ngrams
        == sum(len(set(zip(*(data.tokens.tolist()[i:] for i in range(k)), strict=False))) for k in (1, 2, 3))
    )


def test_a_text_too_short_for_one_ngram():
    """One line that names the argument and what is allowed."""
    data = small_stream(5)
    args = ngram.Args(order=4)
    with pytest.raises(UserError, match="order = 4: must be at most 3"):
        ngram.train(ngram.build(args, data.info), data, args, 1, "run")
