"""Figures and texts of language models, from small outputs."""

import math

import pandas as pd
import pytest
import torch

from stages.language_modeling import figures
from stages.language_modeling.evaluate import KINDS
from tests.language_modeling.small import small_stream


def test_texts_have_a_line_for_each_sentence():
    """Words with spaces between, characters without; marks end lines."""
    tokens = [1, 2, 3, 1, 4, 1]
    assert figures.text_of(tokens, small_stream()) == "w2 w3\nw4"
    assert figures.text_of(tokens, small_stream(unit="character")) == "cd\ne"
    drawn = figures.draw("label", {"samples": torch.tensor([tokens, tokens])}, small_stream())
    assert drawn["samples"].figure == "w2 w3\nw4\n\nw2 w3\nw4"


def test_a_table_is_drawn_by_epoch_by_time_and_by_frequency():
    """Rows of one epoch have no curve, rows without a recorded time none by time, mixtures no frequencies."""
    curve = pd.DataFrame({"epoch": [1, 2], "validation_loss": [2.0, 1.0], "diverged": [0, 0]})
    counts = torch.tensor([3] * (len(KINDS) - 1) + [0])
    output = {"kind_tokens": counts, "kind_losses": torch.ones(len(KINDS), dtype=torch.float64)}
    lost = curve.assign(diverged=1.0, validation_loss=600.0)
    curves = {"lstm": curve, "lost": lost, "gru": curve, "bigram": curve[:1], "mixture": curve[:1]}
    outputs = {"lstm": output, "lost": {}, "gru": output, "bigram": output, "mixture": {"weight": torch.tensor(0.5)}}
    drawn = figures.draw_table("Title", curves, outputs, {"lstm": 10.0, "gru": None, "bigram": 1.0, "mixture": 1.0})
    by_epoch, by_time = drawn["curves"].figure.axes
    assert [len(axes.lines) for axes in (by_epoch, by_time)] == [2, 1]
    assert by_time.lines[0].get_xdata().tolist() == [10.0, 20.0]
    assert by_time.lines[0].get_ydata().tolist() == pytest.approx([math.exp(2), math.exp(1)])
    (axes,) = drawn["frequencies"].figure.axes
    assert [line.get_label() for line in axes.lines] == ["lstm", "gru", "bigram"]
    alone = figures.draw_table("Title", {"bigram": curve[:1]}, {"bigram": output}, {"bigram": None})
    assert list(alone) == ["frequencies"]
