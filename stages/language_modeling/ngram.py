"""Interpolated n-gram model with Kneser-Ney smoothing (documents 000, 002 and 004, the Markov assumption).

Chen and Goodman 1999, An Empirical Study of Smoothing Techniques for Language Modeling: modified Kneser-Ney of section
3 with three discounts for each order (equation 17), interpolated; Kneser and Ney 1995 with one. A word w after the
context h of n - 1 words has

    p(w | h) = (c(h w) - D(c(h w))) / c(h) + gamma(h) p(w | h'),    h' = h without its first word,

c being counts for the highest order and below it the number of different words before h w (equation 21); gamma(h) makes
the sum over w one. Below single words lies the uniform distribution. Sentences are not padded: the text is one stream,
and contexts reach over its EOS. Stored as the ARPA format does: a probability for each n-gram, a weight for each
context.

Where counts of counts are too few to estimate discounts, they are 0.5, 1 and 1.5 (as KenLM's option
`--discount_fallback` has it). That is so for single words once the rare ones are merged.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.errors import UserError
from stages.core.schema import Strict
from stages.core.training import History
from stages.language_modeling.data import Stream
from stages.language_modeling.train import mean_validation_loss, stream_log_likelihood

DATA_KINDS = ("divide",)
FALLBACK = (0.5, 1.0, 1.5)


class Args(Strict):
    """Hyperparameters.

    Attributes:
        order: n, words of the longest n-gram; 1 for single words.
        smoothing: `modified_kneser_ney` with three discounts an order, or `kneser_ney` with one.
    """

    order: int = Field(ge=1, le=10)
    smoothing: Literal["modified_kneser_ney", "kneser_ney"] = "modified_kneser_ney"


class NGram(nn.Module):
    """N-grams of all orders up to n, by number.

    An n-gram's number is its place among the sorted n-grams of its order; its key is number of its context times number
    of words plus its last word. For each order k from 1: `keys_k` int64 (n-grams,), sorted; `probabilities_k` float32
    (n-grams,), interpolated; `weights_k` float32, gamma of the contexts, (n-grams of the order below,), (1,) for k = 1.
    """

    def __init__(self, order: int, num_words: int) -> None:
        """Make a model without n-grams."""
        super().__init__()
        self.order, self.num_words = order, num_words
        for k in range(1, order + 1):
            self._store(k, torch.empty(0, dtype=torch.int64), torch.empty(0), torch.empty(0))

    def _store(self, k: int, keys: Tensor, probabilities: Tensor, weights: Tensor) -> None:
        self.register_buffer(f"keys_{k}", keys)
        self.register_parameter(f"probabilities_{k}", nn.Parameter(probabilities, requires_grad=False))
        self.register_parameter(f"weights_{k}", nn.Parameter(weights, requires_grad=False))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        """Take tensors of whatever length: how many n-grams there are is known from the text only."""
        for name in [*self._parameters, *self._buffers]:
            if prefix + name in state_dict:
                getattr(self, name).data = torch.empty_like(state_dict[prefix + name])
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    @property
    def num_ngrams(self) -> int:
        """How many n-grams of all orders there are."""
        return sum(len(self.order_of(k)[0]) for k in range(1, self.order + 1))

    def order_of(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return keys, probabilities and weights of order k."""
        return tuple(getattr(self, f"{name}_{k}") for name in ("keys", "probabilities", "weights"))

    @torch.no_grad()
    def log_likelihood(self, inputs: Tensor, targets: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the log-probability of each target in nats, float32 (time, batch), and the state.

        The state is the last tokens of each column, -1 where there are none: int64 (order - 1, batch).
        """
        seen = self._with_past(inputs, state)
        times = len(inputs)
        contexts = self._contexts(seen, times)
        result = torch.full(targets.shape, 1 / self.num_words, device=targets.device)
        for k, context in enumerate(contexts, 1):
            keys, probabilities, weights = self.order_of(k)
            number = find(keys, context, targets, self.num_words)
            lower = torch.where(context >= 0, weights[context.clamp(min=0)], 1.0) * result
            result = torch.where(number >= 0, probabilities[number.clamp(min=0)], lower)
        return result.log(), self._last(seen)

    @torch.no_grad()
    def predict(self, inputs: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the log-probability of every token after the last input, float32 (batch, words), and the state."""
        seen = self._with_past(inputs, state)
        contexts = self._contexts(seen, 1)
        result = torch.full((inputs.shape[1], self.num_words), 1 / self.num_words, device=inputs.device)
        for k, context in enumerate(contexts, 1):
            keys, probabilities, weights = self.order_of(k)
            for column, number in enumerate(context[0].tolist()):
                if number >= 0:
                    begin, end = torch.searchsorted(keys, torch.tensor([number, number + 1]) * self.num_words).tolist()
                    result[column] *= weights[number]
                    result[column, keys[begin:end] % self.num_words] = probabilities[begin:end]
        return result.log(), self._last(seen)

    def _with_past(self, inputs: Tensor, state: Tensor | None) -> Tensor:
        if state is None:
            state = inputs.new_full((self.order - 1, inputs.shape[1]), -1)
        return torch.cat([state, inputs])

    def _last(self, seen: Tensor) -> Tensor:
        return seen[len(seen) - (self.order - 1) :]

    def _contexts(self, seen: Tensor, times: int) -> list[Tensor]:
        """Return the numbers of the contexts before the last `times` targets: for each order int64 (times, batch).

        The context of order k is the k - 1 tokens before; -1 where it never occurred.
        """
        contexts = []
        for k in range(1, self.order + 1):
            number = torch.zeros((times, seen.shape[1]), dtype=torch.int64, device=seen.device)
            for j in range(1, k):  # its words from the first to the last
                word = seen[len(seen) - times - k + 1 + j : len(seen) - k + 1 + j]
                number = find(self.order_of(j)[0], number, word, self.num_words)
            contexts.append(number)
        return contexts


def find(keys: Tensor, contexts: Tensor, words: Tensor, num_words: int) -> Tensor:
    """Return the numbers of n-grams, -1 where there is no such one; a context or word of -1 is in none."""
    wanted = contexts * num_words + words
    places = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where((contexts >= 0) & (words >= 0) & (keys[places] == wanted), places, -1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return a model of `info["num_words"]` different tokens without n-grams."""
    return NGram(args.order, info["num_words"])


def train(model: NGram, data: Stream, args: Args, seed: int, label: str) -> History:
    """Count the n-grams of the training part; return one record with mean losses in nats a token.

    Raises:
        UserError: the data are no stream of text, or the text is shorter than an n-gram.
    """
    if not isinstance(data, Stream):
        raise UserError(f"{label}: the model reads a text; its data must be an entry of `divide`")
    if len(data.train) < args.order:
        raise UserError(f"{label}: order = {args.order}: must be at most {len(data.train)}, the tokens to train on")
    count(model, data.train, modified_discounts if args.smoothing == "modified_kneser_ney" else one_discount)
    train_loss = -stream_log_likelihood(model, data.train, 1).mean().item()
    return [{"epoch": 1, "train_loss": train_loss, "validation_loss": mean_validation_loss(model, data)}]


def count(model: NGram, tokens: Tensor, estimate: Callable[[Tensor], Tensor]) -> None:
    """Give `model` the n-grams of a text.

    Args:
        model: of any order up to the number of tokens.
        tokens: int64 (tokens,).
        estimate: returns the discounts of an order from the counts of its n-grams; see `modified_discounts`.
    """
    num_words = model.num_words
    keys: list[Tensor] = []
    numbers: list[Tensor] = []  # for each order, the number of the n-gram that begins at each token
    times: list[Tensor] = []
    for k in range(1, model.order + 1):
        contexts = numbers[-1][: len(tokens) - k + 1] if k > 1 else torch.zeros_like(tokens)
        found = torch.unique(contexts * num_words + tokens[k - 1 :], return_inverse=True, return_counts=True)
        for values, value in zip((keys, numbers, times), found, strict=True):
            values.append(value)

    lower = torch.tensor([1 / num_words], dtype=torch.float64)
    for k in range(1, model.order + 1):
        counts = times[k - 1]
        if k < model.order:  # n-grams one longer that end with this one: words before it
            ends = torch.empty(len(keys[k]), dtype=torch.int64).scatter_(0, numbers[k], numbers[k - 1][1:])
            counts = torch.bincount(ends, minlength=len(counts))
        discounts = torch.cat([torch.zeros(1, dtype=torch.float64), estimate(counts)])[counts.clamp(max=3)]
        contexts = keys[k - 1] // num_words
        num_contexts = len(keys[k - 2]) if k > 1 else 1
        # A context that only ends the text has no words after it: all goes to the lower order.
        of_context = torch.bincount(contexts, counts.double(), minlength=num_contexts)
        left = torch.bincount(contexts, discounts, minlength=num_contexts)
        weights = torch.where(of_context > 0, left / of_context, 1.0)
        shorter = torch.zeros_like(keys[k - 1])  # the number of the n-gram without its first word
        if k > 1:
            shorter.scatter_(0, numbers[k - 1], numbers[k - 2][1:])
        seen = torch.where(of_context > 0, 1 / of_context, 0.0)[contexts] * (counts - discounts)
        lower = seen + weights[contexts] * lower[shorter]
        model._store(k, keys[k - 1], lower.float(), weights.float())


def modified_discounts(counts: Tensor) -> Tensor:
    """Return the discounts of n-grams that occur once, twice, and more often, float64 (3,) (equation 17)."""
    n1, n2, n3, n4 = ((counts == times).sum().item() for times in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) == 0:
        return torch.tensor(FALLBACK, dtype=torch.float64)
    y = n1 / (n1 + 2 * n2)
    found = [times - (times + 1) * y * more / fewer for times, fewer, more in ((1, n1, n2), (2, n2, n3), (3, n3, n4))]
    # Estimates from few counts may lie outside what can be taken off.
    return torch.tensor([min(max(d, 0.0), times) for times, d in enumerate(found, 1)], dtype=torch.float64)


def one_discount(counts: Tensor) -> Tensor:
    """Return the discount of Kneser and Ney 1995, three times over: float64 (3,)."""
    n1, n2 = ((counts == times).sum().item() for times in (1, 2))
    return torch.full((3,), n1 / (n1 + 2 * n2) if n1 and n2 else FALLBACK[0], dtype=torch.float64)
