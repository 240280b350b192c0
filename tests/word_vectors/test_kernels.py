"""Each training kernel moves the vectors by the gradient of the loss that its module states."""

import pytest
import torch

from stages.core.vocabulary import Vocabulary
from stages.word_vectors import cbow, glove, skip_gram, skip_gram_softmax
from stages.word_vectors.data import Cooccurrences, Corpus
from stages.word_vectors.train import BLOCK, Blocks, in_reach, sum_overlaps, window_batches

WORDS, DIMENSIONS, RATE = 40, 6, 0.01
INFO = {"num_words": WORDS}


def corpus(length: int) -> Corpus:
    """A random text in which every word is kept."""
    tokens = torch.randint(WORDS, (length,), dtype=torch.int32, generator=torch.Generator().manual_seed(0))
    counts = torch.bincount(tokens, minlength=WORDS).clamp(min=1).tolist()
    vocabulary = Vocabulary([f"w{i}" for i in range(WORDS)], counts)
    return Corpus(vocabulary, {}, [], tokens, torch.ones(WORDS))


def batches(args, length=3 * BLOCK + 5) -> list[Blocks]:
    draws = torch.Generator().manual_seed(1)
    return [blocks for _, blocks in window_batches(corpus(length), args, draws, torch.device("cpu"))]


def random_model(module, args):
    """The model with vectors that are all different and none zero."""
    torch.manual_seed(2)
    model = module.build(args, INFO)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def pairs_of(blocks: Blocks) -> tuple[torch.Tensor, ...]:
    """Every pair of the windows as (center, context) and the negative samples of its block, one row a pair."""
    block, position, place = blocks.near.nonzero(as_tuple=True)
    contexts = blocks.tokens[block * BLOCK + place]
    return blocks.centers[block * BLOCK + position], contexts, blocks.negatives[block]


@pytest.mark.parametrize("window", [1, 3, 11])
def test_an_epoch_holds_every_pair_of_the_windows_once(window):
    """Blocks overlap and the last is filled up; no pair may be lost or counted twice there."""
    args = skip_gram.Args(dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE, window=window)
    text = corpus(5 * BLOCK + 7)
    draws = torch.Generator().manual_seed(1)
    found = [pairs_of(blocks)[:2] for _, blocks in window_batches(text, args, draws, torch.device("cpu"))]
    found = sorted((int(a), int(b)) for centers, contexts in found for a, b in zip(centers, contexts, strict=True))

    draws = torch.Generator().manual_seed(1)
    torch.rand(len(text.tokens), generator=draws)  # subsampling draws first
    words = text.tokens.tolist()
    size = sum(len(blocks.centers) for blocks in batches(args, len(words)))
    radius = torch.randint(1, window + 1, (size,), generator=draws).tolist()
    expected = [
        (words[i], words[j])
        for i in range(len(words))
        for j in range(max(0, i - radius[i]), min(len(words), i + radius[i] + 1))
        if i != j
    ]
    assert found == sorted(expected)


def check(model, loss: torch.Tensor, move, rate=RATE):
    """`move()` must change each parameter by minus the rate times the gradient of `loss`; returns what it returned."""
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    result = move()
    for parameter, old, gradient in zip(model.parameters(), before, gradients, strict=True):
        torch.testing.assert_close(parameter.detach(), old - rate * gradient, rtol=1e-4, atol=1e-6)
    return result


@pytest.mark.parametrize("window", [2, 5, 10])
@pytest.mark.parametrize("num_negatives", [2, 5])
def test_skip_gram(window, num_negatives):
    args = skip_gram.Args(
        dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE, window=window, num_negatives=num_negatives
    )
    blocks = batches(args)[0]
    model = random_model(skip_gram, args)
    centers, contexts, negatives = pairs_of(blocks)
    # A pair with all samples of its block, each as many times as it stands for samples of a pair.
    positive = model(centers, contexts, negatives[:, :0])
    both = model(centers, contexts, negatives)
    loss = (positive + blocks.weight * (both - positive)).sum()
    assert blocks.weight * blocks.negatives.shape[1] == pytest.approx(num_negatives)
    seen = check(model, loss, lambda: skip_gram.step(model, blocks, args, RATE, True))
    assert seen.loss.item() == pytest.approx(loss.item(), rel=1e-5)
    assert seen.terms == len(centers)


@pytest.mark.parametrize("window", [2, 5, 10])
def test_cbow(window):
    args = cbow.Args(dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE, window=window)
    blocks = batches(args)[0]
    model = random_model(cbow, args)
    near = blocks.near.flatten(0, 1)
    some = near.any(1)
    contexts = in_reach(blocks.tokens[:, None], window).transpose(1, 2).expand(blocks.near.shape).flatten(0, 1)
    negatives = blocks.negatives.repeat_interleave(BLOCK, 0)
    given = (contexts[some], near[some], blocks.centers[some])
    positive, both = model(*given, negatives[some][:, :0]), model(*given, negatives[some])
    loss = (positive + blocks.weight * (both - positive)).sum()
    seen = check(model, loss, lambda: cbow.step(model, blocks, args, RATE, True))
    assert seen.loss.item() == pytest.approx(loss.item(), rel=1e-5)


