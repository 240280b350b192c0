"""Training of text classifiers: rules, linear models of counts, and networks on word vectors.

A classifier here is a module with two buffers and a method:

    split   int64 (): number of the split of the data that it was trained on
    known   bool (words,): the in-vocabulary words: those of its training texts, and those with a pretrained vector
    scores(texts) -> float32 (texts,)   the logit of the probability that a text is positive

Each architecture's file has a `train(model, data, args, seed, label)` that returns the history.
"""

import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from stages.core.device import product_dtype
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.schema import Strict
from stages.core.training import History
from stages.core.vocabulary import UNKNOWN
from stages.text_classification.data import RatedTexts, Texts

BATCHES_SORTED = 20  # so many batches are sorted by length together, so that there is little padding
MAX_SUBWORDS, BUCKETS = 40, 20_000  # character n-grams of a word that count, and ids that they are hashed to
SUBWORD_LENGTHS = (3, 4, 5)
VECTORS = ("fixed", "tuned", "piece_vectors")  # parameters that Adam leaves to SparseAdam, or alone; piece: subword
SCORED_TOKENS = 4096  # of a batch that is scored, padding included


def fit(run: Run, data: RatedTexts, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is as prepared, `seed` the number of its split too.

    Raises:
        UserError: the data have no such split, or not what the model needs.
    """
    model = run.build(data.info).to(run.device)
    model.split.fill_(seed)
    label = f"{run.name} seed {seed}"
    history = family_module(run.family, run.model).train(model, data, run.args, seed, label)
    print(f"{label}: train_loss {history[-1]['train_loss']:.4f}", file=sys.stderr)
    return model.eval(), history


class ClassifierArgs(Strict):
    """Hyperparameters of everything that learns from texts.

    Attributes:
        min_count: words that occur less often in the training texts are out of vocabulary.
        num_train: only the first so many training texts, which are in random order, are trained on; null for all.
        rating_scale: the probability to learn of a text is sigmoid(rating / rating_scale), which tells a clear
            opinion from a doubtful one; null for 1 if the rating is above 0, else 0.
    """

    min_count: int = Field(default=1, ge=1)
    num_train: int | None = Field(default=None, ge=2)
    rating_scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class Classifier(nn.Module):
    """What all classifiers are: which split they were trained on, and their vocabulary."""

    def __init__(self, num_words: int) -> None:
        """Begin with no split and an empty vocabulary."""
        super().__init__()
        self.register_buffer("split", torch.tensor(0))
        self.register_buffer("known", torch.zeros(num_words, dtype=torch.bool))

    def learn_words(self, data: RatedTexts, chosen: Tensor, args: ClassifierArgs) -> None:
        """Take into the vocabulary what occurs often enough in the texts of the numbers `chosen`, int64 (chosen,)."""
        counts = torch.bincount(data.texts.select(chosen).tokens, minlength=len(self.known))
        self.known.copy_(counts >= args.min_count)
        self.known[data.vocabulary.index[UNKNOWN]] = False


def to_train_on(data: RatedTexts, args: ClassifierArgs, seed: int, label: str) -> Tensor:
    """Return the numbers of the training texts, int64 (texts,).

    Raises:
        UserError: there are fewer than `args.num_train`.
    """
    train = data.split(seed).train
    if args.num_train is not None and args.num_train > len(train):
        raise UserError(f"{label}: num_train = {args.num_train}: must be at most {len(train)}, the training texts")
    return train[: args.num_train]


def targets(ratings: Tensor, args: ClassifierArgs) -> Tensor:
    """Return the probability to learn of each text, float32 (texts,)."""
    if args.rating_scale is None:
        return (ratings > 0).float()
    return (ratings / args.rating_scale).sigmoid().float()


class NetworkArgs(ClassifierArgs):
    """Hyperparameters of every network.

    Attributes:
        vectors: of words. `random`: drawn at random and trained (Kim 2014: CNN-rand); the others begin with those of
            the data, which must be an entry of `embed`: `static` ones stay as they are, `tuned` ones are trained
            (CNN-non-static), `both` are side by side (CNN-multichannel).
        embedding_size: of random vectors.
        vector_sd: standard deviation of the vectors' elements at first.
        subword_size: elements of a second vector of each word, the mean of those of its character n-grams (Bojanowski
            et al. 2017, Enriching Word Vectors with Subword Information, section 3.2), which out-of-vocabulary words
            have too; 0 for none.
        num_epochs: passes over the training texts.
        batch_size: texts a step.
        learning_rate: of Adam.
        vector_learning_rate: of Adam for the vectors, whose moments of a word wait until the word occurs (torch's
            SparseAdam).
        vector_dropout: probability of zeroing an element of a word's vector.
        dropout: probability of zeroing a feature before the output.
        word_dropout: probability that a word is replaced by `<unk>`.
        average_from: the mean of the states at the ends of the epochs from this one on is kept (Izmailov et al. 2018,
            Averaging Weights Leads to Wider Optima and Better Generalization); null for the last state.
        precision: of matrix products in training; see `stages/core/device.py` for processors without bfloat16.
    """

    vectors: Literal["random", "static", "tuned", "both"] = "random"
    embedding_size: int = Field(default=100, ge=1)
    vector_sd: float = Field(default=0.2, gt=0, allow_inf_nan=False)
    subword_size: int = Field(default=0, ge=0)
    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    vector_learning_rate: float = Field(default=0.005, gt=0, allow_inf_nan=False)
    vector_dropout: float = Field(default=0.0, ge=0, lt=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    average_from: int | None = Field(default=None, ge=1)
    precision: Literal["float32", "bfloat16"] = "bfloat16"


class Network(Classifier):
    """What the networks share: vectors of words, one logit.

    A subclass has `features(vectors, lengths)`, which maps float32 (batch, time, d), 0 behind the end of a text, and
    int64 (batch,) to (batch, num_features), and looks at nothing behind that end.
    """

    def __init__(self, args: NetworkArgs, info: dict[str, Any], num_features: int) -> None:
        """Make vectors of 0, which training gives their first values; `num_features` go into the output layer."""
        super().__init__(info["num_words"])
        size = (vector_size(args, info) - args.subword_size) // (2 if args.vectors == "both" else 1)
        self.fixed = self.tuned = self.piece_vectors = None
        if args.vectors in ("static", "both"):
            self.fixed = nn.Parameter(torch.zeros(info["num_words"], size), requires_grad=False)
        if args.vectors != "static":
            self.tuned = nn.Parameter(torch.zeros(info["num_words"], size))
        if args.subword_size:
            self.register_buffer("pieces", torch.zeros(info["num_words"], MAX_SUBWORDS, dtype=torch.int64))
            self.piece_vectors = nn.Parameter(torch.zeros(BUCKETS, args.subword_size))
        self.output = nn.Linear(num_features, 1)
        self.args = args

    @property
    def dtype(self) -> torch.dtype:
        """Of matrix products: in training as asked for, in use float32, so that a batch's padding rounds nothing."""
        if not self.training:
            return torch.float32
        return product_dtype(self.args.precision, self.output.weight.device.type)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the logit of each text, float32 (batch,).

        Args:
            tokens: int64 (batch, time), anything behind the end of a text.
            lengths: int64 (batch,), at least 1.
        """
        inside = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        spelled = tokens
        tokens = tokens.where(self.known[tokens], 0)  # <unk>
        if self.training and self.args.word_dropout:
            kept = torch.rand(tokens.shape, device=tokens.device) >= self.args.word_dropout
            tokens = tokens.where(kept, 0)
        parts = [] if self.fixed is None else [functional.embedding(tokens, self.fixed)]
        if self.tuned is not None:
            parts.append(functional.embedding(tokens, self.tuned, sparse=self.training))
        if self.piece_vectors is not None:
            words, place = spelled.unique(return_inverse=True)
            means = functional.embedding_bag(
                self.pieces[words], self.piece_vectors, mode="mean", sparse=self.training, padding_idx=0
            )
            parts.append(means[place])
        vectors = torch.cat(parts, 2).masked_fill(~inside[:, :, None], 0.0)
        vectors = functional.dropout(vectors, self.args.vector_dropout, self.training)
        with torch.autocast(tokens.device.type, self.dtype, enabled=self.dtype != torch.float32):
            features = self.features(vectors, lengths)
        features = functional.dropout(features.float(), self.args.dropout, self.training)
        return self.output(features)[:, 0]

    @torch.no_grad()
    def scores(self, texts: Texts) -> Tensor:
        """Return the logit of each text, float32 (texts,); each has at least one word."""
        result = torch.empty(len(texts.lengths), device=texts.tokens.device)
        by_length = texts.lengths.argsort(stable=True)
        for chosen in _batches_to_score(by_length, texts.lengths):
            result[chosen] = self(*texts.padded(chosen))
        return result


def vector_size(args: NetworkArgs, info: dict[str, Any]) -> int:
    """Return the elements of what stands for a word.

    Raises:
        UserError: the vectors are to be another run's, and the data have none.
    """
    if args.vectors == "random":
        return args.embedding_size + args.subword_size
    if not info["num_dimensions"]:
        raise UserError(f"vectors = '{args.vectors}': the data have no vectors; they must be an entry of `embed`")
    return info["num_dimensions"] * (2 if args.vectors == "both" else 1) + args.subword_size


def _batches_to_score(by_length: Tensor, lengths: Tensor) -> Iterator[Tensor]:
    """Yield numbers of texts, the shorter ones first, so many at once that the padded batch stays small."""
    begin = 0
    ordered = lengths[by_length].tolist()
    while begin < len(ordered):
        end = begin + 1
        while end < len(ordered) and ordered[end] * (end + 1 - begin) <= SCORED_TOKENS:
            end += 1
        yield by_length[begin:end]
        begin = end


def train_network(model: Network, data: RatedTexts, args: NetworkArgs, seed: int, label: str) -> History:
    """Train `model` in place and return one record an epoch.

    A record has `epoch` (from 1), `train_loss` (BCEWithLogitsLoss, the mean in nats over the epoch's texts as each was
    seen), and `validation_loss`, of labels, where texts are held out.

    Raises:
        UserError: the data have too few texts, or the loss is no longer finite.
    """
    split, chosen = data.split(seed), to_train_on(data, args, seed, label)
    model.learn_words(data, chosen, args)
    if args.vectors != "random":  # words that the training texts lack have a meaning too: it is what vectors are for
        model.known.logical_or_(data.has_vector)
    _first_vectors(model, data, args)
    wanted = targets(data.ratings, args)
    of_words = [vectors for vectors in (model.tuned, model.piece_vectors) if vectors is not None]
    rest = [parameter for name, parameter in model.named_parameters() if name not in VECTORS]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.Adam(rest, lr=args.learning_rate)]
    if of_words:
        optimizers.append(torch.optim.SparseAdam(of_words, lr=args.vector_learning_rate))
    draws = torch.Generator().manual_seed(seed)
    averaged = torch.optim.swa_utils.AveragedModel(model)
    history: History = []
    for epoch in tqdm(range(1, args.num_epochs + 1), desc=label, unit="epoch", leave=False, disable=None):
        model.train()
        total = torch.zeros((), device=chosen.device)
        for batch in _batches(data.texts.lengths[chosen], args.batch_size, draws):
            numbers = chosen[batch]
            logits = model(*data.texts.padded(numbers))
            loss = functional.binary_cross_entropy_with_logits(logits, wanted[numbers])
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            total += loss.detach() * len(batch)
        record = {"epoch": epoch, "train_loss": total.item() / len(chosen)}
        if not torch.isfinite(total):
            rate = f"learning_rate = {args.learning_rate}"
            raise UserError(f"{label}: the loss is not finite in epoch {epoch}; lower {rate}")
        if args.average_from is not None and epoch >= args.average_from:
            averaged.update_parameters(model)
        if len(split.validation):
            kept = averaged.module if averaged.n_averaged else model
            logits = kept.eval().scores(data.texts.select(split.validation))
            labels = data.labels[split.validation].float()
            record["validation_loss"] = functional.binary_cross_entropy_with_logits(logits, labels).item()
        history.append(record)
    if averaged.n_averaged:
        model.load_state_dict(averaged.module.state_dict())
    return history


@torch.no_grad()
def _first_vectors(model: Network, data: RatedTexts, args: NetworkArgs) -> None:
    """Give each word its first vector: the data's, or one drawn with their standard deviation; 0 out of vocabulary."""
    drawn = model.fixed if model.tuned is None else model.tuned
    first = torch.randn(drawn.shape).to(drawn.device) * args.vector_sd
    if args.vectors != "random":
        scale = args.vector_sd / data.vectors[data.has_vector].std()
        first = torch.where(data.has_vector[:, None], data.vectors * scale, first)
    first[~model.known] = 0.0
    for vectors in (model.fixed, model.tuned):
        if vectors is not None:
            vectors.copy_(first)
    if model.piece_vectors is not None:
        model.pieces.copy_(torch.tensor([subwords_of(word) for word in data.vocabulary.words]))
        model.pieces[0] = 0  # <unk> has no spelling
        model.piece_vectors.copy_(torch.randn(model.piece_vectors.shape) * args.vector_sd)


def subwords_of(word: str) -> Sequence[int]:
    """Return the ids, from 1, of a word's character n-grams, with < and > as its ends; 0 in free places."""
    bounded = f"<{word}>"
    ngrams = [bounded[at : at + n] for n in SUBWORD_LENGTHS for at in range(len(bounded) - n + 1)][:MAX_SUBWORDS]
    ids = [1 + zlib.crc32(ngram.encode()) % (BUCKETS - 1) for ngram in ngrams]
    return ids + [0] * (MAX_SUBWORDS - len(ids))


def _batches(lengths: Tensor, batch_size: int, draws: torch.Generator) -> list[Tensor]:
    """Return the texts of an epoch in batches of nearly the same length, each int64 (batch,), in random order."""
    shuffled = torch.randperm(len(lengths), generator=draws).to(lengths.device)
    batches = [
        batch
        for some in shuffled.split(BATCHES_SORTED * batch_size)
        for batch in some[lengths[some].argsort(stable=True)].split(batch_size)
    ]
    return [batches[number] for number in torch.randperm(len(batches), generator=draws).tolist()]
