"""Transformer decoder as a language model: attention to the tokens before, without recurrence.

Vaswani et al. 2017, Attention Is All You Need, sections 3.1 to 3.5, without the encoder and the attention to it, as
Radford et al. 2018, Improving Language Understanding by Generative Pre-Training, section 3.1, train it. Deviations:
normalisation before each sublayer instead of after it, which needs no warm-up (Xiong et al. 2020); weights may be tied.
"""

import math
from typing import Any

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from stages.language_modeling.train import CHUNK, Network, NetworkArgs, train_network

DATA_KINDS, train = ("divide",), train_network


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        num_hiddens: d_model, of a token's vector in every layer.
        num_layers: N.
        num_heads: h; must divide `num_hiddens`.
        feed_forward_size: d_ff.
        tied: whether the output layer has the vectors of the input.
    """

    num_steps: int = Field(gt=CHUNK)
    num_hiddens: int = Field(ge=2)
    num_layers: int = Field(ge=1)
    num_heads: int = Field(ge=1)
    feed_forward_size: int = Field(ge=1)
    tied: bool = True

    @model_validator(mode="after")
    def _heads_divide(self) -> "Args":
        if self.num_hiddens % self.num_heads or self.num_hiddens % 2:
            raise ValueError(
                f"num_hiddens = {self.num_hiddens} must be even and a multiple of num_heads = {self.num_heads}"
            )
        return self


class Transformer(Network):
    """The network; its state is the last tokens, int64 (at most num_steps - CHUNK, batch).

    It sees no more than the `num_steps` tokens that it was trained on: in training those of the step, afterwards those
    of the chunk and the tokens before it.
    """

    def __init__(self, args: Args, num_words: int) -> None:
        """Draw the layers' weights from torch's initial values."""
        super().__init__(num_words, args.num_hiddens, None if args.tied else args.num_hiddens, args)
        self.num_past = args.num_steps - CHUNK
        self.scale = math.sqrt(args.num_hiddens)
        layer = nn.TransformerEncoderLayer(
            args.num_hiddens, args.num_heads, args.feed_forward_size, args.dropout, norm_first=True
        )
        norm = nn.LayerNorm(args.num_hiddens)
        self.layers = nn.TransformerEncoder(layer, args.num_layers, norm, enable_nested_tensor=False)
        self.register_buffer("positions", sinusoids(args.num_steps, args.num_hiddens), persistent=False)

    def features(self, tokens: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the last layer's output at `tokens`, (time, batch, num_hiddens), and the state."""
        seen = tokens if state is None else torch.cat([state, tokens])
        x = self.embed(seen) * self.scale + self.positions[: len(seen), None]
        mask = nn.Transformer.generate_square_subsequent_mask(len(seen), device=tokens.device, dtype=torch.bool)
        h = self.layers(x, mask=mask, is_causal=True)[len(seen) - len(tokens) :]
        return h, None if self.training else seen[-self.num_past :]


def sinusoids(num_positions: int, size: int) -> Tensor:
    """Return positional encodings, sines and cosines (section 3.5): float32 (num_positions, size)."""
    angles = torch.arange(num_positions)[:, None] / 10000 ** (torch.arange(0, size, 2) / size)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different tokens."""
    return Transformer(args, info["num_words"])
