"""TF-IDF of words and pairs of neighbouring words with logistic regression, by scikit-learn.

Salton and Buckley 1988, Term-weighting approaches in automatic text retrieval. A text's weight of a term that occurs n
times is (1 + ln n) times the term's inverse document frequency, and all of them have an L2 norm of 1.
"""

from typing import Any

import numpy as np
import torch
from pydantic import Field
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from stages.core.training import History
from stages.text_classification.data import RatedTexts, Texts
from stages.text_classification.train import Classifier, ClassifierArgs, targets, to_train_on

DATA_KINDS = ("folds", "embed")
MAX_ITERATIONS = 1000


class Args(ClassifierArgs):
    """Hyperparameters.

    Attributes:
        inverse_penalty: C of scikit-learn, the inverse of how strongly large weights are punished.
    """

    inverse_penalty: float = Field(default=1.0, gt=0, allow_inf_nan=False)


class Tfidf(Classifier):
    """Terms of the training texts by key, sorted: `keys` int64, `idf` and `weights` float64, all (terms,); `bias` ().

    The key of a word is its token id; that of a pair is V + first * V + second for a vocabulary of V words.
    """

    def __init__(self, num_words: int) -> None:
        """Begin without terms."""
        super().__init__(num_words)
        self.register_buffer("keys", torch.zeros(0, dtype=torch.int64))
        for name in ("idf", "weights"):
            self.register_parameter(name, nn.Parameter(torch.zeros(0, dtype=torch.float64), requires_grad=False))
        self.bias = nn.Parameter(torch.tensor(0.0, dtype=torch.float64), requires_grad=False)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        """Take tensors of whatever length: how many terms there are is known from the training texts only."""
        for name in ("keys", "idf", "weights"):
            if prefix + name in state_dict:
                getattr(self, name).data = torch.empty_like(state_dict[prefix + name])
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def counts(self, texts: Texts) -> csr_matrix:
        """Return how often each term occurs in each text, (texts, terms)."""
        text, keys = self.terms(texts)
        place = torch.searchsorted(self.keys, keys).clamp(max=len(self.keys) - 1)
        found = self.keys[place] == keys
        rows, columns = text[found].cpu().numpy(), place[found].cpu().numpy()
        shape = (len(texts.lengths), len(self.keys))
        return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)  # equal places are added up

    def terms(self, texts: Texts) -> tuple[Tensor, Tensor]:
        """Return the number of the text and the key of each occurrence of a term, both int64 (occurrences,)."""
        text = torch.repeat_interleave(torch.arange(len(texts.lengths), device=texts.tokens.device), texts.lengths)
        known, number = self.known[texts.tokens], len(self.known)
        inside = (text[1:] == text[:-1]) & known[1:] & known[:-1]
        pairs = number + texts.tokens[:-1] * number + texts.tokens[1:]
        return torch.cat([text[known], text[:-1][inside]]), torch.cat([texts.tokens[known], pairs[inside]])

    def weighted(self, texts: Texts) -> csr_matrix:
        """Return the weight of each term in each text, (texts, terms)."""
        transformer = TfidfTransformer(sublinear_tf=True)
        transformer.idf_ = self.idf.cpu().numpy()
        return transformer.transform(self.counts(texts))

    def scores(self, texts: Texts) -> Tensor:
        """Return the logit of each text, float32 (texts,)."""
        logits = self.weighted(texts) @ self.weights.cpu().numpy() + self.bias.item()
        return torch.from_numpy(logits).float().to(texts.tokens.device)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return a model without terms."""
    return Tfidf(info["num_words"])


def train(model: Tfidf, data: RatedTexts, args: Args, seed: int, label: str) -> History:
    """Count terms and fit their weights; return one record with the training loss in nats, without the penalty."""
    chosen = to_train_on(data, args, seed, label)
    model.learn_words(data, chosen, args)
    texts = data.texts.select(chosen)
    model.keys = model.terms(texts)[1].unique()
    idf = TfidfTransformer(sublinear_tf=True).fit(model.counts(texts)).idf_
    model.idf.data = torch.from_numpy(idf).to(chosen.device)
    wanted = targets(data.ratings[chosen], args)
    share = wanted.double().cpu().numpy()
    features, classes = model.weighted(texts), np.repeat([True, False], len(share))
    # A text that is positive with probability p is one positive text of weight p and one negative text of weight 1 - p.
    # With as many threads as there are cores, the last digits would depend on the machine.
    with threadpool_limits(1):
        fitted = LogisticRegression(C=args.inverse_penalty, max_iter=MAX_ITERATIONS).fit(
            vstack([features, features]), classes, sample_weight=np.concatenate([share, 1 - share])
        )
    model.weights.data = torch.from_numpy(fitted.coef_[0]).to(chosen.device)
    model.bias.data.fill_(float(fitted.intercept_[0]))
    loss = functional.binary_cross_entropy_with_logits(model.scores(texts), wanted)
    return [{"epoch": 1, "train_loss": loss.item()}]
