"""Training of language models: those that count, and networks by truncated backpropagation through time.

A language model here is a module with two methods, whose tokens are int64 of shape (time, batch):

    log_likelihood(inputs, targets, state) -> float32 (time, batch), state   log-probability of each target, in nats
    predict(inputs, state) -> float32 (batch, words), state                  that of every token after the last input

`state` is what it remembers of the tokens before, None at first: tensors, or tuples of them, with the batch second.
Each architecture's file has a `train(model, data, args, seed, label)` that returns the history.
"""

import copy
import math
import sys
from collections.abc import Iterator
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from stages.core.device import product_dtype
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.schema import Strict
from stages.core.training import History
from stages.language_modeling.data import Predictions, Stream
from stages.language_modeling.output_layer import log_likelihood, sampled_cross_entropy

COLUMNS = 16  # a long text is scored in so many columns side by side
WARM_UP = 128  # tokens that each column reads before it, without scoring them again
CHUNK = 64  # tokens of each column at once: memory does not grow with the text
WATCHED = 48_000  # validation tokens looked at after each epoch of training
STEPS_BEFORE = 21  # that the loss of a step is compared with, see `jumps`; odd, so that one of them is the median
JUMP = 0.5  # nats a token; batches of the verse, being different texts, lie at most 0.4 above the median


