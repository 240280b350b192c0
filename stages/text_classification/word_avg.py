"""Word averaging (document 003, text classification models: "WordAvg is strong").

The mean of a text's word vectors and one linear layer: Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic
Methods for Text Classification, section 2.1, without hidden layers; dropping words as in its section 3.1, but to
`<unk>`.
"""

from typing import Any

from torch import Tensor, nn

from stages.text_classification.train import Network, NetworkArgs, train_network, vector_size

DATA_KINDS, train = ("folds", "embed"), train_network


class Args(NetworkArgs):
    """Hyperparameters."""


class WordAvg(Network):
    """The mean of the words of a text."""

    def features(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return the mean over the words of a text, (batch, d)."""
        return vectors.sum(1) / lengths[:, None]


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different words."""
    return WordAvg(args, info, vector_size(args, info))
