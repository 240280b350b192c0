"""Figures of language models: validation perplexity in training, perplexity by frequency, and texts they wrote."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from stages.core.data import PREDICTIONS, read_tensors
from stages.core.run import EVALUATIONS, Run, one_of
from stages.language_modeling.data import Stream
from stages.language_modeling.evaluate import KINDS, OPENING, TEMPERATURE
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure

TABLES_SHOW_OUTPUTS = True
BLOCK = 2000  # tokens, about a text of the corpus: those of a text are alike
FEWEST = 50  # blocks


def draw(label: str, outputs: dict[str, Tensor], data: Stream) -> dict[str, Drawing]:
    """Return the texts that a run wrote; `outputs` are what the family's evaluate.py returns of its first seed."""
    texts = [text_of(tokens, data) for tokens in outputs["samples"].tolist()]
    caption = (
        f"{label}: how it goes on after the first {OPENING} {data.unit}s of texts of the test part, at a temperature "
        f"of {TEMPERATURE:g} (first seed)."
    )
    return {"samples": Drawing(caption, "\n\n".join(texts))}


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the blocks of neighbouring tokens of the test part, of which `metric` is the perplexity.

    They have `BLOCK` tokens, or fewer where the text is short, so that there are `FEWEST` of them.
    """
    one_of(metric, ["test_perplexity"], f"{run.name}: headline.metric")
    scores = read_tensors(EVALUATIONS / run.name / PREDICTIONS)[f"test_{run.seeds[0]}"]
    size = max(1, min(BLOCK, len(scores) // FEWEST))
    losses = -scores[: len(scores) // size * size].double().view(-1, size).mean(1).numpy()
    return Examples((len(losses),), lambda chosen: np.exp(losses[chosen].mean()))


def text_of(tokens: list[int], data: Stream) -> str:
    """Return tokens as text, a line for each sentence or poem."""
    words = ["\n" if word == data.eos else word for word in (data.vocabulary.words[token] for token in tokens)]
    if data.unit == "character":
        return "".join(words).strip()
    return "\n".join(line.strip() for line in " ".join(words).split("\n")).strip()


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, dict[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the figures of a table; all arguments but the title go by the label of the row."""
    drawings = {}
    trained = {label: curve for label, curve in curves.items() if len(curve) > 1 and (curve["diverged"] == 0).any()}
    if trained:
        drawings["curves"] = _curves(title, trained, seconds_an_epoch)
    counted = {label: output for label, output in outputs.items() if "kind_losses" in output}
    if counted:
        drawings["frequencies"] = _frequencies(title, counted)
    return drawings


def _style(index: int) -> dict[str, Any]:
    style = ("-", ":", "--")[index // len(COLOURS) % 3]  # where the colours begin anew
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": style, "marker": "o", "markersize": 3}


def _curves(title: str, curves: Mapping[str, pd.DataFrame], seconds_an_epoch: Mapping[str, float | None]) -> Drawing:
    figure, (by_epoch, by_time) = new_figure(7, 3.6 + 0.1 * len(curves), 1, 2, sharey=True)
    for index, (label, curve) in enumerate(curves.items()):
        perplexity = np.exp(curve["validation_loss"].where(curve["diverged"] == 0))
        by_epoch.plot(curve["epoch"], perplexity, label=label, **_style(index))
        if (seconds := seconds_an_epoch[label]) is not None:
            by_time.plot(curve["epoch"] * seconds, perplexity, **_style(index))
    by_epoch.set(xlabel="epoch", ylabel="validation perplexity", yscale="log")
    by_epoch.yaxis.set_major_formatter("{x:g}")
    by_epoch.yaxis.set_minor_formatter("{x:g}")
    by_time.set(xlabel="seconds of a core, one seed")
    by_epoch.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    caption = (
        f"{title}: perplexity of a part of the validation text by epoch, mean over seeds, and by time: what an epoch "
        f"took when the reference was recorded, validation included. Epochs in which a seed diverged are left out."
    )
    return Drawing(caption, figure)


def _frequencies(title: str, outputs: Mapping[str, dict[str, Tensor]]) -> Drawing:
    figure, axes = new_figure(7, 3.6 + 0.1 * len(outputs))
    counts = next(iter(outputs.values()))["kind_tokens"].numpy()
    for index, (label, output) in enumerate(outputs.items()):
        losses = output["kind_losses"].exp().numpy()
        axes.plot(
            np.arange(len(KINDS)), np.where(output["kind_tokens"] > 0, losses, np.nan), label=label, **_style(index)
        )
    shares = counts / counts.sum()
    names = [f"{kind}\n{share:.0%}" for kind, share in zip(KINDS, shares, strict=True)]
    axes.set_xticks(range(len(KINDS)), names, fontsize="small")
    axes.set(
        xlabel="occurrences in the training text, share of the test tokens", ylabel="test perplexity", yscale="log"
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return Drawing(f"{title}: test perplexity of tokens by how often they occur in training (first seed).", figure)
