"""Figures of word vectors: groups of words in the plane, and nearest neighbours."""

import torch
from scipy import stats
from torch import Tensor

from stages.core.run import Run, one_of
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure
from stages.word_vectors.data import TextData
from stages.word_vectors.evaluate import GROUPS, RATED


def draw(label: str, outputs: dict[str, Tensor], data: TextData) -> dict[str, Drawing]:
    """Return the figures of one run; `outputs` are what `stages/word_vectors/evaluate.py` returns of its first seed."""
    return {"groups": _groups(label, outputs, data), "neighbours": _neighbours(label, outputs, data)}


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the in-vocabulary pairs of a similarity benchmark, of which `metric` is Spearman's correlation."""
    benchmarks = [name.removesuffix(RATED) for name in outputs if name.endswith(RATED)]
    rated = outputs[one_of(metric, benchmarks, f"{run.name}: headline.metric") + RATED].numpy()
    return Examples((len(rated),), lambda chosen: stats.spearmanr(rated[chosen]).statistic)


def _groups(label: str, outputs: dict[str, Tensor], data: TextData) -> Drawing:
    words = [data.vocabulary.words[number] for number in outputs["grouped"].tolist()]
    vectors = outputs["vectors"].double()
    centred = vectors - vectors.mean(0)
    _, lengths, axes_of_variance = torch.linalg.svd(centred, full_matrices=False)
    places = centred @ axes_of_variance[:2].T
    # The sign of an axis is arbitrary, and may differ between machines: the first word lies to the right and above.
    places *= torch.where(places[0] < 0, -1.0, 1.0)
    share = (lengths[:2].square().sum() / lengths.square().sum()).item()

    figure, axes = new_figure(7, 5.5)
    for (group, members), colour in zip(GROUPS.items(), COLOURS, strict=True):
        chosen = [row for row, word in enumerate(words) if word in members]
        x, y = places[chosen].T.numpy()
        axes.plot(x, y, "o", color=colour, markersize=4, label=group)
        for row in chosen:
            axes.annotate(
                words[row], places[row].tolist(), (3, 2), textcoords="offset points", fontsize=7, color=colour
            )
    axes.set(xlabel="first principal component", ylabel="second")
    figure.legend(loc="outside lower center", ncols=len(GROUPS), fontsize="small")
    caption = f"{label}: vectors of {len(words)} words of seven groups in the plane that holds most of their variance"
    return Drawing(f"{caption} ({share:.0%}; first seed).", figure)


def _neighbours(label: str, outputs: dict[str, Tensor], data: TextData) -> Drawing:
    words = data.vocabulary.words
    probes, neighbours, cosines = (outputs[name].tolist() for name in ("probes", "neighbours", "cosines"))
    figure, axes = new_figure(9.5, 0.6 + 0.3 * len(probes))
    axes.axis("off")
    for row, (probe, near, values) in enumerate(zip(probes, neighbours, cosines, strict=True)):
        text = ", ".join(f"{words[number]} {value:.2f}" for number, value in zip(near, values, strict=True))
        axes.text(0, -row, words[probe], weight="bold")
        axes.text(1.4, -row, text, fontsize=8)
    axes.set(xlim=(0, 12), ylim=(-len(probes) + 0.3, 0.7))
    return Drawing(f"{label}: words with the nearest ones and their cosines (first seed).", figure)
