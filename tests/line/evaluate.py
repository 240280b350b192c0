"""Scores of the line: losses, the learned slope, and how far it is from the true one."""

from torch import Tensor, nn

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History, mean_loss, predict
from stages.line.train import LOSS


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one trained model; `slope_error` where the points were drawn with a known slope."""
    slope = model.weight.item()
    metrics = {"train_loss": history[-1]["train_loss"], "test_loss": mean_loss(model, LOSS, data.test), "slope": slope}
    return metrics | ({"slope_error": abs(slope - data.info["slope"])} if "slope" in data.info else {})


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figure needs: `predicted` (n, 1) for the test points."""
    return {"predicted": predict(model, data.test.inputs)}
