"""The figure of a row: the fitted line and the test points."""

from torch import Tensor

from stages.core.data import Data, load_prepared
from stages.core.run import Run
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the test points, of which `metric` is the mean squared error."""
    actual = load_prepared(run.family, run.data).test.targets
    errors = (outputs["predicted"] - actual).square().flatten().numpy()
    return Examples((len(errors),), lambda chosen: errors[chosen].mean())


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figure of one run from the `predicted` values (n, 1) of the test points."""
    figure, axes = new_figure(4, 3)
    x, order = data.test.inputs.flatten(), data.test.inputs.flatten().argsort()
    axes.plot(x, data.test.targets.flatten(), ".", color=COLOURS[0])
    axes.plot(x[order], outputs["predicted"].flatten()[order], color=COLOURS[1])
    axes.set(xlabel="x", ylabel="y")
    return {"fit": Drawing(f"{label}: the fitted line and the {len(x)} test points (first seed).", figure)}
