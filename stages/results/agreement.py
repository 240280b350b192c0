"""The figure of a table with numbers of a document: how far ours lie from them."""

import textwrap
from collections.abc import Sequence

from stages.results.figures import COLOURS, DOCUMENT, Drawing, new_figure
from stages.results.formatting import words
from stages.results.tables import Comparison


def agreement(title: str, comparisons: Sequence[Comparison], close: float) -> Drawing:
    """Draw, for each metric and row, the document's number and ours with the interval for one more run."""
    metrics = list(dict.fromkeys(entry.metric for entry in comparisons))
    rows = list(dict.fromkeys(entry.run for entry in comparisons))
    labels = {entry.run: entry.label for entry in comparisons}
    figure, grid = new_figure(6.5, 1.2 + 0.4 * len(rows), 1, len(metrics), sharey=True, squeeze=False)
    for metric, axes in zip(metrics, grid[0], strict=True):
        for entry in (entry for entry in comparisons if entry.metric == metric):
            y = rows.index(entry.run)
            if entry.interval is not None:
                low, high = entry.interval
                axes.plot([low - entry.document, high - entry.document], [y, y], color=COLOURS[0], linewidth=2)
            axes.plot(entry.difference, y, "o", color=COLOURS[0], markersize=5)
        axes.axvline(0, color=DOCUMENT, linewidth=1)
        axes.axvspan(-close, close, color="#009e73", alpha=0.15, linewidth=0)
        axes.set(title=words(metric), xlabel="ours - document")
        axes.locator_params(axis="x", nbins=2 if len(metrics) > 3 else 4)
        axes.tick_params(axis="x", labelsize="small")
        axes.set_yticks(range(len(rows)), [textwrap.fill(labels[row], 20) for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
    caption = (
        f"{title}: our mean minus the document's number (dot), with the 95 % prediction interval for one more run of "
        f"ours (line). The green band is the table's margin, {close:g} to either side."
    )
    return Drawing(caption, figure)