def test_skip_gram_with_the_full_softmax():
    args = skip_gram_softmax.Args(dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE, window=3)
    blocks = batches(args)[0]
    model = random_model(skip_gram_softmax, args)
    contexts = in_reach(blocks.tokens[:, None], 3).transpose(1, 2).expand(blocks.near.shape).flatten(0, 1)
    loss = model(blocks.centers, contexts, blocks.near.flatten(0, 1)).sum()
    seen = check(model, loss, lambda: skip_gram_softmax.step(model, blocks, args, RATE, True))
    assert seen.loss.item() == pytest.approx(loss.item(), rel=1e-5)


def test_the_full_softmax_is_a_distribution_over_all_words():
    """The loss of a pair is the negative logarithm of a probability: over all contexts they sum to 1."""
    args = skip_gram_softmax.Args(dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE)
    model = random_model(skip_gram_softmax, args)
    every = torch.arange(WORDS)[:, None]
    losses = model(torch.zeros(WORDS, dtype=torch.int64), every, torch.ones_like(every, dtype=torch.bool))
    assert (-losses).exp().sum().item() == pytest.approx(1, rel=1e-5)


def cooccurrences() -> Cooccurrences:
    draws = torch.Generator().manual_seed(0)
    counts = torch.rand(WORDS, WORDS, generator=draws) * 20 * (torch.rand(WORDS, WORDS, generator=draws) < 0.4)
    sparse = counts.to_sparse_csr()
    vocabulary = Vocabulary([f"w{i}" for i in range(WORDS)], [1] * WORDS)
    return Cooccurrences(
        vocabulary, {}, [], sparse.crow_indices().long(), sparse.col_indices().int(), sparse.values().float()
    )


ARGS = glove.Args(dimensions=DIMENSIONS, num_epochs=1, learning_rate=RATE, x_max=10.0)


def test_glove_deals_every_pair_once():
    data = cooccurrences()
    slots = glove.deal(data, ARGS, torch.Generator().manual_seed(1))
    used = slots.weights > 0
    words = slots.words[:, None].expand(used.shape)[used]
    found = torch.zeros(WORDS, WORDS)
    found[words, slots.contexts[used].long()] += slots.logs[used].exp()
    expected = torch.sparse_csr_tensor(data.row_starts, data.columns.long(), data.counts, (WORDS, WORDS)).to_dense()
    torch.testing.assert_close(found, expected)
    assert used.sum() == len(data.counts)


def test_glove():
    """With AdaGrad's sums so large that they do not change, a step is one of gradient descent on half the loss."""
    data = cooccurrences()
    slots = glove.deal(data, ARGS, torch.Generator().manual_seed(1)).select(torch.arange(5))
    model = random_model(glove, ARGS)
    large = 1e12
    sums = glove.Sums(*(torch.full((WORDS,), large) for _ in glove.Sums._fields))
    used = slots.weights > 0
    words = slots.words[:, None].expand(used.shape)[used]
    loss = model(words, slots.contexts[used], slots.logs[used].exp(), ARGS.x_max, ARGS.alpha).sum()
    seen = check(model, loss / 2, lambda: glove.step(model, slots, sums, RATE * large**0.5))
    assert seen.item() == pytest.approx(loss.item(), rel=1e-5)


def test_glove_sums_squared_gradients_as_adagrad_does():
    """One pair: the sums grow by the mean square of its gradient's components; the step is divided by their roots."""
    pair = glove.Slots(torch.tensor([3]), torch.tensor([[7]]), torch.tensor([[1.5]]), torch.tensor([[0.4]]))
    model = random_model(glove, ARGS)
    sums = glove.Sums(*(torch.ones(WORDS) for _ in glove.Sums._fields))
    loss = model(torch.tensor([3]), torch.tensor([7]), torch.tensor([1.5]).exp(), 1.5, 1.0).sum()
    slope = torch.autograd.grad(loss / 2, list(model.parameters()))
    weight = glove.weight(torch.tensor([1.5]).exp(), 1.5, 1.0)
    old = model.input.weight[3].detach().clone()
    glove.step(model, pair._replace(weights=weight[None]), sums, RATE)
    gradient = slope[[name for name, _ in model.named_parameters()].index("input.weight")][3]
    assert sums.input[3].item() == pytest.approx(1 + gradient.square().mean().item(), rel=1e-5)
    expected = old - RATE * gradient / sums.input[3].sqrt()
    torch.testing.assert_close(model.input.weight[3].detach(), expected)


def test_overlaps_are_added_up():
    """The inverse of looking at the same row from several blocks is to add what each block says of it."""
    rows = torch.arange(BLOCK * 3 + 2 * 11, dtype=torch.float32)[:, None]
    seen = in_reach(rows, 11)
    times = sum_overlaps(torch.ones_like(seen), 11)
    torch.testing.assert_close(sum_overlaps(seen.clone(), 11), rows * times)