def fit(run: Run, data: Stream | Predictions, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is as prepared.

    Raises:
        UserError: the text is too short, or the data are not of the kind that the model needs.
    """
    model = run.build(data.info).to(run.device)
    label = f"{run.name} seed {seed}"
    history = family_module(run.family, run.model).train(model, data, run.args, seed, label)
    print(f"{label}: validation perplexity {math.exp(history[-1]['validation_loss']):.2f} at last", file=sys.stderr)
    return model.eval(), history


class NetworkArgs(Strict):
    """Hyperparameters of every network.

    Attributes:
        num_epochs: passes over the training part.
        batch_size: columns, equal parts of the text that are read side by side.
        num_steps: tokens that gradients go back through (document 002: `num_steps`; document 003: `bptt_len`).
        learning_rate: at the beginning.
        min_improvement: where the validation loss falls by less in an epoch, in nats a token, the rate is halved
            (document 003 halves it when the loss does not fall).
        optimizer: `adam`, whose moments of rare words wait until a word occurs (torch's SparseAdam), or `sgd`.
        clip_norm: gradients are scaled down to this L2 norm over all parameters; null for no clipping.
        dropout: probability of zeroing a feature of the inputs, between layers, and before the output.
        num_frequent: the loss sums over so many of the most frequent words and over `num_sampled` others, see
            `stages/language_modeling/output_layer.py`; null for the exact loss.
        num_sampled: see there.
        precision: of matrix products; see `stages/core/device.py` for processors without bfloat16.
    """

    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    num_steps: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    min_improvement: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    optimizer: Literal["adam", "sgd"] = "adam"
    clip_norm: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    num_frequent: int | None = Field(default=None, ge=1)
    num_sampled: int = Field(default=1024, ge=1)
    precision: Literal["float32", "bfloat16"] = "bfloat16"


class Network(nn.Module):
    """What the networks share: vectors of words at the input and the output, and exact probabilities.

    A subclass has `features(tokens, state)`, which maps int64 (time, batch) to (time, batch, d) and the new state.
    """

    def __init__(self, num_words: int, input_size: int | None, output_size: int | None, args: NetworkArgs) -> None:
        """Draw vectors from U(-0.1, 0.1) (Zaremba et al. 2014).

        Args:
            num_words: different tokens.
            input_size: of a token's vector; None for one-hot vectors.
            output_size: d; None for the vectors of the input (Press and Wolf 2017, tied weights).
            args: hyperparameters.
        """
        super().__init__()
        self.num_words = num_words
        self.embedding = None if input_size is None else nn.Embedding(num_words, input_size)
        self.own_output = None if output_size is None else nn.Embedding(num_words, output_size)
        for vectors in (self.embedding, self.own_output):
            if vectors is not None:
                nn.init.uniform_(vectors.weight, -0.1, 0.1)
        self.bias = nn.Parameter(torch.zeros(num_words))
        self.dropout, self.sampled = args.dropout, args.num_frequent is not None
        self.precision = args.precision

    @property
    def dtype(self) -> torch.dtype:
        """Of matrix products, in training and in use."""
        return product_dtype(self.precision, self.bias.device.type)

    @property
    def output(self) -> nn.Embedding:
        """The vectors of words at the output: its own or, tied, those of the input."""
        return self.embedding if self.own_output is None else self.own_output

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the vectors of tokens (time, batch, input_size), in training with dropout."""
        if self.embedding is None:
            return functional.one_hot(tokens, self.num_words).float()
        vectors = functional.embedding(tokens, self.embedding.weight, sparse=self.sampled and self.training)
        return self.drop(vectors)

    def drop(self, features: Tensor) -> Tensor:
        """Zero features in training, the same at all times of a batch (Gal and Ghahramani 2016, section 4)."""
        if not self.training or self.dropout == 0:
            return features
        keep = torch.rand(features.shape[1:], device=features.device) >= self.dropout
        return features * (keep / (1 - self.dropout)).to(features.dtype)

    def forward(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the features of the next token, (time, batch, d) of the dtype of the products, and the state."""
        with torch.autocast(tokens.device.type, self.dtype, enabled=self.dtype != torch.float32):
            features, state = self.features(tokens, state)
        return self.drop(features).to(self.dtype), state

    @torch.no_grad()
    def log_likelihood(self, inputs: Tensor, targets: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the log-probability of each target in nats, normalised over all words, and the state."""
        features, state = self(inputs, state)
        weight = self.output.weight.to(self.dtype)
        scores = log_likelihood(features.flatten(0, 1), weight, self.bias, targets.flatten())
        return scores.view(targets.shape), state

    @torch.no_grad()
    def predict(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the log-probability of every token after the last input, float32 (batch, words), and the state."""
        features, state = self(inputs, state)
        logits = (features[-1] @ self.output.weight.to(self.dtype).T).float() + self.bias
        return logits.log_softmax(1), state


class RecurrentArgs(NetworkArgs):
    """Hyperparameters of recurrent networks.

    Attributes:
        embedding_size: of the vectors at the input; null for one-hot vectors (document 002).
        num_hiddens: units of a layer.
        num_layers: one upon the other.
        tied: whether the output layer has the vectors of the input; needs `embedding_size`. A linear layer lies between
            where their size is not `num_hiddens`.
    """

    embedding_size: int | None = Field(ge=1)
    num_hiddens: int = Field(ge=1)
    num_layers: int = Field(default=1, ge=1)
    tied: bool = False

    @model_validator(mode="after")
    def _vectors_to_tie(self) -> "RecurrentArgs":
        if self.tied and self.embedding_size is None:
            raise ValueError("tied needs an embedding_size: one-hot vectors cannot be tied")
        return self


class Recurrent(Network):
    """Vectors, one of torch's recurrent networks, and the output layer."""

    def __init__(self, layer: type[nn.RNNBase], args: RecurrentArgs, num_words: int) -> None:
        """Draw the recurrent weights from U(-1/sqrt(h), 1/sqrt(h)) for h hidden units: torch's initial values."""
        super().__init__(num_words, args.embedding_size, None if args.tied else args.num_hiddens, args)
        input_size = args.embedding_size or num_words
        dropout = args.dropout if args.num_layers > 1 else 0.0
        self.recurrent = layer(input_size, args.num_hiddens, args.num_layers, dropout=dropout)
        narrow = args.tied and args.embedding_size != args.num_hiddens
        self.projection = nn.Linear(args.num_hiddens, args.embedding_size) if narrow else None

    def features(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the last layer's hidden states h_t, (time, batch, d), and the state to carry on."""
        h, state = self.recurrent(self.embed(tokens), state)
        return (h if self.projection is None else self.projection(self.drop(h))), state


def train_network(model: Network, data: Stream, args: NetworkArgs, seed: int, label: str) -> History:
    """Train `model` in place, give it back its best state by validation loss, and return one record an epoch.

    A record has `epoch` (from 1), `train_loss` (the mean over the epoch's steps of what was made small) and the exact
    `validation_loss`, in nats a token, `learning_rate`, and `diverged`: 1 if the validation loss is worse than that of
    a guess at random, which no state is kept of. Where the loss leaves the finite numbers training ends; the rest of
    the records repeat the last finite one. Characters have `loss_jumps` too: the share of jumps among the steps until
    the end of that epoch. The output bias begins as the logarithm of the tokens' frequencies.

    Raises:
        UserError: the data are no stream of text, or the text is shorter than one step.
    """
    if not isinstance(data, Stream):
        raise UserError(f"{label}: the model reads a text; its data must be an entry of `divide`")
    if len(data.train) <= args.batch_size:
        raise UserError(
            f"{label}: batch_size = {args.batch_size}: must be below {len(data.train)}, the tokens to train on: "
            f"the text is shorter than one step"
        )
    frequencies = torch.bincount(data.train, minlength=len(data.vocabulary)).clamp(min=1).float()
    model.bias.data.copy_((frequencies / frequencies.sum()).log())
    optimizers = build_optimizers(model, args)
    draws = torch.Generator().manual_seed(seed)
    worst_loss = math.log(len(data.vocabulary))  # of a guess at random
    best_loss, best_state = worst_loss, copy.deepcopy(model.state_dict())
    history: History = []
    step_losses = torch.empty(0)

    for epoch in tqdm(range(1, args.num_epochs + 1), desc=label, unit="epoch", leave=False, disable=None):
        rate = optimizers[0].param_groups[0]["lr"]
        losses = _train_epoch(model, data.train, args, optimizers, draws)
        train_loss = losses.mean().item()
        step_losses = torch.cat([step_losses, losses.cpu()])
        jumped = {"loss_jumps": jumps(step_losses)} if data.unit == "character" else {}
        loss = mean_validation_loss(model, data) if math.isfinite(train_loss) else math.inf
        if not math.isfinite(loss):
            start = {"epoch": 0, "train_loss": worst_loss, "learning_rate": rate, "validation_loss": worst_loss}
            last = history[-1] if history else start
            last = last | {"diverged": 1.0} | jumped
            history += [last | {"epoch": later} for later in range(epoch, args.num_epochs + 1)]
            break
        record = {"epoch": epoch, "train_loss": train_loss, "learning_rate": rate, "validation_loss": loss}
        history.append(record | {"diverged": float(loss > worst_loss)} | jumped)
        if loss > best_loss - args.min_improvement:
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] /= 2
        if loss < best_loss:
            best_loss, best_state = loss, copy.deepcopy(model.state_dict())

    model.load_state_dict(best_state)
    return history


def _train_epoch(
    model: Network, tokens: Tensor, args: NetworkArgs, optimizers: list[torch.optim.Optimizer], draws: torch.Generator
) -> Tensor:
    """Take a step for each `num_steps` tokens of all columns; return the loss of each, float32 (steps,)."""
    model.train()
    losses, state = [], None
    start = int(torch.randint(args.num_steps, (), generator=draws))  # steps begin elsewhere in each epoch
    for inputs, targets in batches(tokens, args.batch_size, args.num_steps, start):
        features, state = model(inputs, _detached(state))
        features, wanted = features.flatten(0, 1), targets.flatten()
        loss = sampled_cross_entropy(
            features,
            model.output.weight,
            model.bias,
            wanted,
            num_frequent=args.num_frequent,
            num_sampled=args.num_sampled,
            draws=draws,
        )
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        clip_gradients(list(model.parameters()), args.clip_norm)
        for optimizer in optimizers:
            optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def jumps(losses: Tensor) -> float:
    """Return the share of steps whose loss lies more than `JUMP` above the median of the `STEPS_BEFORE` before.

    The first `STEPS_BEFORE` steps do not count; of no more steps than these the share is 0. A loss that is not a number
    is a jump, and so are those that have one before them.

    Args:
        losses: of the steps of training in their order, in nats a token, float32 (steps,) on the CPU.
    """
    if len(losses) <= STEPS_BEFORE:
        return 0.0
    medians = losses.unfold(0, STEPS_BEFORE, 1)[:-1].median(1).values
    return (~(losses[STEPS_BEFORE:] <= medians + JUMP)).double().mean().item()


def batches(tokens: Tensor, batch_size: int, num_steps: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield inputs and targets, int64 (time, batch_size): columns of the text, each read on from step to step.

    The first `start` tokens are left out where enough remain, and at the end what does not fill the batch.
    """
    tokens = tokens[start:] if len(tokens) - start > batch_size else tokens
    length = (len(tokens) - 1) // batch_size
    inputs = tokens[: length * batch_size].view(batch_size, length).T
    targets = tokens[1 : length * batch_size + 1].view(batch_size, length).T
    for begin in range(0, length, num_steps):
        yield inputs[begin : begin + num_steps].contiguous(), targets[begin : begin + num_steps].contiguous()


def build_optimizers(model: Network, args: NetworkArgs) -> list[torch.optim.Optimizer]:
    """Return the optimizers: Adam has one for the words' vectors, whose gradients are sparse, and one for the rest."""
    if args.optimizer == "sgd":
        return [torch.optim.SGD(model.parameters(), lr=args.learning_rate)]
    layers = [layer for layer in (model.embedding, model.output) if layer is not None and model.sampled]
    vectors = list(dict.fromkeys(layer.weight for layer in layers))
    rest = [parameter for parameter in model.parameters() if not any(parameter is one for one in vectors)]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(rest, lr=args.learning_rate)]
    return [*optimizers, torch.optim.SparseAdam(vectors, lr=args.learning_rate)] if vectors else optimizers


@torch.no_grad()
def clip_gradients(parameters: list[nn.Parameter], max_norm: float | None) -> None:
    """Scale gradients, dense or sparse, down to an L2 norm over all of `max_norm` (document 002, Task02, section 3)."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()  # a word may be in it several times
        if parameter.grad is not None:
            gradients.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    if max_norm is None:
        return
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(factor)


def _detached(state: Any) -> Any:
    if state is None:
        return None
    return tuple(_detached(part) for part in state) if isinstance(state, tuple) else state.detach()


def mean_validation_loss(model: nn.Module, data: Stream) -> float:
    """Return the mean negative log-likelihood in nats of `WATCHED` validation tokens, spread over that part."""
    model.eval()
    tokens, start = data.part("validation")
    return -stream_log_likelihood(model, tokens, start, most=WATCHED).mean().item()


def stream_log_likelihood(model: nn.Module, tokens: Tensor, start: int, most: int | None = None) -> Tensor:
    """Return the log-probability in nats of each of `tokens[start:]` given those before, float64 (tokens - start,).

    A long text is scored in `COLUMNS` parts side by side, each after `WARM_UP` tokens before it, with the state
    carried from chunk to chunk; a short one as a whole.

    Args:
        model: a language model in evaluation mode.
        tokens: int64 (tokens,).
        start: of what is scored, at least 1.
        most: score about so many only, the first ones of each column.
    """
    total = len(tokens) - start
    columns = COLUMNS if total >= COLUMNS * WARM_UP else 1
    warm_up = min(WARM_UP, start - 1)
    length = math.ceil(total / columns)
    shown = length if most is None else min(length, math.ceil(most / columns))
    begins = start - 1 - warm_up + length * torch.arange(columns, device=tokens.device)
    scores, state = [], None
    for begin in range(0, warm_up + shown, CHUNK):
        rows = torch.arange(begin, min(begin + CHUNK, warm_up + shown), device=tokens.device)
        # The last column may be shorter: what lies beyond the text is taken off below.
        places = (begins + rows[:, None]).clamp(max=len(tokens) - 2)  # (time, columns)
        found, state = model.log_likelihood(tokens[places], tokens[places + 1], state)
        scores.append(found.double())
    table = torch.cat(scores)[warm_up:].T.reshape(columns, shown)
    return table.flatten()[:total] if shown == length else table.flatten()
