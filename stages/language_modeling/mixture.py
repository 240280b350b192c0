"""Mixture of two language models: p = weight p_1 + (1 - weight) p_2 for each token.

Jelinek and Mercer 1980, Interpolated Estimation of Markov Source Parameters from Sparse Data; Bengio et al. 2003,
section 4, mix a network half and half with a trigram. The models are those of two other runs, of which the data hold
what they gave each token; a weight that is not given is chosen by the likelihood of the validation part, by expectation
maximisation.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.errors import UserError
from stages.core.schema import Strict
from stages.core.training import History
from stages.language_modeling.data import Predictions

DATA_KINDS = ("mix",)
ITERATIONS = 50  # the likelihood has a single maximum, and stands still long before


class Args(Strict):
    """Hyperparameters.

    Attributes:
        weight: of the first model; null to choose it.
    """

    weight: float | None = Field(default=None, gt=0, lt=1)


class Mixture(nn.Module):
    """The weight of the first model, float32 (), and the seed, int64 (); the two models, where they are used live."""

    def __init__(self, *models: nn.Module) -> None:
        """Begin with the second model alone."""
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.0), requires_grad=False)
        self.register_buffer("seed", torch.tensor(0))
        self.models = models  # a tuple, so that their weights are not this model's

    def mix(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the logarithm of the mixed probabilities from the logarithms of both, of any shape."""
        weight = self.weight.to(first.dtype)
        return torch.logaddexp(first + weight.log(), second + (1 - weight).log())

    def log_likelihood(self, inputs: Tensor, targets: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the log-probability of each target in nats, float32 (time, batch), and both states."""
        states = state or (None, None)
        found = [model.log_likelihood(inputs, targets, one) for model, one in zip(self.models, states, strict=True)]
        return self.mix(found[0][0], found[1][0]), tuple(state for _, state in found)

    def predict(self, inputs: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return the log-probability of every token after the last input, float32 (batch, words), and both states."""
        states = state or (None, None)
        found = [model.predict(inputs, one) for model, one in zip(self.models, states, strict=True)]
        return self.mix(found[0][0], found[1][0]), tuple(state for _, state in found)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return a mixture that is the second model alone."""
    return Mixture()


def train(model: Mixture, data: Predictions, args: Args, seed: int, label: str) -> History:
    """Choose the weight; return one record with the validation part's mean loss in nats a token, both as train loss.

    Raises:
        UserError: the data are not what two models predicted.
    """
    if not isinstance(data, Predictions):
        raise UserError(f"{label}: a mixture reads what two models predicted; its data must be an entry of `mix`")
    model.seed.fill_(seed)
    first, second = (scores.double() for scores in data.pair("validation", seed))
    model.weight.data.fill_(0.5 if args.weight is None else args.weight)
    if args.weight is None:
        for _ in range(ITERATIONS):
            share = (first + model.weight.double().log() - model.mix(first, second)).exp()  # of the first, by token
            model.weight.data.copy_(share.mean())
    loss = -model.mix(first, second).mean().item()
    return [{"epoch": 1, "train_loss": loss, "validation_loss": loss}]
